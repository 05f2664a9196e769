"""Tokens as text: characters that several of them make stay whole, and the colour is that of the least sure."""

from __future__ import annotations

import math

from tokenizers import Tokenizer

from ponder.viewer.tokens import Piece, coloured, pieces
from tiny import make_tokenizer
from viewer.made import HOSTILE

WORDS = Tokenizer.from_str(make_tokenizer().backend_tokenizer.to_str())


def cut(text: str, chance: float = 0.95, forced: tuple[int, ...] = ()) -> list[Piece]:
    ids = WORDS.encode(text, add_special_tokens=False).ids
    return pieces(WORDS, ids, [math.log(chance)] * len(ids), forced)


def test_pieces_are_the_text():
    for text in ("3 plus 4", "答えは七", "a\n\tb  c", "e\u0301🙂!", "<think>x</think>", *HOSTILE[:6]):
        assert "".join(piece.text for piece in cut(text)) == text


def test_a_character_of_several_tokens_is_one_piece():
    assert [(piece.text, len(piece.logprobs)) for piece in cut("a七")] == [("a", 1), ("七", 3)]


def test_bytes_that_make_no_character_do_not_wait_for_ever():
    ids = WORDS.encode("七", add_special_tokens=False).ids[:1] * 30
    found = pieces(WORDS, ids, [-1.0] * 30, ())
    assert sum(len(piece.logprobs) for piece in found) == 30
    assert max(len(piece.logprobs) for piece in found) <= 8


def test_colours_by_hand():
    steps = {0.95: 0, 0.9001: 0, 0.6: 1, 0.2: 2, 0.05: 3, 0.001: 4}
    assert {chance: cut("a", chance)[0].step for chance in steps} == steps
    assert Piece(text="a", logprobs=(-math.inf, 0.0), forced=False).step == 4
    assert Piece(text="", logprobs=(), forced=False).step == 0


def test_what_was_put_there_is_marked():
    assert [piece.forced for piece in cut("abc", forced=(1,))] == [False, True, False]
    assert 'class="p0 forced" title="put there, not drawn"' in coloured(cut("abc", forced=(1,)))
    assert coloured(cut("<b>")) == "".join(
        f'<span class="p0" title="95%">{each}</span>' for each in ("&lt;", "b", "&gt;")
    )
