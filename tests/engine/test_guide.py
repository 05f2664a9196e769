from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ponder.engine.guide import GO_ON, Advice, Guide
from ponder.model.thinking import Words, inside
from ponder.types import SamplingParams, ThinkingLimits

END = -1
"""The end of turn."""


class Pieces:
    """A vocabulary made up as it goes: each piece of text is a token."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def ids(self, *pieces: str | bytes) -> list[int]:
        found = []
        for piece in pieces:
            raw = piece.encode() if isinstance(piece, str) else piece
            if raw not in self.pieces:
                self.pieces.append(raw)
            found.append(self.pieces.index(raw))
        return found

    def decode(self, tokens: Sequence[int]) -> str:
        return b"".join(self.pieces[t] for t in tokens if t != END).decode(errors="replace")


def guide(vocabulary: Pieces, *, stop: tuple[str, ...] = (), **limits: Any) -> Guide:
    """One that closes with `</think>` in two tokens and resumes with `Wait`."""
    marks = {"closing": tuple(vocabulary.ids("</", "think>")), "resume": tuple(vocabulary.ids("Wait"))}
    thinking = ThinkingLimits(**marks, **limits) if limits else None
    return Guide(SamplingParams(max_tokens=99, stop=stop, thinking=thinking), vocabulary.decode)


def hear(watched: Guide, tokens: Sequence[int], *, drawn: bool = True) -> list[Advice]:
    return [watched.hear(token, ends=token == END, drawn=drawn) for token in tokens]


def test_words_wait_for_whole_characters():
    vocabulary = Pieces()
    words = Words(vocabulary.decode)
    for token in vocabulary.ids("a", "é".encode()[:1], "é".encode()[1:], "b"):
        words.add(token)
    assert words.text == "aéb" and words.ends == [1, 1, 2, 3]
    words.drop(2)
    assert words.text == "a" and words.ends == [1, 1]
    words.add(vocabulary.ids("é".encode()[1:])[0])
    assert words.text == "aé"


@pytest.mark.parametrize("opened", [True, False])
def test_words_count_what_is_inside_as_chat_does(opened: bool):
    pieces = ["<th", "ink>2", "é".encode()[:1], "é".encode()[1:], "+", "3<", "/think", ">", "5"]
    vocabulary, words = Pieces(), Words(Pieces().decode)
    words = Words(vocabulary.decode)
    for token in vocabulary.ids(*pieces):
        words.add(token)
    texts = [words.text[a:b] for a, b in zip([0, *words.ends], words.ends, strict=False)]
    start = 0 if opened else len("<think>")
    mark = words.text.index("</think>")
    assert inside(texts, "<think>", "</think>", opened) == (words.beyond(start) - words.since(mark), True)


def test_a_stop_text_ends_with_the_token_that_completes_it():
    vocabulary = Pieces()
    watched = guide(vocabulary, stop=("###", "\n\n"))
    assert hear(watched, vocabulary.ids("one #", "#", "2\n", "#")) == [GO_ON] * 4
    assert hear(watched, vocabulary.ids("##x")) == [Advice(stop="###")]


def test_of_two_stop_texts_in_one_token_the_one_that_begins_first_counts():
    vocabulary = Pieces()
    assert hear(guide(vocabulary, stop=("b", "a")), vocabulary.ids("xaby")) == [Advice(stop="a")]


def test_a_stop_text_of_several_bytes_is_found_when_its_last_one_comes():
    vocabulary, stop = Pieces(), "終"
    raw = stop.encode()
    heard = hear(guide(vocabulary, stop=(stop,)), vocabulary.ids(raw[:1], raw[1:2], raw[2:]))
    assert heard == [GO_ON, GO_ON, Advice(stop=stop)]


@pytest.mark.parametrize("opening", [("<think>",), ("<th", "ink>"), ()])
def test_at_the_most_the_block_is_closed(opening: tuple[str, ...]):
    vocabulary = Pieces()
    watched = guide(vocabulary, at_most=2, opened=not opening)
    closing = vocabulary.ids("</", "think>")
    heard = hear(watched, vocabulary.ids(*opening, "a", "b"))
    assert heard == [GO_ON] * (len(opening) + 1) + [Advice(put=tuple(closing))]
    assert hear(watched, closing, drawn=False) == [GO_ON, GO_ON]
    assert hear(watched, vocabulary.ids("the", "answer", "is", "long")) == [GO_ON] * 4


def test_nothing_inside_is_closed_at_once():
    vocabulary = Pieces()
    assert guide(vocabulary, at_most=0, opened=True).begin().put == tuple(vocabulary.ids("</", "think>"))
    watched = guide(vocabulary, at_most=0)
    assert watched.begin() == GO_ON
    assert hear(watched, vocabulary.ids("<think>")) == [Advice(put=tuple(vocabulary.ids("</", "think>")))]


def test_a_mark_that_has_begun_may_be_completed():
    vocabulary = Pieces()
    watched = guide(vocabulary, at_most=3, opened=True)
    assert hear(watched, vocabulary.ids("a", "b", "</", "think>", "x", "y", "z")) == [GO_ON] * 7


def test_a_mark_that_comes_to_nothing_gives_back_what_is_too_much():
    vocabulary = Pieces()
    watched = guide(vocabulary, at_most=2, opened=True)
    assert hear(watched, vocabulary.ids("a", "</", "x")) == [
        GO_ON,
        GO_ON,
        Advice(take_back=1, put=tuple(vocabulary.ids("</", "think>"))),
    ]
    assert watched.words.text == "a</"


def test_a_block_closed_too_early_goes_on():
    vocabulary = Pieces()
    watched = guide(vocabulary, at_least=3, opened=True)
    resume = tuple(vocabulary.ids("Wait"))
    assert hear(watched, vocabulary.ids("a", "</", "think>")) == [GO_ON, GO_ON, Advice(take_back=2, put=resume)]
    assert watched.words.text == "a"
    assert hear(watched, resume, drawn=False) == [GO_ON]
    assert hear(watched, [END]) == [Advice(take_back=1, put=resume)]
    assert hear(watched, resume, drawn=False) + hear(watched, vocabulary.ids("</think>", "x")) == [GO_ON] * 3


def test_what_stands_in_one_token_with_the_mark_goes_with_it():
    vocabulary = Pieces()
    watched = guide(vocabulary, at_least=3, opened=True)
    hear(watched, vocabulary.ids("a"))
    assert hear(watched, vocabulary.ids("b</think>\n")) == [Advice(take_back=1, put=tuple(vocabulary.ids("Wait")))]
    enough = guide(vocabulary, at_least=2, opened=True)
    assert hear(enough, vocabulary.ids("a", "b</think>\n")) == [GO_ON, GO_ON]


def test_no_more_is_put_there_than_may_be():
    vocabulary = Pieces()
    closing, resume = tuple(vocabulary.ids("</think>")), tuple(vocabulary.ids("Wait", ",", "so"))
    thinking = ThinkingLimits(at_least=3, at_most=3, opened=True, closing=closing, resume=resume)
    watched = Guide(SamplingParams(max_tokens=99, thinking=thinking), vocabulary.decode)
    assert hear(watched, vocabulary.ids("a", "</think>"))[1] == Advice(take_back=1, put=resume[:2])
    assert hear(watched, resume[:2], drawn=False) == [GO_ON, GO_ON]
    assert hear(watched, vocabulary.ids("x")) == [Advice(take_back=1, put=closing)]


@pytest.mark.parametrize("text", ["no block", "  (<think>", "<thin air>"])
def test_a_completion_that_opens_no_block_is_left_alone(text: str):
    vocabulary = Pieces()
    watched = guide(vocabulary, at_least=2, at_most=3)
    assert hear(watched, vocabulary.ids(*text, "</think>", "more")) == [GO_ON] * (len(text) + 2)
    assert hear(watched, [END]) == [GO_ON]
