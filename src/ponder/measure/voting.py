"""What several samples of a problem are worth: votes, an oracle's choice, and a solver that stops where they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ponder.measure import statistics
from ponder.measure.statistics import Array, Estimate
from ponder.measure.statistics.allocation import plateau
from ponder.measure.statistics.best_of import oracle_best_of, vote_of
from ponder.solve.agreement import needed
from ponder.solve.solution import Why
from ponder.solve.solver import Solver
from ponder.solve.tries import RecordedSource, Try
from ponder.types import Outcome, Problem

DRAWS = 64
"""Seeded draws of n samples for each vote."""
ERROR = 0.05
"""Of the solver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """One completion."""

    problem: str
    """Id."""
    sample: int
    """Index within its group."""
    difficulty: float | None
    """Of the problem."""
    tokens: int
    """Of its thinking."""
    thinking: str
    """Its text."""
    answer: str
    """What it said."""
    outcome: Outcome
    """How it ended."""
    right: float
    """What it is worth."""


Found = Iterator[tuple[str, str, Estimate]]
"""Key, unit, estimate."""


def votes(free: Sequence[Sampled]) -> Found:
    """What N samples are worth by majority, and by an oracle's choice; N is the smallest within .01 of the plateau."""
    groups = _groups(free)
    most = min(map(len, groups))
    if most < 2:
        return
    problems = [group[0].problem for group in groups]
    tokens = statistics.mean([each.tokens for each in free], [each.problem for each in free])
    for way in _WAYS:
        n, values = _at_plateau(groups, way)
        yield f"{way}.accuracy", "share", statistics.proportion(values, problems)
        yield f"{way}.n", "samples", Estimate(n, n, n, len(groups))
        spent = Estimate(n * tokens.value, n * tokens.low, n * tokens.high, len(groups))
        yield f"{way}.tokens", "tokens", spent


def _at_plateau(groups: Sequence[Sequence[Sampled]], way: str) -> tuple[int, list[float]]:
    """How many samples it takes, and what so many are worth on each problem."""
    most = min(map(len, groups))
    curve_NJ = [[_WAYS[way](group, n) for group in groups] for n in range(1, most + 1)]
    n = plateau([float(np.mean(each)) for each in curve_NJ])
    return n, curve_NJ[n - 1]


def _groups(free: Sequence[Sampled]) -> list[list[Sampled]]:
    """The samples of each problem, in their order."""
    rows = sorted(free, key=lambda each: (each.problem, each.sample))
    return [list(own) for _, own in groupby(rows, lambda each: each.problem)]


_WAYS: dict[str, Callable[[Sequence[Sampled], int], float]] = {
    "vote": lambda group, n: vote_of([e.answer for e in group], [e.right for e in group], n, draws=DRAWS),
    "best_of": lambda group, n: oracle_best_of([e.right for e in group], n),
}


def solved(free: Sequence[Sampled]) -> Found:
    """What `ponder.solve` would have made of the same samples, taken in their order until they agree.

    A sample's text hangs on its number and not on what else is drawn, so this is what it would have said and spent.
    """
    groups = _groups(free)
    most = min(map(len, groups))
    if needed([], ERROR, most + 1) > most:  # not even samples that all agree would do
        return
    tries = {own[0].problem: [_try(each) for each in own[:most]] for own in groups}
    solver = Solver(source=RecordedSource(tries=tries), error=ERROR, samples=most)
    solved = solver.solve([_problem(own[0]) for own in groups])
    problems = [own[0].problem for own in groups]
    right = [0.0 if one.chosen is None else own[one.chosen].right for one, own in zip(solved, groups, strict=True)]
    spent = [sum(each.thinking_tokens or 0 for each in one.tries) for one in solved]
    yield "solver.accuracy", "share", statistics.proportion(right, problems)
    yield "solver.samples", "samples", statistics.mean([len(one.tries) for one in solved], problems)
    yield "solver.tokens", "tokens", statistics.mean(spent, problems)
    agreed = [float(one.why is Why.AGREED) for one in solved]
    yield "solver.agreed", "share", statistics.proportion(agreed, problems)
    n, voted = _at_plateau(groups, "vote")
    yield from _beside("solver.of_vote_tokens", np.array(spent, dtype=float), n * _tokens(groups))
    yield "solver.over_vote", "share", statistics.mean(np.array(right) - voted, problems)


def _try(one: Sampled) -> Try:
    return Try(
        answer=one.answer,
        thinking=one.thinking or None,
        outcome=one.outcome,
        tokens=one.tokens,
        thinking_tokens=one.tokens,
    )


def _problem(one: Sampled) -> Problem:
    """As much of it as votes ask for."""
    return Problem(id=one.problem, domain="", split="", messages=(), reference="")


def single_beside_vote(one: Sequence[Sampled], voting: Sequence[Sampled]) -> Found:
    """One sample of a policy beside another's vote at its plateau, over the problems in both: accuracy and tokens."""
    both = [{own[0].problem: own for own in _groups(samples)} for samples in (one, voting)]
    shared = sorted(both[0].keys() & both[1].keys())
    single, voters = ([own[problem] for problem in shared] for own in both)
    if not shared or min(map(len, voters)) < 2:
        return
    n, voted = _at_plateau(voters, "vote")
    right = np.array([np.mean([each.right for each in own]) for own in single])
    yield "over_vote", "share", statistics.mean(right - voted, shared)
    yield from _beside("of_vote_tokens", _tokens(single), n * _tokens(voters))


def _tokens(groups: Sequence[Sequence[Sampled]]) -> Array:
    """Mean of each problem `[J]`."""
    return np.array([np.mean([each.tokens for each in own]) for own in groups], dtype=float)


def _beside(key: str, tokens: Array, others: Array) -> Found:
    """Nothing where the others thought nothing."""
    if others.any():
        yield key, "share", statistics.ratio_of_sums(tokens, others)
