"""Intervals by drawing again from the data, for numbers whose distribution nobody has worked out.

The t intervals of `intervals` are for means; ratios, parts of a gain and medians come here. Shapes: J problems, B
resamples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from ponder.measure.statistics.intervals import TAIL, Array, Estimate


def bootstrap_weights(problems: int, *, resamples: int, seed: int | Sequence[int]) -> Array:
    """How often each of J problems is drawn in each of B resamples, `[B, J]`: rows sum to J.

    The cluster bootstrap (Efron 1979; Cameron, Gelbach and Miller 2008): whole problems are drawn with replacement.
    """
    random = np.random.default_rng(seed)
    return random.multinomial(problems, np.full(problems, 1 / problems), size=resamples).astype(float)


def percentile_interval(draws: Array) -> tuple[float, float]:
    """The middle 95% of the finite ones among `draws` `[B]`; no bound where none is finite."""
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return -math.inf, math.inf
    low, high = np.quantile(finite, [1 - TAIL, TAIL])
    return float(low), float(high)


def ratio_of_sums(one_J: Array, other_J: Array, *, resamples: int = 1000, seed: int = 0) -> Estimate:
    """All of one thing over all of another, summed over problems `[J]`; its interval is from draws of problems.

    Draws in which nothing of the other is left are dropped.
    """
    assert len(one_J) == len(other_J) and other_J.sum(), "a ratio has something to be over"
    weights = bootstrap_weights(len(one_J), resamples=resamples, seed=seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = percentile_interval((weights @ one_J) / (weights @ other_J))
    value = float(one_J.sum() / other_J.sum())
    return Estimate(value, min(low, value), max(high, value), len(one_J))


def bca(
    values: Array, statistic: Callable[[Array], float], *, resamples: int = 2000, seed: int | Sequence[int] = 0
) -> Estimate:
    """The bias-corrected and accelerated interval of a statistic of `values` `[J]` or `[J, ...]`, one row a problem.

    The percentiles are moved by how far the resamples' median lies from the data's value (z0) and by the skewness of
    the jackknife (a): Phi(z0 + (z0 + z) / (1 - a (z0 + z))) (Efron, "Better Bootstrap Confidence Intervals", JASA 82,
    1987).
    For skewed numbers like token counts; where all resamples agree the interval is the number itself.
    """
    random, count = np.random.default_rng(seed), len(values)
    assert count > 1, "one problem alone has no spread"
    value = statistic(values)
    draws = np.array([statistic(values[random.integers(count, size=count)]) for _ in range(resamples)])
    below = (np.sum(draws < value) + 0.5 * np.sum(draws == value)) / resamples
    if below in (0.0, 1.0) or np.ptp(draws) == 0:
        return Estimate(value, float(draws.min()), float(draws.max()), count)
    left_out = np.array([statistic(np.delete(values, j, axis=0)) for j in range(count)])
    spread = left_out.mean() - left_out
    skew = float((spread**3).sum() / (6 * (spread**2).sum() ** 1.5)) if spread.any() else 0.0
    middle, tails = ndtri(below), ndtri(np.array([1 - TAIL, TAIL]))
    low, high = np.quantile(draws, ndtr(middle + (middle + tails) / (1 - skew * (middle + tails))))
    return Estimate(value, float(low), float(high), count)
