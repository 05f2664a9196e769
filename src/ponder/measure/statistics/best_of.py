"""What a choice among n of N samples of a problem is worth, in expectation over which n are drawn.

Shapes: N samples of one problem. All take samples without replacement; none needs more draws than there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import groupby
from math import comb
from random import Random


def best_of(values: Sequence[float], gold: Sequence[float], n: int) -> float:
    """Mean gold of the sample of largest value among n of N; among equal values any of them is taken.

    sum over groups of equal value, from the least: [C(r, n) - C(r - size, n)] / C(N, n) * mean gold of the group, with
    r the samples up to and with the group: the share of draws whose largest value is the group's.
    """
    assert len(values) == len(gold) >= n >= 1, "n of N samples, each with a value"
    pairs = sorted(zip(values, gold, strict=True))
    total, reached = 0.0, 0
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        found = [g for _, g in group]
        before, reached = reached, reached + len(found)
        share = (comb(reached, n) - comb(before, n)) / comb(len(pairs), n)
        total += share * sum(found) / len(found)
    return total


def oracle_best_of(gold: Sequence[float], n: int) -> float:
    """Mean of the largest gold among n of N: pass@n where gold is 0 or 1 (arXiv:2107.03374)."""
    return best_of(gold, gold, n)


def vote_of(
    answers: Sequence[Hashable], gold: Sequence[float], n: int, *, weights: Sequence[float] | None = None, draws: int
) -> float:
    """Mean gold of the answer with most votes among n of N, each vote weighing what `weights` says; ties are shared.

    Over `draws` seeded draws, since votes of subsets cannot be counted in closed form; exact where n = N.
    """
    weights = [1.0] * len(answers) if weights is None else weights
    rows = list(zip(answers, gold, weights, strict=True))
    if n == len(rows):
        return _voted(rows)
    rng = Random(f"{n}/{len(rows)}")
    return sum(_voted(rng.sample(rows, n)) for _ in range(draws)) / draws


def _voted(rows: Sequence[tuple[Hashable, float, float]]) -> float:
    votes: dict[Hashable, float] = defaultdict(float)
    worth: dict[Hashable, list[float]] = defaultdict(list)
    for answer, gold, weight in rows:
        votes[answer] += weight
        worth[answer].append(gold)
    most = max(votes.values())
    winners = [sum(worth[answer]) / len(worth[answer]) for answer, count in votes.items() if count >= most - 1e-12]
    return sum(winners) / len(winners)
