"""What k tries of a problem are worth, from n of them.

Shapes: J problems; n completions of each, c of them right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from ponder.measure.statistics.intervals import Estimate, proportion


def pass_at_k(right: ArrayLike, completions: ArrayLike, k: int) -> Estimate:
    """Chance that one of k tries is right: the mean over problems of 1 - C(n - c, k) / C(n, k) (arXiv:2107.03374).

    `right` and `completions` are c and n of each problem `[J]`. Unbiased, unlike 1 - (1 - c/n)^k; the interval is over
    problems, Wilson's as for any proportion.
    """
    pairs = list(zip(np.asarray(right).tolist(), np.asarray(completions).tolist(), strict=True))
    return proportion([_any_right(int(c), int(n), k) for c, n in pairs], np.arange(len(pairs)))


def _any_right(right: int, completions: int, k: int) -> float:
    assert 0 <= right <= completions and 1 <= k <= completions, "0 <= c <= n and 1 <= k <= n"
    return 1.0 - comb(completions - right, k) / comb(completions, k)


def majority_at_k(
    answers: Sequence[Sequence[str]], right: Sequence[Mapping[str, float]], k: int, seed: int = 0
) -> Estimate:
    """Accuracy of the answer that most of k tries give: the mean over problems, by 200 seeded draws of k of the n.

    `answers`: what each completion of each problem says; `right`: the value of each answer, by problem. A tie is shared
    among those that have it (self-consistency, arXiv:2203.11171).
    """
    random = np.random.default_rng(seed)
    scores = [_vote(list(each), values, k, random) for each, values in zip(answers, right, strict=True)]
    return proportion(scores, np.arange(len(scores)))


def _vote(answers: list[str], values: Mapping[str, float], k: int, random: np.random.Generator) -> float:
    assert 1 <= k <= len(answers), "1 <= k <= n"
    draws = 200 if k < len(answers) else 1
    return float(
        np.mean([_winner(random.choice(answers, size=k, replace=False).tolist(), values) for _ in range(draws)])
    )


def _winner(votes: list[str], values: Mapping[str, float]) -> float:
    counts = {answer: votes.count(answer) for answer in votes}
    most = max(counts.values())
    return float(np.mean([values[answer] for answer, count in counts.items() if count == most]))
