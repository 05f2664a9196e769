"""The order of several runs, and which places in it are sure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from measure.synthetic import connect, rollout
from ponder.measure.comparison import compare_ends
from ponder.measure.ranking import Standing, pairs, standings
from ponder.measure.statistics import Estimate
from ponder.types import Rollout


def run(right: int, of: int = 60, *, condition: str = "after", tier: str = "trained", start: int = 0) -> list[Rollout]:
    """A run that gets the first problems right, and the others wrong."""
    problems = range(start, start + of)
    return [rollout(condition, str(at), float(at < start + right), tier=tier) for at in problems]


def stand(tmp_path: Path, *runs: Sequence[Rollout]) -> list[Standing]:
    return standings(pairs([connect(rows, tmp_path / str(at)) for at, rows in enumerate(runs)]))


def test_runs_that_are_surely_apart_are_in_groups(tmp_path: Path):
    (found,) = stand(tmp_path, run(20), run(50), run(49))
    assert found.order == (1, 2, 0) and found.groups == ((1, 2), (0,))
    assert found.differences[1, 0].value == pytest.approx(0.5) and found.differences[1, 0].n == 60
    assert found.sure == {(1, 0), (2, 0)} and found.domains == ("chains",)


def test_an_order_that_chance_could_have_made_is_one_group(tmp_path: Path):
    (found,) = stand(tmp_path, run(30), run(31), run(32))
    assert found.order == (2, 1, 0) and found.groups == ((2, 1, 0),) and not found.sure


def test_many_differences_ask_for_more_each(tmp_path: Path):
    """7 of 60 problems better is sure of two runs alone, and not as the largest of fifteen differences."""
    (alone,) = stand(tmp_path / "two", run(30), run(37))
    assert alone.sure == {(1, 0)}
    (among,) = stand(tmp_path / "six", run(30), run(37), *(run(33) for _ in range(4)))
    assert not among.sure


def test_equal_runs_keep_their_order(tmp_path: Path):
    (found,) = stand(tmp_path, run(30), run(30))
    assert found.order == (0, 1) and found.groups == ((0, 1),)


def test_each_run_stands_with_what_it_ended_with(tmp_path: Path):
    rows = [*run(10, condition="before"), *run(60, condition="forced")]
    (found,) = stand(tmp_path, [*run(5, condition="before"), *run(50)], rows)
    assert found.accuracy[0].value == pytest.approx(50 / 60) and found.accuracy[1].value == pytest.approx(10 / 60)


def test_tiers_are_those_of_the_first_run(tmp_path: Path):
    (found,) = stand(tmp_path, run(30, tier="shown"), run(30, tier="unseen"))
    assert found.tier == "shown"


def test_what_no_two_share_stands_nowhere(tmp_path: Path):
    assert stand(tmp_path, run(30), run(30, start=100)) == []
    first, second = (connect(run(3, of=4, start=at), tmp_path / f"x{at}") for at in (0, 100))
    (row,) = compare_ends(first, second)
    assert row.difference is None and row.condition == "end"


def test_a_run_that_beats_only_some_of_those_behind_it_opens_no_group():
    e = Estimate(0.1, 0.05, 0.15, 50)
    standing = Standing(
        tier="trained",
        domains=("a",),
        order=(0, 1, 2),
        accuracy={0: e, 1: e, 2: e},
        differences={(0, 1): e, (0, 2): e, (1, 2): e},
        sure=frozenset({(0, 2)}),
    )
    assert standing.groups == ((0, 1, 2),)
