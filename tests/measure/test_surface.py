"""How often attacks succeed, on rollouts whose numbers are worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from measure.synthetic import connect, rollout
from ponder.measure import surface
from ponder.types import Mode, Outcome, Rollout

RIGHT = {"a": (1.0, 0.0), "b": (1.0, 1.0), "c": (0.0, 0.0), "d": (1.0, None)}
"""Problem -> what it is worth clean, and attacked."""
WAYS = ((Mode.FREE, None), (Mode.BUDGET, 2))


def asked(made: Rollout, mode: Mode, most: int | None, *, attack: str = "none", strength: float = 0.0) -> Rollout:
    cell = replace(made.cell, mode=mode, think_at_most=most, attack=attack, strength=strength)
    return replace(made, cell=cell)


def by_hand(domain: str = "chains") -> Iterator[Rollout]:
    for mode, most in WAYS:
        for problem, (clean, attacked) in RIGHT.items():
            one = rollout("after", problem, clean, thinking="one", domain=domain)
            yield asked(one, mode, most)
            worth = clean if mode is Mode.BUDGET else attacked
            other = rollout("after", problem, worth, thinking="one two three", domain=domain)
            yield asked(other, mode, most, attack="puzzle", strength=0.5)


def test_success_is_wrong_where_the_twin_is_right(tmp_path: Path):
    found = surface.numbers(connect(list(by_hand()), tmp_path))
    values = {name.removeprefix("surface.after.puzzle@0.5."): number.value for name, number in found.items()}
    assert values == {
        "free.success": 0.5,  # of a and b; c was never right, and d could not be judged
        "free.accuracy": pytest.approx(1 / 3),
        "free.thinking_tokens": 3.0,
        "free.more_thinking": 2.0,
        "most-2.success": 0.0,
        "most-2.accuracy": 0.75,
        "most-2.thinking_tokens": 3.0,
        "most-2.more_thinking": 2.0,
    }
    assert found["surface.after.puzzle@0.5.free.success"].n == 2


def test_every_query_gives_its_number_again_over_the_domains(tmp_path: Path):
    safe = [asked(rollout("after", problem, 1.0, domain="safe"), Mode.FREE, None) for problem in "yz"]
    safe += [asked(one, Mode.FREE, None, attack="puzzle", strength=0.5) for one in safe]
    con = connect([*by_hand(), *safe], tmp_path)
    found = surface.numbers(con)
    assert found["surface.after.puzzle@0.5.free.success"].value == 0.25
    for name, number in found.items():
        assert (con.execute(number.query).fetchone() or (None,))[0] == pytest.approx(number.value), name
        low, value, high = number.low, number.value, number.high
        assert low is not None and value is not None and high is not None and low <= value <= high


def test_what_was_cut_is_wrong_and_another_sample_is_no_twin(tmp_path: Path):
    cut = rollout("after", "a", 1.0, outcome=Outcome.TRUNCATED, sample=1)
    rows = [
        asked(rollout("after", "a", 1.0, sample=0), Mode.FREE, None),
        asked(rollout("after", "a", 1.0, sample=1), Mode.FREE, None),
        asked(rollout("after", "a", 1.0, sample=0), Mode.FREE, None, attack="cut", strength=1.0),
        asked(cut, Mode.FREE, None, attack="cut", strength=1.0),
        asked(rollout("after", "a", 0.0, sample=2), Mode.FREE, None, attack="cut", strength=1.0),
    ]
    assert surface.numbers(connect(rows, tmp_path))["surface.after.cut@1.0.free.success"].value == 0.5


def test_one_problem_alone_sets_no_bound_on_tokens(tmp_path: Path):
    rows = [asked(rollout("after", "a", 1.0), Mode.FREE, None, attack="cut", strength=1.0)]
    rows.append(asked(rows[0], Mode.FREE, None))
    found = surface.numbers(connect(rows, tmp_path))
    assert found["surface.after.cut@1.0.free.thinking_tokens"].low is None
    assert (found["surface.after.cut@1.0.free.success"].low, found["surface.after.cut@1.0.free.success"].high) == (0, 1)


def test_without_attacks_there_is_no_surface(tmp_path: Path):
    assert surface.numbers(connect([rollout("after", "a", 1.0)], tmp_path)) == {}
