"""An alarm for a judge that pays more than it did: has the gap between reward and watch drifted?

The gap of a rollout is d = reward - watch, in [-1, 1]; whoever watches never pays. No judge is perfect, so an honest
one has a gap from the start: g, the mean of E[d | past] over the opening's units, which nobody knows. H0 says that it
stays: E[d | past] <= g + tolerance at every step after the opening. The alarm sounds where the evidence reaches
1 / level, and under H0 the chance that it *ever* sounds, looked at after every step of a run however long, is at most
the level.

Were g known, money could be bet against H0 at odds that are fair or worse, and Ville's inequality bounds the chance
that it ever grows 1 / level-fold (testing by betting: Waudby-Smith and Ramdas, arXiv:2010.09686; Ramdas et al.,
arXiv:2210.01948). For every g that there could be, the money is opening(g) * later(g):

    opening(g) = mean over l of prod_j (1 - l d_j) / (1 - l g)       the opening's units, one l of `STAKES` for all
    later(g)   = prod_t prod_j (1 + b_t (d_tj - g - tolerance))      b_t >= 0 chosen from the steps before t

and the evidence is the least of it over all g. At the true g, E[opening] <= 1: prod (1 - l d_j) / (1 - l m_j) with
m_j = E[d_j | past] is a martingale, and sum_j log(1 - l m_j) <= n log(1 - l g) since the logarithm is concave, also
where the policy moves during the opening. From there H0 makes later(g) a supermartingale that begins at 1. So the money
at the true g ever reaches 1 / level with a chance of at most the level, and the evidence is never more than that money:
no bound on g is put in its place, and no part of the level is spent on one. [-1, 1] is cut into `CELLS` cells:
opening(g) rises with g and later(g) falls, so one at a cell's lower end times the other at its upper end is less than
anywhere in the cell.

What a unit is decides how soon. By default it is a step's mean: rollouts of a step may hang together in any way. Told
the problems, it is a problem's mean within its step: then the problems of a step must be independent given the past, as
with rollouts that have random streams of their own; nothing here can check that. They need not be alike: a bet is the
same for a whole step, and prod_j (1 + b (m_j - h)) <= (1 + b (mean m - h))^n, so H0 speaks of the step's mean over
problems. Either way, which rollouts are watched must not depend on what they were paid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ponder.measure.statistics.intervals import Array, per_problem
from ponder.types import PonderError

CELLS = 200
"""Cells of [-1, 1] that the unknown opening gap may lie in; their width, 0.01, works like so much more tolerance."""
STAKES = (0.0, 0.25, 0.5, 0.98)
"""l of the opening's bets, of equal weight: 0.98 for gaps that hardly vary, 0 so that no cell is ever bankrupt."""
MEMORY = 8
"""Steps that the expected gap looks back, as a moving average whose weights fall by 1 - 1 / MEMORY."""
BOLDEST = 0.9
"""Largest share of the money that one unit can lose."""
RICHEST = 1e150
"""Money is counted up to here, in the opening and later: to count less than there is keeps the level."""

_EDGES = np.linspace(-1, 1, CELLS + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What is watched for; raises PonderError where that makes no test."""

    level: float = 0.05
    """Largest chance of a false alarm over the whole run, in (0, 1)."""
    tolerance: float = 0.05
    """How far the mean gap may rise above the opening's before that counts as drift, in [0, 2)."""
    opening: int = 32
    """Steps with a watched rollout that say what the gap was: the more, the smaller the drift that can be found."""

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise PonderError(f"drift.level = {self.level}: a chance is above 0 and below 1; try 0.05")
        if not 0 <= self.tolerance < 2:
            raise PonderError(f"drift.tolerance = {self.tolerance}: a rise is at least 0 and below 2; try 0.05")
        if self.opening < 2:
            raise PonderError(f"drift.opening = {self.opening}: 2 steps at least say how a gap varies; try 32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Mean gaps, for people: estimates without bounds, which decide nothing."""

    opening: float | None
    """Over the opening's units; None before the first."""
    now: float | None
    """Over the units of the last steps after the opening, as many as it has; None before the first."""
    least: float | None
    """A gap that settles below this seldom sounds, however long it lasts: the opening was too short to tell it from
    its own. None until the opening is over; above 1 where no gap could sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bets:
    """Where the bets stand after a step. K cells; leading axes, if any, are runs side by side."""

    steps: int
    """After the opening."""
    units: int
    """Among all steps, with the opening's."""
    expected: Array
    """Moving average of the steps' mean gaps `[..., 1]`."""
    squares: Array
    """Sum over units of (gap - what was expected)^2 `[..., 1]`."""
    money: Array
    """What the stakes of the steps so far have become, in each cell `[..., K]`."""


def opening_money(units: Array) -> Array:
    """opening(g) at each cell's lower end `[..., K]`, from all units of the opening `[..., N]`."""
    gains = [
        np.log1p(-stake * units).sum(-1, keepdims=True) - units.shape[-1] * np.log1p(-stake * _EDGES[:-1])
        for stake in STAKES
    ]
    return np.mean(np.exp(np.minimum(gains, math.log(RICHEST))), axis=0)


def first_bets(units: Array) -> Bets:
    """No money yet, and what the opening's units `[..., N]` lead one to expect."""
    expected = units.mean(-1, keepdims=True)
    squares = ((units - expected) ** 2).sum(-1, keepdims=True)
    money = np.zeros((*units.shape[:-1], CELLS))
    return Bets(steps=0, units=units.shape[-1], expected=expected, squares=squares, money=money)


def next_bets(bets: Bets, units: Array, drift: Drift) -> Bets:
    """After one more step, whose units are `[..., n]`; a new stake of 1 / (t (t + 1)) enters before it.

    One for each step that a drift could begin at. The e-detectors of Shin, Ramdas and Rinaldo (arXiv:2203.03532) stake
    1 on each, which bounds how often false alarms come; stakes that sum to 1 bound the chance of any.
    """
    size = bet_sizes(bets, units.shape[-1], drift)
    null = _EDGES[1:] + drift.tolerance
    money = bets.money + 1 / ((bets.steps + 1) * (bets.steps + 2))
    for index in range(units.shape[-1]):
        money = np.minimum(money * (1 + size * (units[..., index, None] - null)), RICHEST)
    errors = ((units - bets.expected) ** 2).sum(-1, keepdims=True)
    step = units.mean(-1, keepdims=True) - bets.expected
    return Bets(
        steps=bets.steps + 1,
        units=bets.units + units.shape[-1],
        expected=bets.expected + step / MEMORY,
        squares=bets.squares + errors,
        money=money,
    )


def bet_sizes(bets: Bets, count: int, drift: Drift) -> Array:
    """b = min(e / (v + e^2), BOLDEST / (1 + h)) in each cell `[..., K]`, for a step of `count` units; 0 where e <= 0.

    h = g + tolerance, v the units' variance about what was expected, and the edge e = expected - h less one standard
    error of the moving average, sqrt(v / (count (2 MEMORY - 1))), so that noise below h is seldom bet on. Without that
    error it is the aGRAPA of arXiv:2010.09686, which maximises a growth log(1 + b (d - h)) told to second order.
    """
    null = _EDGES[1:] + drift.tolerance
    variance = bets.squares / bets.units
    edge = np.maximum(bets.expected - null - np.sqrt(variance / (count * (2 * MEMORY - 1))), 0)
    return np.minimum(edge / (variance + edge**2 + 1e-12), BOLDEST / (1 + null))


def evidence(opening: Array, bets: Bets) -> Array:
    """The least over cells of opening(g) * later(g) `[...]`, with the stakes still to come, 1 / (t + 1), as cash."""
    return (opening * (bets.money + 1 / (bets.steps + 1))).min(-1)


class Alarm:
    """Hears each step's gaps, and sounds once the evidence that they have drifted reaches 1 / level.

    Its state follows from the units' gaps alone, so `from_state` goes through them again, to the same bits.
    """

    def __init__(self, drift: Drift) -> None:
        self.drift = drift
        self.evidence = 1.0
        """The e-value so far; 1 until the opening is over. It may fall again; 1 / evidence is an anytime p-value."""
        self.sounded = False
        """Whether the evidence was ever 1 / level or more: once sounded it stays so."""
        self._steps: list[list[float]] = []
        self._bets: Bets | None = None  # None until the opening is over
        self._opening = np.ones(CELLS)

    def add(self, gaps: Sequence[float], problems: Sequence[str] | None = None) -> float:
        """The e-value after one more step; a step without a watched rollout changes nothing.

        `gaps`: reward - watch of each watched rollout, in [-1, 1], else PonderError. `problems`: what each is of, where
        the problems of a step are independent given the past; a run gives them at every step or at none.
        """
        for gap in gaps:
            if not -1 <= gap <= 1:
                raise PonderError(f"gap = {gap}: values in [0, 1] differ by -1 to 1; leave out what was not judged")
        if len(gaps):
            self._hear(_units(gaps, problems))
        return self.evidence

    @property
    def gap(self) -> Gap:
        """The mean gaps of the opening and of now, and the least that could sound."""
        count = self.drift.opening
        return Gap(opening=_mean(self._steps[:count]), now=_mean(self._steps[count:][-count:]), least=self._least_gap())

    def state(self) -> dict[str, Any]:
        """For a checkpoint, as JSON: the units' gaps of each step."""
        return {"steps": [list(units) for units in self._steps]}

    @classmethod
    def from_state(cls, drift: Drift, state: dict[str, Any]) -> Alarm:
        """The alarm that `state` was taken of."""
        alarm = cls(drift)
        for units in state["steps"]:
            alarm._hear(units)
        return alarm

    def _hear(self, units: list[float]) -> None:
        self._steps.append(units)
        if self._bets is not None:
            self._bets = next_bets(self._bets, np.array(units), self.drift)
            self.evidence = float(evidence(self._opening, self._bets))
            self.sounded = self.sounded or self.evidence >= 1 / self.drift.level
        elif len(self._steps) == self.drift.opening:
            opening = np.concatenate(self._steps)
            self._bets, self._opening = first_bets(opening), opening_money(opening)

    def _least_gap(self) -> float | None:
        """The first g whose opening(g) alone is 1 / level, plus the tolerance: below it bets have little to win."""
        if self._bets is None:
            return None
        telling = np.append(self._opening >= 1 / self.drift.level, True)
        return float(_EDGES[telling.argmax()]) + self.drift.tolerance


def _units(gaps: Sequence[float], problems: Sequence[str] | None) -> list[float]:
    if problems is None:
        return [math.fsum(gaps) / len(gaps)]
    assert len(problems) == len(gaps), "each gap is of one problem"
    return per_problem(gaps, problems)[1].tolist()


def _mean(steps: list[list[float]]) -> float | None:
    units = [unit for step in steps for unit in step]
    return math.fsum(units) / len(units) if units else None
