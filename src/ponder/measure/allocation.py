"""Whether compute is spent where it pays: queries on the clean measured rollouts of modes `free` and `budget`.

Difficulties are comparable within a domain only, so every number is of a domain, and `all` is their average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from ponder.measure import cells, statistics
from ponder.measure.statistics import Array, Estimate
from ponder.measure.statistics.allocation import (
    after_answer,
    at_matched,
    oracle_allocation,
    spearman,
    spearman_within,
)
from ponder.measure.suite import LABELS
from ponder.measure.transfer import MEASURES
from ponder.measure.voting import Found, Sampled, single_beside_vote, solved, votes
from ponder.runs.result import Number
from ponder.types import Mode, Outcome

RESAMPLES = 1000
"""Of problems, for numbers that no formula gives an interval of."""
RIGHT = MEASURES["accuracy"].sql
ASKED = f"""select checkpoint, domain, mode, think_at_least, think_at_most, problem_id, sample, difficulty,
  thinking_tokens, thinking, answer, outcome, ({RIGHT})::double as v from rollouts
  where attack = 'none' and mode in ('free', 'budget') and v is not null order by all"""
QUERY = "ponder.measure.allocation.numbers(connection)['{name}']"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a checkpoint did in one domain."""

    free: tuple[Sampled, ...]
    """Thinking as it likes."""
    budgets: Mapping[tuple[int, int | None], tuple[Sampled, ...]]
    """Under each budget: at least, at most."""


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`allocation.LABEL.DOMAIN.KEY`, and `allocation.change.DOMAIN.KEY` from before reinforcement to after it.

    `all` is the average of the domains that have the number.
    """
    found: dict[tuple[str, str], list[tuple[str, Estimate, str]]] = {}
    parts = _parts(con)
    for (label, domain), part in parts.items():
        for key, unit, estimate in _told(part):
            found.setdefault((label, key), []).append((domain, estimate, unit))
    for domain, part in ((domain, part) for (label, domain), part in parts.items() if label == "after"):
        before = parts.get(("before", domain))
        for key, unit, estimate in _changes(before, part) if before and before.free and part.free else ():
            found.setdefault(("change", key), []).append((domain, estimate, unit))
    told = {}
    for (label, key), rows in found.items():
        everywhere = statistics.average([estimate for _, estimate, _ in rows])
        for domain, e, unit in [*rows, ("all", everywhere, rows[0][2])]:
            name = f"allocation.{label}.{domain}.{key}"
            told[name] = cells.told(e, unit, QUERY.format(name=name))
    return told


def _parts(con: DuckDBPyConnection) -> dict[tuple[str, str], Part]:
    rows = con.execute(ASKED).fetchall()
    parts: dict[tuple[str, str], Part] = {}
    for (checkpoint, domain), own in groupby(rows, lambda row: (str(row[0]), str(row[1]))):
        asked: dict[tuple, list[Sampled]] = {}
        for _, _, mode, least, most, problem, sample, difficulty, tokens, thinking, answer, outcome, right in own:
            asked.setdefault((mode, least, most), []).append(
                Sampled(
                    problem=problem,
                    sample=sample,
                    difficulty=difficulty,
                    tokens=tokens,
                    thinking=thinking or "",
                    answer=answer,
                    outcome=Outcome(outcome),
                    right=right,
                )
            )
        budgets = {key[1:]: tuple(each) for key, each in asked.items() if key[0] == Mode.BUDGET}
        free = [each for key, samples in asked.items() if key[0] == Mode.FREE for each in samples]
        parts[LABELS.get(checkpoint, checkpoint), domain] = Part(free=tuple(free), budgets=budgets)
    return parts


def _told(part: Part) -> Found:
    if part.free:
        yield from _where_spent(part.free)
        yield from _in_vain(part.free)
        yield from votes(part.free)
        yield from solved(part.free)
    if part.free and len(part.budgets) > 1:
        yield from _against_budgets(part)


def _where_spent(free: Sequence[Sampled]) -> Found:
    """With difficulty, and within one difficulty with how often a problem is failed.

    The second on separate samples, tokens from one half and failures from the other, both ways: a completion that ran
    on until it was cut would else be long *and* wrong.
    """
    _, tokens, _, difficulty = _by_problem(free)
    known = ~np.isnan(difficulty)
    if known.any() and (rho := spearman(difficulty[known], tokens[known])):
        yield "spearman", "correlation", rho
    halves = [[each for each in free if each.sample % 2 == side] for side in (0, 1)]
    if all(halves):
        (names_0, tokens_0, failed_0, depth_0), (names_1, tokens_1, failed_1, _) = map(_by_problem, halves)
        shared, at_0, at_1 = np.intersect1d(names_0, names_1, return_indices=True)
        strata = np.nan_to_num(depth_0[at_0], nan=-1.0)
        both = [
            spearman_within(tokens_0[at_0], failed_1[at_1], strata),
            spearman_within(tokens_1[at_1], failed_0[at_0], strata),
        ]
        ways = [each for each in both if each]
        if ways:  # the same problems twice: as wide as one of them
            value, low, high = (float(np.mean([getattr(e, k) for e in ways])) for k in ("value", "low", "high"))
            yield "spearman_within", "correlation", Estimate(value, low, high, len(shared))


def _by_problem(samples: Sequence[Sampled]) -> tuple[NDArray, Array, Array, Array]:
    """Problems, and of each the mean tokens, the failure rate and the difficulty (NaN for none)."""
    problems = [each.problem for each in samples]
    names, tokens = statistics.per_problem([each.tokens for each in samples], problems)
    _, failed = statistics.per_problem([1 - each.right for each in samples], problems)
    _, difficulty = statistics.per_problem(
        [np.nan if each.difficulty is None else each.difficulty for each in samples], problems
    )
    return names, tokens, failed, difficulty


def _in_vain(free: Sequence[Sampled]) -> Found:
    """Of right completions that had their answer in their thinking: what came after it stood there first."""
    rows = [(each, after_answer(each.thinking, each.answer)) for each in free if each.right == 1 and each.thinking]
    known = [(each, share) for each, share in rows if share is not None]
    if known:
        problems = [each.problem for each, _ in known]
        yield "after_answer", "tokens", statistics.mean([each.tokens * share for each, share in known], problems)
        yield "after_answer_share", "share", statistics.proportion([share for _, share in known], problems)


def _against_budgets(part: Part) -> Found:
    """What fixed budgets get for the same mean tokens, and how far the policy is from the best allocation of them."""
    free = _grid([part.free])
    fixed = _grid(list(part.budgets.values()))
    shared, at_0, at_1 = np.intersect1d(free.problems, fixed.problems, return_indices=True)
    if not len(shared):
        return
    own, other = free.of(at_0), fixed.of(at_1)
    matched = _matched(own, other)
    if matched:
        yield "matched_gain", "share", matched
    regret = _regret(own, other)
    if regret is not None:
        yield "regret", "share", statistics.mean(regret, shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Problems by budgets; each number a mean over samples, of all and of each half (even, odd)."""

    problems: NDArray
    """Ids `[J]`."""
    right: Array
    """`[3,J,B]`: all, even, odd samples; NaN where a half has none."""
    tokens: Array
    """`[3,J,B]`."""

    def of(self, rows: NDArray[np.intp]) -> Grid:
        """Some of the problems."""
        return Grid(problems=self.problems[rows], right=self.right[:, rows], tokens=self.tokens[:, rows])


def _grid(asked: Sequence[Sequence[Sampled]]) -> Grid:
    """Of the problems that were asked in each way."""
    sets = [{each.problem for each in samples} for samples in asked]
    problems = sorted(set.intersection(*sets))
    place = {problem: j for j, problem in enumerate(problems)}
    sums = np.zeros((3, 3, len(problems), len(asked)))
    for b, samples in enumerate(asked):
        for each in samples:
            if each.problem in place:
                for half in (0, 1 + each.sample % 2):
                    sums[:, half, place[each.problem], b] += (1, each.right, each.tokens)
    with np.errstate(invalid="ignore"):
        return Grid(problems=np.array(problems), right=sums[1] / sums[0], tokens=sums[2] / sums[0])


def _matched(own: Grid, fixed: Grid) -> Estimate | None:
    """Accuracy less that of fixed budgets at the same mean tokens; the interval is from draws of problems."""

    def gain(weights: Array) -> float:
        share = weights / weights.sum()
        curve = [(float(share @ fixed.tokens[0, :, b]), float(share @ fixed.right[0, :, b])) for b in range(budgets)]
        level = at_matched(float(share @ own.tokens[0, :, 0]), curve)
        return np.nan if level is None else float(share @ own.right[0, :, 0]) - level

    count, budgets = len(own.problems), fixed.right.shape[-1]
    value = gain(np.ones(count))
    if np.isnan(value):
        return None
    draws = [gain(weights) for weights in statistics.bootstrap_weights(count, resamples=RESAMPLES, seed=0)]
    low, high = statistics.percentile_interval(np.array(draws))
    return Estimate(value, min(low, value), max(high, value), count)


def _regret(own: Grid, fixed: Grid) -> Array | None:
    """Of each problem `[J]`: the oracle's accuracy less the policy's, for the policy's mean tokens.

    The oracle gives each problem a budget by one half of the samples and is scored on the other, both ways; None where
    there is one sample of each.
    """
    if np.isnan(fixed.right).any():
        return None
    both = []
    for chosen_on, scored_on in ((1, 2), (2, 1)):
        choice = oracle_allocation(fixed.right[chosen_on], fixed.tokens[chosen_on], float(own.tokens[0].mean()))
        scored = np.take_along_axis(fixed.right[scored_on], choice[:, None], 1)[:, 0]
        both.append(scored - own.right[0, :, 0])
    return np.mean(both, axis=0)


def _changes(before: Part, after: Part) -> Found:
    """From before reinforcement to after it."""
    if moved := _more_spearman(before, after):
        yield "spearman", "correlation", moved
    yield from single_beside_vote(after.free, before.free)


def _more_spearman(before: Part, after: Part) -> Estimate | None:
    """Spearman of difficulty and tokens after less before."""
    (names_0, tokens_0, _, depth), (names_1, tokens_1, _, _) = map(_by_problem, (before.free, after.free))
    _, at_0, at_1 = np.intersect1d(names_0, names_1, return_indices=True)
    rows = np.stack([depth[at_0], tokens_0[at_0], tokens_1[at_1]], axis=-1)
    rows = rows[~np.isnan(rows[:, 0])]
    if len(rows) < 4 or not spearman(rows[:, 0], rows[:, 1]) or not spearman(rows[:, 0], rows[:, 2]):
        return None
    random = np.random.default_rng(0)
    draws = [_difference(rows[random.integers(len(rows), size=len(rows))]) for _ in range(RESAMPLES)]
    low, high = statistics.percentile_interval(np.array(draws))
    value = _difference(rows)
    return Estimate(value, min(low, value), max(high, value), len(rows))


def _difference(rows: Array) -> float:
    first, second = (spearman(rows[:, 0], rows[:, k]) for k in (1, 2))
    return second.value - first.value if first and second else np.nan
