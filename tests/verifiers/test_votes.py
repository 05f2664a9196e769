from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import ask
from ponder.verifiers.extract import Kind
from ponder.verifiers.votes import vote


@pytest.mark.parametrize(
    ("answer", "kind", "wanted"),
    [
        ("1,000", Kind.TEXT, "1000"),
        ("The answer is 1000.0.", Kind.NUMBER, "1000"),
        ("4 + 3 = 7", Kind.NUMBER, "7"),
        ("2/4", Kind.NUMBER, "1/2"),
        ("\\boxed{0.5}", Kind.MATHS, "1/2"),
        ("Paris.", Kind.TEXT, "paris"),
        ("I think.\n<answer> the  Red one </answer>", Kind.TEXT, "the red one"),
        ("A on, B off", Kind.TEXT, "a on, b off"),
        ("none here", Kind.NUMBER, None),
        ("", Kind.TEXT, None),
        (".", Kind.TEXT, None),
    ],
)
def test_what_says_the_same_votes_for_the_same(answer: str, kind: Kind, wanted: str | None):
    assert vote(answer, ask("?"), kind=kind) == wanted


def test_choices_are_those_of_the_problem_and_their_letters():
    problem = replace(ask("?", "B"), facts={"choices": ["red", "blue"]})
    assert vote("(B)", problem, kind=Kind.CHOICE) == "b"
    assert vote("Blue.", problem, kind=Kind.CHOICE) == "blue"
    assert vote("red or blue", problem, kind=Kind.CHOICE) is None


def test_prose_is_left_alone_where_it_is_not_to_be_read():
    assert vote("so it is 7", ask("?"), kind=Kind.NUMBER, lenient=False) is None
