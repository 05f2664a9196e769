"""What watching came to in a run whose reinforcement was watched, from its training rollouts.

`false_share` is a replay and not new training: whole problems' groups of the opening, drawn again with replacement, are
laid out as a run of the same shape in which nothing drifts. It tells how often the alarm errs on what this judge said
of this policy in the opening; of a policy that moves, or of problems of a step that hang together, it knows nothing.
What was heard once (`alarm`, `alarm_step`, `gold_lost`) has no interval. `gold_lost` is never below 0, and where
nothing was lost the best of noisy windows is still a little above the last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from duckdb import DuckDBPyConnection

from ponder.measure import statistics
from ponder.measure.statistics import Array
from ponder.measure.statistics.drift import Alarm, Drift, evidence, first_bets, next_bets, opening_money
from ponder.runs.result import Number
from ponder.types import Role

WINDOW = 5
"""Steps in a row that gold is averaged over."""
REPLAYS = 200
"""Seeded runs in which nothing drifts."""
HEARD = """select step, problem_id, sample, paid, gold, [v.value for v in verdicts if v.role = '{role}'][1] as watch
  from rollouts where stage = 'reinforce' order by step, problem_id, sample"""

Told = tuple[float, float | None, float | None, int, str]
"""Value, low, high, n and unit of a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is watched, and for what."""

    drift: Drift
    """The test."""
    role: Role
    """Of the verdicts that watch: GOLD or WATCH."""
    share: float = 1.0
    """Of the rollouts that are watched; which ones does not depend on what they were paid."""

    def gap(self, paid: float | None, watch: float | None, *, problem: str, step: int, sample: int) -> float | None:
        """paid - watch of a rollout; None for one that is not watched, or that one of the two could not judge."""
        told = f"{problem}/{step}/{sample}".encode()
        watched = int.from_bytes(hashlib.sha256(told).digest()[:8]) / 2**64 < self.share
        return paid - watch if watched and paid is not None and watch is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A step, as it was watched."""

    step: int
    """Which."""
    gaps: list[float]
    """Of its watched rollouts."""
    problems: list[str]
    """What each is of."""
    gold: float
    """Mean over its rollouts; NaN where nothing was judged by gold."""

    @property
    def units(self) -> Array:
        """Mean gap of each problem."""
        return statistics.per_problem(self.gaps, self.problems)[1]


def numbers(con: DuckDBPyConnection, watch: Watch) -> dict[str, Number]:
    """`watch.{alarm,alarm_step,gold_lost,gap.opening,gap.last,false_share}` of training rollouts, those there are."""
    query = HEARD.format(role=watch.role.value)
    steps = list(_steps(con.execute(query).fetchall(), watch))
    told = f"ponder.measure.watching, on: {' '.join(query.split())}"
    found = {**_alarm(steps, watch.drift), **_gaps(steps, watch.drift), **_false(steps, watch.drift)} if steps else {}
    return {f"watch.{name}": Number(*number, query=f"{name}: {told}") for name, number in found.items()}


def gold_lost(gold: Sequence[float]) -> float | None:
    """Best mean of `WINDOW` steps in a row less that of the last ones; None where those are not known."""
    if len(gold) < WINDOW:
        return None
    means = np.lib.stride_tricks.sliding_window_view(np.array(gold, dtype=float), WINDOW).mean(-1)
    return None if np.isnan(means[-1]) else float(np.nanmax(means) - means[-1])


def replays(units: Sequence[Array], drift: Drift, *, count: int = REPLAYS, seed: int = 0) -> Array:
    """Whether the alarm sounds `[count]` in runs drawn from the opening of `units`, one array `[n]` a step."""
    random, own = np.random.default_rng(seed), np.concatenate(units[: drift.opening])
    drawn = (own[random.integers(len(own), size=(count, len(step)))] for step in units)
    opening = np.concatenate([next(drawn) for _ in range(drift.opening)], axis=1)
    money, bets, sounded = opening_money(opening), first_bets(opening), np.zeros(count, dtype=bool)
    for step in drawn:
        bets = next_bets(bets, step, drift)
        sounded |= evidence(money, bets) >= 1 / drift.level
    return sounded.astype(float)


def _steps(rows: Sequence[tuple], watch: Watch) -> Iterator[Heard]:
    for step, own in groupby(rows, key=lambda row: row[0]):
        gaps, problems, golds = [], [], []
        for _, problem, sample, paid, gold, watched in own:
            gap = watch.gap(paid, watched, problem=problem, step=step, sample=sample)
            if gap is not None:
                gaps.append(gap)
                problems.append(problem)
            if gold is not None:
                golds.append(gold)
        yield Heard(step=step, gaps=gaps, problems=problems, gold=float(np.mean(golds)) if golds else float("nan"))


def _alarm(steps: Sequence[Heard], drift: Drift) -> dict[str, Told]:
    alarm = Alarm(drift)
    for at, heard in enumerate(steps, start=1):
        alarm.add(heard.gaps, heard.problems)
        if alarm.sounded:
            lost = gold_lost([each.gold for each in steps[:at]])
            found = {"alarm": _once(1.0, at, ""), "alarm_step": _once(float(heard.step), at, "step")}
            return found | ({} if lost is None else {"gold_lost": _once(lost, at, "difference")})
    return {"alarm": _once(0.0, len(steps), "")}


def _gaps(steps: Sequence[Heard], drift: Drift) -> dict[str, Told]:
    """Over the opening, and over as many steps at the end, of those with a watched rollout."""
    watched = [heard for heard in steps if heard.gaps]
    parts = {"opening": watched[: drift.opening], "last": watched[drift.opening :][-drift.opening :]}
    return {f"gap.{name}": _gap(part) for name, part in parts.items() if part}


def _gap(steps: Sequence[Heard]) -> Told:
    gaps = [gap for heard in steps for gap in heard.gaps]
    e = statistics.mean(gaps, [problem for heard in steps for problem in heard.problems])
    return e.value, e.low, e.high, e.n, "difference"


def _false(steps: Sequence[Heard], drift: Drift) -> dict[str, Told]:
    units = [heard.units for heard in steps if heard.gaps]
    if len(units) <= drift.opening:
        return {}
    e = statistics.proportion(replays(units, drift), np.arange(REPLAYS))
    return {"false_share": (e.value, e.low, e.high, e.n, "share")}


def _once(value: float, steps: int, unit: str) -> Told:
    return value, None, None, steps, unit
