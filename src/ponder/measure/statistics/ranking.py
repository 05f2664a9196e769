"""How well a value tells right from wrong, with 95% intervals clustered by problem.

Shapes: N answers, J problems. `right` holds which answers are right; a problem may have answers of both kinds.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ponder.measure.statistics.bootstrap import bootstrap_weights, percentile_interval
from ponder.measure.statistics.intervals import TAIL, Array, Estimate, per_problem, proportion, t_quantile, wilson

BINS = 10
"""Of a reliability diagram, equally wide."""


def difference_of_shares(
    first: ArrayLike, problems_first: ArrayLike, second: ArrayLike, problems_second: ArrayLike
) -> Estimate:
    """Share of the first - share of the second: Youden's J (Cancer 3, 1950) for true and false positives.

    MOVER: low = d - sqrt(a^2 - 2 r a b + b^2) with a and b the arms of Wilson's intervals on that side, and r how far
    the two shares go together over the problems that are in both (Zou and Donner, Stat. Med. 27, 2008).
    """
    one, other = proportion(first, problems_first), proportion(second, problems_second)
    r = _correlation(first, problems_first, second, problems_second)
    value = one.value - other.value
    low = value - _joined(one.value - one.low, other.high - other.value, r)
    high = value + _joined(one.high - one.value, other.value - other.low, r)
    problems = len(np.union1d(np.asarray(problems_first), np.asarray(problems_second)))
    return Estimate(value, max(-1.0, low), min(1.0, high), problems)


def _joined(a: float, b: float, r: float) -> float:
    return math.sqrt(max(0.0, a * a - 2 * r * a * b + b * b))


def _correlation(first: ArrayLike, problems_first: ArrayLike, second: ArrayLike, problems_second: ArrayLike) -> float:
    """Of the two means, from the problems that are in both; 0 where either has no spread."""
    (names_0, one), (names_1, other) = per_problem(first, problems_first), per_problem(second, problems_second)
    _, at_0, at_1 = np.intersect1d(names_0, names_1, return_indices=True)
    spread = float(one.std() * other.std()) * math.sqrt(len(one) * len(other))
    if not spread:
        return 0.0
    together = float(((one - one.mean())[at_0] * (other - other.mean())[at_1]).sum())
    return max(-1.0, min(1.0, together / spread))


def auc(values: ArrayLike, right: ArrayLike, problems: ArrayLike) -> Estimate:
    """Chance that a right answer has the higher value than a wrong one, ties half: the area under the ROC curve.

    Variance by Obuchowski ("Nonparametric analysis of clustered ROC curve data", Biometrics 53, 1997); from it
    Wilson's interval at the effective number of draws, as for a proportion, so that a perfect one is not [1, 1].
    """
    each, is_right = np.asarray(values, dtype=float), np.asarray(right, dtype=bool)
    own = np.asarray(problems)
    assert is_right.any() and not is_right.all(), "the area needs right and wrong answers"
    above, below = _placements(each, is_right)
    value = float(above.mean())
    fewer = min(len(np.unique(own[is_right])), len(np.unique(own[~is_right])))
    if fewer == 1:
        return Estimate(value, 0.0, 1.0, 1)
    parts = np.empty(len(each))
    parts[is_right], parts[~is_right] = (above - value) / len(above), (below - value) / len(below)
    names, index = np.unique(own, return_inverse=True)
    sums = np.bincount(index, weights=parts)
    variance = float((sums**2).sum()) * len(names) / (len(names) - 1)
    spread = value * (1 - value)
    draws = min(len(each), spread / variance) if variance and spread else fewer
    return Estimate(value, *wilson(value, draws, t_quantile(TAIL, fewer - 1)), len(names))


def _placements(values: Array, right: NDArray) -> tuple[Array, Array]:
    """For each right answer the share of wrong ones below it, for each wrong one the share of right ones above it."""
    ranks, count = ranked(values), len(values)
    own = np.empty(count)
    own[right], own[~right] = ranked(values[right]), ranked(values[~right])
    wrong, others = (~right).sum(), right.sum()
    return (ranks - own)[right] / wrong, 1 - (ranks - own)[~right] / others


def ranked(values: ArrayLike) -> Array:
    """Ranks from 1, those that tie share their mean."""
    _, index, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[index]


def rank_correlation(first: ArrayLike, second: ArrayLike, problems: ArrayLike) -> Estimate | None:
    """Spearman's rho with Bonett and Wright's interval (Psychometrika 65, 2000), a problem counting as one draw.

    tanh(atanh(rho) -+ z sqrt((1 + rho^2 / 2) / (J - 3))); None where all are alike or problems fewer than 4.
    """
    one, other = ranked(first), ranked(second)
    count = len(np.unique(np.asarray(problems)))
    if count < 4 or not one.std() or not other.std():
        return None
    return rank_interval(float(np.corrcoef(one, other)[0, 1]), count)


def rank_interval(rho: float, count: int) -> Estimate:
    """Spearman's rho of so many draws, at least 4, with Bonett and Wright's interval."""
    inside = max(-1 + 1e-9, min(1 - 1e-9, rho))
    half = t_quantile(TAIL, math.inf) * math.sqrt((1 + rho * rho / 2) / (count - 3))
    low, high = math.tanh(math.atanh(inside) - half), math.tanh(math.atanh(inside) + half)
    return Estimate(rho, min(rho, low), max(rho, high), count)


def calibration(values: ArrayLike, right: ArrayLike) -> Array:
    """`[BINS, 3]`: answers, sum of their values and right ones among them; bin k holds [k / 10, (k + 1) / 10)."""
    return _binned(values, right, np.zeros(np.size(values), dtype=int))[0]


def calibration_error(values: ArrayLike, right: ArrayLike, problems: ArrayLike) -> Estimate:
    """ECE = sum_b n_b / N |mean value - share right|, over ten bins (Naeini et al., AAAI 2015).

    The interval is the percentile one over 1000 draws of problems. The number is biased upwards in small samples, and
    where no draw has an error the interval is [0, 0].
    """
    names, index = np.unique(np.asarray(problems), return_inverse=True)
    sums = _binned(values, right, index)
    weights = bootstrap_weights(len(names), resamples=1000, seed=0)
    draws = _error(np.tensordot(weights, sums, axes=1))
    low, high = percentile_interval(draws)
    return Estimate(float(_error(sums.sum(0))), low, high, len(names))


def _error(binned: Array) -> Array:
    """From `[..., BINS, 3]`."""
    return np.abs(binned[..., 1] - binned[..., 2]).sum(-1) / binned[..., 0].sum(-1)


def _binned(values: ArrayLike, right: ArrayLike, groups: NDArray) -> Array:
    each = np.asarray(values, dtype=float)
    bins = np.minimum((each * BINS + 1e-9).astype(int), BINS - 1)
    found = np.zeros((int(groups.max()) + 1, BINS, 3))
    np.add.at(found, (groups, bins), np.stack([np.ones_like(each), each, np.asarray(right, dtype=float)], axis=-1))
    return found


def strict_threshold(wrong: ArrayLike, *, most: float = 0.01) -> float:
    """The least t, 0 or one of these values of wrong answers, that no more than `most` of them exceed."""
    each = np.asarray(wrong, dtype=float)
    choices = np.unique(np.append(each, 0.0))
    return float(next(t for t in choices if np.mean(each > t) <= most))
