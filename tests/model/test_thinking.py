from __future__ import annotations

import pytest

from ponder.model.thinking import inside

OPEN, CLOSE = "<think>", "</think>"
BY_HAND = [
    ([], False, (0, False)),
    ([], True, (0, False)),
    (["7"], False, (0, False)),
    (["<think>"], False, (0, False)),
    (["<think>", "</think>", "7"], False, (0, True)),
    (["<think>", "3", "+4", "</think>", "7"], False, (2, True)),
    (["<think>", "3", "+4"], False, (2, False)),
    (["3", "+4", "</think>", "7"], True, (2, True)),
    (["</think>", "7"], True, (0, True)),
    (["3", "+4"], True, (2, False)),
    # letters joined across the marks
    (["<thi", "nk>3", "+4</", "think", ">7"], False, (2, True)),
    (["<", "think", ">", "Hm", "</", "think", ">", "7"], False, (1, True)),
    (["x</think>7"], True, (1, True)),
    (["<think>x</think>7"], False, (1, True)),
    (["<think></think>7"], False, (0, True)),
    # white space: before the opening mark it is outside, after it inside
    (["\n", " <think>", "\n", "3", "\n", "</think>", "\n\n", "7"], False, (3, True)),
    # a closing mark that is not whole is still thinking
    (["<think>", "3", "</", "think"], False, (3, False)),
    # the block is the first thing said, and there is one
    (["So", "<think>", "3", "</think>", "7"], False, (0, False)),
    (["<think>", "3", "</think>", "<think>", "4", "</think>"], False, (1, True)),
    (["</think>", "<think>", "4", "</think>"], False, (0, False)),
    (["<think>", "4", "</think>"], True, (2, True)),
    # tokens that add no text: bytes of the character that follows, and marks that are not shown
    (["<think>", "", "", "é", "</think>", "", "ü"], False, (3, True)),
    (["", "<think>", "3", "", "</think>", ""], False, (1, True)),
    (["<think>", "3", ""], False, (1, False)),
]


@pytest.mark.parametrize(("pieces", "opened", "counted"), BY_HAND)
def test_tokens_inside_the_block_by_hand(pieces: list[str], opened: bool, counted: tuple[int, bool]):
    assert inside(pieces, OPEN, CLOSE, opened) == counted


def test_any_marks_will_do():
    assert inside(["[THINK]", "a", "b", "[/THINK]", "c"], "[THINK]", "[/THINK]", False) == (2, True)
    assert inside(["a", "|", "b"], "|", "|", True) == (1, True)


@pytest.mark.parametrize("n", range(1, 30))
def test_a_token_a_letter_counts_letters(n: int):
    assert inside(["x"] * n + list(CLOSE) + ["7"], OPEN, CLOSE, True) == (n, True)


def test_it_takes_a_long_completion_in_its_stride():
    assert inside(["<think>", *["x"] * 100_000, "</think>"], OPEN, CLOSE, False) == (100_000, True)
