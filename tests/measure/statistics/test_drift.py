"""The alarm against hand-worked numbers, a slow twin of its formula, honest judges and judges that are being hacked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from ponder.measure.statistics import Array
from ponder.measure.statistics.drift import (
    BOLDEST,
    MEMORY,
    STAKES,
    Alarm,
    Bets,
    Drift,
    bet_sizes,
    evidence,
    first_bets,
    next_bets,
    opening_money,
)
from ponder.types import PonderError

RUNS, STEPS, OPENING = 500, 200, 32
AT_ZERO = 94
"""The cell [-0.06, -0.05], whose h is 0 at a tolerance of 0.05."""
Random = np.random.Generator


def e_values(units: Array, drift: Drift) -> Array:
    """Evidence after each step [R, T] of runs side by side, whose units are [R, T, n]."""
    opening = units[:, : drift.opening].reshape(len(units), -1)
    money, bets, found = opening_money(opening), first_bets(opening), [np.ones(len(units))] * drift.opening
    for step in range(drift.opening, units.shape[1]):
        bets = next_bets(bets, units[:, step], drift)
        found.append(evidence(money, bets))
    return np.stack(found, axis=1)


def judged(random: Random, gap: Array, *, problems: int, rollouts: int, together: float) -> Array:
    """Mean gap of each problem [R, T, P] where d is 1, 0 or -1; a share of problems fares alike in all its rollouts."""
    draws = random.random((RUNS, len(gap), problems, rollouts))
    alike = random.random((RUNS, len(gap), problems, 1)) < together
    draws = np.where(alike, draws[..., :1], draws)
    return ((draws < gap[:, None, None] + 0.05).astype(float) - (draws > 0.95)).mean(-1)


def by_step(units: Array) -> Array:
    """The step's mean as its only unit [R, T, 1]."""
    return units.mean(-1, keepdims=True)


class TestByHand:
    def test_money_of_the_opening(self):
        # At g = -1, mean over l of (1 - l/2)(1 + l/2) / (1 + l)^2; at g = 0, of 1 - l^2 / 4.
        money = opening_money(np.array([0.5, -0.5]))
        assert money[0] == pytest.approx((1 + 0.984375 / 1.5625 + 0.9375 / 2.25 + 0.7599 / 3.9204) / 4)
        assert money[100] == pytest.approx((1 + 0.984375 + 0.9375 + 0.7599) / 4)

    def test_size_of_a_bet(self):
        # v = 1.44 / 4, its standard error sqrt(0.36 / (1 * 15)) = 0.1549193, so the edge at h = 0 is 0.1450807.
        noisy, calm = (
            Bets(steps=1, units=4, expected=np.array([0.3]), squares=np.array([squares]), money=np.zeros(1))
            for squares in (1.44, 0.0)
        )
        assert bet_sizes(noisy, 1, Drift())[AT_ZERO] == pytest.approx(0.1450807 / (0.36 + 0.1450807**2))
        assert bet_sizes(calm, 1, Drift())[AT_ZERO] == BOLDEST  # and not 1 / 0.3
        assert bet_sizes(calm, 1, Drift())[125] == 0  # h = 0.31

    def test_three_steps_of_too_much_pay(self):
        """An opening without any gap, then d = 1; the cell whose h is 0 is not bet on before the third step."""
        alarm = Alarm(Drift(opening=2))
        assert [alarm.add([0.0, 0.0]), alarm.add([0.0])] == [1, 1]
        opening = (1 + 1.015**-2 + 1.03**-2 + 1.0588**-2) / 4  # at g = -0.06, for l = 0, 0.25, 0.5 and 0.98
        assert alarm.add([1.0, 1.0]) == pytest.approx(opening)  # lower cells have won, higher ones have more opening
        assert alarm.add([1.0]) == pytest.approx(opening)
        # Then expected = 0.125 + 0.875 / 8, squares = 1 + 0.875^2 of 4 units, edge = 0.234375 - sqrt(v / 15).
        variance = 1.765625 / 4
        edge = 0.234375 - math.sqrt(variance / 15)
        won = (1 / 2 + 1 / 6 + 1 / 12) * (1 + edge / (variance + edge**2))
        bets = first_bets(np.zeros(2))
        for _ in range(3):
            bets = next_bets(bets, np.ones(1), alarm.drift)
        assert bets.money[AT_ZERO] == pytest.approx(won)
        assert alarm.add([1.0]) <= opening * (won + 1 / 4)

    @pytest.mark.parametrize("size", [1, 3])
    def test_the_evidence_is_the_least_over_every_opening_gap(self, size: int):
        random, drift = np.random.default_rng(size), Drift(opening=20, tolerance=0.1)
        units = np.clip(random.normal(0, 0.3, (60, size)) + 0.6 * (np.arange(60)[:, None] > 25), -1, 1)
        found = float(e_values(units[None], drift)[0, -1])
        slow = [slow_money(units.tolist(), drift, gap) for gap in random.uniform(-1, 1, 400)]
        assert found <= min(slow) and min(slow) < 2 * found
        assert found > 20


def slow_money(steps: list[list[float]], drift: Drift, gap: float) -> float:
    """opening(g) * later(g) at one g: one stake after another, with the bets of the cell that g lies in."""
    first = [unit for step in steps[: drift.opening] for unit in step]
    opening = sum(math.prod((1 - stake * unit) / (1 - stake * gap) for unit in first) for stake in STAKES) / len(STAKES)
    upper = -1 + math.ceil((gap + 1) * 100) / 100 + drift.tolerance  # bets are of the cell, odds of the gap itself
    expected, later = sum(first) / len(first), steps[drift.opening :]
    seen, factors = [unit - expected for unit in first], []
    for step in later:
        variance = sum(error**2 for error in seen) / len(seen)
        edge = max(0.0, expected - upper - math.sqrt(variance / len(step) / (2 * MEMORY - 1)))
        bet = min(edge / (variance + edge**2 + 1e-12), BOLDEST / (1 + upper))
        factors.append(math.prod(1 + bet * (unit - gap - drift.tolerance) for unit in step))
        seen += [unit - expected for unit in step]
        expected += (sum(step) / len(step) - expected) / MEMORY
    stakes = [1 / (start * (start + 1)) * math.prod(factors[start - 1 :]) for start in range(1, len(later) + 1)]
    return opening * (sum(stakes) + 1 / (len(later) + 1))


def steady(random: Random) -> Array:
    return by_step(0.1 + random.uniform(-0.5, 0.5, (RUNS, STEPS, 16)))


def with_error_rates(random: Random, solved: Array) -> Array:
    """A judge that pays 0.2 of what is wrong and fails 0.1 of what is right, beside gold: 16 rollouts a step."""
    gold = random.random((RUNS, STEPS, 16)) < solved[:, None]
    paid = np.where(gold, random.random(gold.shape) < 0.9, random.random(gold.shape) < 0.2)
    return by_step(paid.astype(float) - gold)


def shrinking(random: Random) -> Array:
    """More and more is right, so the same judge overpays less and less: from 0.14 to -0.07."""
    return with_error_rates(random, np.linspace(0.2, 0.9, STEPS))


def all_alike(random: Random) -> Array:
    """All 16 rollouts of a step are overpaid, one time in ten, or none is."""
    return by_step(np.repeat(random.random((RUNS, STEPS, 1)) < 0.1, 16, axis=2).astype(float))


def at_the_edge(random: Random) -> Array:
    """The worst of H0: exactly the tolerance more, from the end of the opening to the end of the run."""
    gap = np.where(np.arange(STEPS) < OPENING, 0.1, 0.15)
    return by_step(judged(random, gap, problems=4, rollouts=8, together=0.5))


def restless_opening(random: Random) -> Array:
    """The gap falls from 0.3 to -0.1 within the opening, and then stays at its mean and the tolerance."""
    gap = np.append(np.linspace(0.3, 0.0, OPENING), np.full(STEPS - OPENING, 0.2))
    return by_step(judged(random, gap, problems=4, rollouts=8, together=0.5))


def unlike_problems(random: Random) -> Array:
    """Each problem a unit: rollouts of one fare alike, and half of the problems are of a domain judged far worse."""
    gap = np.where(np.arange(STEPS) < OPENING, 0.2, 0.25)
    fair, unfair = (judged(random, gap + by, problems=2, rollouts=8, together=0.8) for by in (-0.2, 0.2))
    return np.concatenate([fair, unfair], axis=2)


HONEST = [
    steady,
    lambda random: with_error_rates(random, np.full(STEPS, 0.5)),
    shrinking,
    all_alike,
    at_the_edge,
    restless_opening,
    unlike_problems,
]


class TestLevel:
    @pytest.mark.parametrize("honest", HONEST)
    @pytest.mark.parametrize("level", [0.05, 0.3])
    def test_no_more_false_alarms_than_the_level(self, honest: Callable[[Random], Array], level: float):
        values = e_values(honest(np.random.default_rng(7)), Drift(level=level, opening=OPENING))
        margin = 3 * math.sqrt(level * (1 - level) / RUNS)
        assert np.mean((values >= 1 / level).any(axis=1)) <= level + margin

    def test_the_openings_money_at_the_true_gap_is_fair(self):
        """Over all 8 outcomes of 3 units that are 0.6 with a chance of 5/8, else -0.8: g = 0.075 is half of a cell."""
        paths, chances = outcomes(0.6, -0.8, 0.625, 3)
        below, above = (chances @ opening_money(paths)[:, cell] for cell in (107, 108))
        assert below < 1 < above and above - below < 0.02

    def test_nor_does_it_win_where_the_policy_moves_with_what_was_paid(self):
        """The first unit is 1 or -1; after 1 the mean is 0.4, so g = 0.2, and after -1 it is -0.4, so g = -0.2."""
        paths, _ = outcomes(1.0, -1.0, 0.5, 2)
        cells = np.where(paths[:, 0] > 0, 120, 80)
        chances = 0.5 * np.where(paths[:, 0] == paths[:, 1], 0.7, 0.3)
        assert 0.9 < chances @ opening_money(paths)[np.arange(4), cells] < 1

    def test_later_money_at_the_true_gap_is_fair(self):
        """Over all 2^6 outcomes of 3 steps of 2 units, of mean 0.2 = h; and it shrinks where the mean is less."""
        bets, drift, won = first_bets(np.array([0.7, 0.3, 0.5])), Drift(), []
        for chance in (0.625, 0.6):
            paths, chances = outcomes(0.8, -0.8, chance, 6)
            after = bets
            for step in np.split(paths, 3, axis=1):
                after = next_bets(after, step, drift)
            won.append(chances @ (after.money[:, 114] + 1 / 4))  # h = 0.15 + 0.05
        assert won[0] == pytest.approx(1) and won[1] < 0.95


def outcomes(high: float, low: float, chance: float, units: int) -> tuple[Array, Array]:
    """Every path [2^units, units] of units that are high or low, and the chance of each [2^units]."""
    paths = np.array(list(product((high, low), repeat=units)))
    return paths, np.where(paths == high, chance, 1 - chance).prod(axis=1)


class TestPower:
    @pytest.mark.parametrize(
        ("problems", "each", "slow", "fast"),
        [(1, False, 170, 140), (2, False, 140, 50), (8, False, 120, 30), (8, True, 95, 15)],
    )
    def test_drifts_are_found(self, problems: int, each: bool, slow: int, fast: int):
        """From 0.05 to 0.5 in a line from step 20 on; by 0.3 at step 60: most alarms come within so many steps."""
        times = np.arange(STEPS)
        line, jump = np.interp(times, [20, STEPS - 1], [0.05, 0.5]), np.where(times < 60, 0.1, 0.4)
        for gap, start, within in ((line, 20, slow), (jump, 60, fast)):
            units = judged(np.random.default_rng(3), gap, problems=problems, rollouts=8, together=0.1)
            assert median_delay(units if each else by_step(units), start) < within


def median_delay(units: Array, start: int) -> float:
    """Steps from the start of the drift to the alarm; infinite where most runs have none."""
    heard = e_values(units, Drift(opening=OPENING)) >= 1 / 0.05
    return float(np.median(np.where(heard.any(axis=1), heard.argmax(axis=1) + 1.0 - start, np.inf)))


class TestAlarm:
    def test_it_is_what_runs_side_by_side_are(self):
        units = np.random.default_rng(0).uniform(-0.5, 1, (2, 60, 4))
        drift, alarm = Drift(opening=20), Alarm(Drift(opening=20))
        heard = [alarm.add(step.tolist(), list("abcd")) for step in units[1]]
        assert heard == pytest.approx(e_values(units, drift)[1].tolist(), rel=1e-12)

    def test_problems_are_means_over_their_rollouts(self):
        alarm, same = Alarm(Drift(opening=2)), Alarm(Drift(opening=2))
        for _ in range(6):
            assert alarm.add([0.0, 0.5, 1.0], ["b", "a", "b"]) == same.add([0.5, 0.5], ["a", "b"])
        assert alarm.state() == same.state() == {"steps": [[0.5, 0.5]] * 6}

    def test_once_sounded_it_stays_so(self):
        alarm = Alarm(Drift(opening=32))
        heard = [alarm.add([gap]) for gap in [0.0] * 32 + [1.0] * 10 + [-0.5] * 20]
        first = next(step for step, value in enumerate(heard) if value >= 20)
        assert 32 < first < 42 and heard[-1] < 20 and alarm.sounded
        assert not Alarm(Drift()).sounded

    def test_gaps_for_people(self):
        alarm = Alarm(Drift(opening=2))
        assert (alarm.gap.opening, alarm.gap.now, alarm.gap.least) == (None, None, None)
        for gaps in ([0.0, 0.2], [0.3], [0.9], [0.5], [0.6]):
            alarm.add(gaps)
        assert (alarm.gap.opening, alarm.gap.now) == (pytest.approx(0.2), pytest.approx(0.55))
        # 0.902 * 0.706 / (1 - 0.98 g)^2 / 4 and the other stakes' 1.3: 17.6 at g = 0.92, 21.6 at 0.93.
        assert alarm.gap.least == pytest.approx(0.93 + 0.05)

    def test_a_longer_opening_tells_a_smaller_drift(self):
        least = []
        for opening in (16, 64, 256):
            alarm = Alarm(Drift(opening=opening))
            for _ in range(opening):
                alarm.add([0.1])
            least.append(alarm.gap.least or 0)
        assert least == pytest.approx([0.37, 0.22, 0.17], abs=0.03)  # ((1 - 0.098) / (1 - 0.98 g))^n / 4 = 20

    def test_a_step_without_a_verdict_changes_nothing(self):
        alarm = Alarm(Drift(opening=2))
        alarm.add([0.5])
        assert alarm.add([]) == 1 and alarm.state() == {"steps": [[0.5]]}

    @pytest.mark.parametrize("after", [0, 3, 10, 25])
    def test_it_resumes_to_the_same_bits(self, after: int):
        steps = np.random.default_rng(5).uniform(-0.3, 0.9, (40, 6)).tolist()
        whole, problems = Alarm(Drift(opening=10)), list("aabbcc")
        for step in steps[:after]:
            whole.add(step, problems)
        resumed = Alarm.from_state(whole.drift, json.loads(json.dumps(whole.state())))
        assert (resumed.evidence, resumed.sounded) == (whole.evidence, whole.sounded)
        for step in steps[after:]:
            assert resumed.add(step, problems) == whole.add(step, problems)
        assert (resumed.state(), resumed.gap, resumed.sounded) == (whole.state(), whole.gap, whole.sounded)

    def test_money_beyond_count_is_not_counted(self):
        alarm = Alarm(Drift(opening=40))
        for gap in [-1.0] * 40 + [1.0] * 400:
            alarm.add([gap] * 9, list("abcdefghi"))
        assert 1e140 < alarm.evidence < math.inf


class TestBadInput:
    @pytest.mark.parametrize(
        ("field", "value"),
        [("level", 0), ("level", 1), ("level", math.nan), ("tolerance", -0.1), ("tolerance", math.nan), ("opening", 1)],
    )
    def test_a_test_that_is_none(self, field: str, value: float):
        with pytest.raises(PonderError, match=rf"^drift\.{field} = {value}: [^\n]+; try [^\n]+$"):
            Drift(**{field: value})  # pyright: ignore[reportArgumentType]

    @pytest.mark.parametrize("gap", [1.5, -1.01, math.nan, math.inf])
    def test_a_gap_that_is_none(self, gap: float):
        alarm = Alarm(Drift())
        with pytest.raises(PonderError, match=rf"^gap = {gap}: [^\n]+; leave out [^\n]+$"):
            alarm.add([0.1, gap])
        assert alarm.state() == {"steps": []}
