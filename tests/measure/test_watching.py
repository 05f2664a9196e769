"""Numbers of watching against hand-worked ones, and the replays against what the level promises."""

from __future__ import annotations

import time
from collections.abc import Sequence

import duckdb
import numpy as np
import pytest

from ponder.measure import watching
from ponder.measure.statistics import Array
from ponder.measure.statistics.drift import Drift
from ponder.measure.watching import Watch, gold_lost, replays
from ponder.runs.result import Number
from ponder.types import Role

Row = tuple[int, str, int, float | None, float | None, float | None]
"""Step, problem, sample, paid, gold and what a judge that watches says."""


def told(rows: Sequence[Row], watch: Watch) -> dict[str, Number]:
    """The numbers of these training rollouts."""
    con = duckdb.connect()
    con.execute("create table told (step int, problem_id text, sample int, paid double, gold double, judge double)")
    if rows:
        con.executemany("insert into told values (?, ?, ?, ?, ?, ?)", rows)
    con.execute("""create view rollouts as select 'reinforce' as stage, step, problem_id, sample, paid, gold, [
        {'verifier': 'mine', 'role': 'pay', 'value': paid},
        {'verifier': 'exact', 'role': 'gold', 'value': gold},
        {'verifier': 'judge', 'role': 'watch', 'value': judge}] as verdicts from told""")
    return watching.numbers(con, watch)


def watch(role: Role = Role.GOLD, share: float = 1.0, **changes: float) -> Watch:
    return Watch(drift=Drift(**({"opening": 4} | changes)), role=role, share=share)  # pyright: ignore[reportArgumentType]


def hacked(steps: int = 40, from_: int = 12) -> list[Row]:
    """Eight problems a step, two samples each; what pays says 1 from a step on, and gold falls to 0."""
    return [
        (step, f"p{step}-{i}", sample, *((0.5, 0.5, 0.5) if step < from_ else (1.0, 0.0, 1.0)))
        for step in range(steps)
        for i in range(8)
        for sample in range(2)
    ]


class TestNumbers:
    def test_a_judge_that_is_hacked(self):
        found = told(hacked(), watch())
        at = found["watch.alarm_step"].value
        assert at is not None and 12 < at < 20 and found["watch.alarm"].value == 1
        # The best window is 0.5; the one that ends with the alarm has at - 11 steps of 0, if no more than 5.
        assert found["watch.gold_lost"].value == pytest.approx(0.5 - 0.5 * max(0, 5 - (at - 11)) / 5)
        assert found["watch.alarm"].n == found["watch.alarm_step"].n == at + 1
        assert found["watch.gap.opening"].value == 0 and found["watch.gap.last"].value == 1
        assert (found["watch.gap.opening"].n, found["watch.gap.last"].n) == (32, 32)
        assert found["watch.false_share"].value == 0 and found["watch.false_share"].n == 200
        assert "where stage = 'reinforce'" in found["watch.alarm"].query

    def test_a_judge_that_keeps_its_gap(self):
        found = told(hacked(from_=99), watch())
        assert found["watch.alarm"].value == 0
        assert found.keys() == {f"watch.{name}" for name in ("alarm", "gap.opening", "gap.last", "false_share")}

    def test_intervals_are_clustered_by_problem(self):
        """Gaps of a, b, c are 0.5, 0 and 1 in the opening: the mean 0.5, error 0.5 / sqrt(3), t 4.3027."""
        rows: list[Row] = [
            (s, f"{p}", i, 1.0, 1 - g, None)
            for s in (0, 1)
            for p, g in zip("abc", (0.5, 0, 1), strict=True)
            for i in (0, 1)
        ]
        opening = told(rows, watch(opening=2))["watch.gap.opening"]
        assert (opening.value, opening.n) == (0.5, 3)
        assert opening.high == pytest.approx(0.5 + 4.3027 * 0.5 / 3**0.5, abs=1e-4)

    def test_a_second_judge_can_watch_and_gold_need_not_be_known(self):
        rows: list[Row] = [(s, p, i, paid, None, 1.0 if s < 8 else 0.0) for s, p, i, paid, _, _ in hacked(from_=0)]
        found = told(rows, watch(Role.WATCH))
        assert found["watch.alarm"].value == 1 and "watch.gold_lost" not in found
        assert told(rows, watch())["watch.alarm"].value == 0  # gold never judged: nothing is watched
        assert "watch.gap.opening" not in told(rows, watch())

    def test_only_a_share_is_watched(self):
        few, all_ = (told(hacked(), watch(share=share))["watch.gap.opening"].n for share in (0.25, 1.0))
        assert 0 < few < all_ / 1.2

    def test_no_step_after_the_opening_is_no_replay(self):
        assert told(hacked(steps=4), watch()).keys() == {"watch.alarm", "watch.gap.opening"}

    def test_without_training_there_is_nothing(self):
        assert told([], watch()) == {}


class TestGoldLost:
    def test_best_window_less_the_last(self):
        # Means of 5: 0.3, 0.5, 0.66, 0.62, 0.5.
        gold = [0.0, 0.1, 0.2, 0.5, 0.7, 1.0, 0.9, 0.0, -0.1]
        assert gold_lost(gold) == pytest.approx(0.66 - 0.5)

    def test_nothing_is_lost_at_the_best(self):
        assert gold_lost([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == 0

    def test_steps_without_gold_are_in_no_window(self):
        nan = float("nan")
        assert gold_lost([nan, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]) == pytest.approx(0.2)
        assert gold_lost([1.0] * 6 + [nan]) is None and gold_lost([1.0] * 4) is None


def noise(steps: int, problems: int, gap: float) -> list[Array]:
    """Gaps of -1, 0 or 1 whose mean is `gap`, averaged over a problem's 8 rollouts."""
    draws = np.random.default_rng(1).random((steps, problems, 8))
    return list(((draws < gap + 0.1).astype(float) - (draws > 0.9)).mean(-1))


class TestReplays:
    @pytest.mark.parametrize("level", [0.05, 0.3])
    @pytest.mark.parametrize("problems", [1, 8])
    def test_the_level_is_respected_where_nothing_drifts(self, level: float, problems: int):
        drift = Drift(level=level, tolerance=0.0, opening=16)
        share = replays(noise(100, problems, 0.1), drift, count=500).mean()
        assert share <= level + 3 * (level * (1 - level) / 500) ** 0.5

    def test_what_came_after_the_opening_is_not_looked_at(self):
        units = noise(60, 4, 0.1)
        same = [*units[:16], *(np.ones(4) for _ in range(44))]
        assert (replays(units, Drift(opening=16)) == replays(same, Drift(opening=16))).all()

    def test_a_test_that_always_sounds_is_told_as_one(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(watching, "evidence", lambda opening, bets: np.full(len(opening), 20.0))
        assert replays(noise(20, 4, 0.1), Drift(opening=16)).all()

    def test_they_are_the_same_each_time_and_quick(self):
        units, began = noise(100, 8, 0.1), time.perf_counter()
        drift = Drift(level=0.9, tolerance=0.0, opening=16)
        once = replays(units, drift)
        assert time.perf_counter() - began < 10
        assert (once == replays(units, drift)).all() and not (once == replays(units, drift, seed=1)).all()

    def test_steps_may_have_unlike_numbers_of_problems(self):
        units = [np.array([0.0, 0.5][: 1 + step % 2]) for step in range(30)]
        assert replays(units, Drift(opening=4)).shape == (200,)
