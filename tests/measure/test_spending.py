"""What thinking is spent on and what it buys, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from measure.synthetic import connect, rollout
from ponder.measure.spending import LEVELS, by_difficulty, by_way
from ponder.types import Mode, Outcome, Rollout


def asked(condition: str, problem: str, right: float, words: int, difficulty: float | None = None) -> Rollout:
    thinking = " ".join(["so"] * words) if words else None
    return rollout(condition, problem, right, thinking=thinking, difficulty=difficulty)


def test_levels_are_means_over_problems(tmp_path: Path):
    rows = [
        asked("before", "1", 1.0, 2, 1.0),
        asked("before", "2", 0.0, 4, 1.0),
        asked("before", "3", 0.0, 0, 2.0),
        asked("after", "1", 1.0, 3, 1.0),
        asked("after", "3", 1.0, 7, 2.0),
        asked("forced", "3", 1.0, 9, 2.0),
        rollout("after", "4", 1.0, thinking="so so", difficulty=2.0, outcome=Outcome.TRUNCATED),
    ]
    levels = by_difficulty(connect(rows, tmp_path))
    told = [(level.condition, level.name, level.tokens.value, level.accuracy.value) for level in levels]
    assert told == [
        ("before", "1", 3.0, 0.5),
        ("before", "2", 0.0, 0.0),
        ("after", "1", 3.0, 1.0),
        ("after", "2", 4.5, 0.5),  # 7 and 2 tokens; what is cut short is wrong
    ]
    assert levels[0].accuracy.n == 2


def test_a_condition_that_lacks_a_level_is_left_out(tmp_path: Path):
    rows = [asked("before", "1", 1.0, 2, 1.0), asked("after", "1", 1.0, 2, 1.0), asked("after", "2", 1.0, 2, 2.0)]
    assert {level.condition for level in by_difficulty(connect(rows, tmp_path))} == {"after"}


def test_many_difficulties_are_put_together(tmp_path: Path):
    rows = [asked("after", str(at), 1.0, 1, float(at)) for at in range(24)]
    levels = by_difficulty(connect(rows, tmp_path))
    assert len(levels) == LEVELS and [level.name for level in levels[:2]] == ["0 to 2", "3 to 5"]


def test_without_difficulties_there_are_no_levels(tmp_path: Path):
    rows = [asked("after", "1", 1.0, 1), asked("after", "2", 1.0, 1, 3.0)]
    assert by_difficulty(connect(rows, tmp_path)) == []


def test_ways_stand_by_what_they_spend(tmp_path: Path):
    rows = [
        asked("before", "1", 0.0, 2),
        asked("forced", "1", 1.0, 8),
        asked("after", "1", 1.0, 5),
        rollout("before", "1", 0.0, mode=Mode.NONE),
        rollout("after", "1", 1.0, thinking="so", think_at_most=4),
        rollout("after", "1", 1.0, thinking="so", mode=Mode.CORRUPTED),
    ]
    ways = by_way(connect(rows, tmp_path))
    told = [(way.name, way.condition, way.tokens.value, way.accuracy.value) for way in ways]
    assert told == [
        ("before, none", "before", 0.0, 0.0),
        ("after, at most 4 tokens", "after", 1.0, 1.0),
        ("before", "before", 2.0, 0.0),
        ("after", "after", 5.0, 1.0),
        ("forced", "before", 8.0, 1.0),
    ]


def test_ways_are_compared_over_the_domains_that_all_were_asked(tmp_path: Path):
    rows = [
        asked("before", "1", 1.0, 2),
        asked("forced", "1", 1.0, 8),
        rollout("before", "1", 0.0, domain="legs", thinking="so so so so"),
    ]
    assert {way.tokens.value for way in by_way(connect(rows, tmp_path))} == {2.0, 8.0}


@pytest.mark.parametrize("conditions", [(), ("before",), ("before", "after")])
def test_one_way_alone_buys_nothing_to_compare(tmp_path: Path, conditions: tuple[str, ...]):
    assert by_way(connect([asked(name, "1", 1.0, 2) for name in conditions], tmp_path)) == []
