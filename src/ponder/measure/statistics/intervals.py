"""Means, differences and averages with 95% intervals, clustered by problem.

Shapes: N completions, J problems, D domains. The problem is the unit that was drawn, so every function first
takes the mean over a problem's completions; with equally many completions a problem this is the cluster-robust
standard error of Miller, "Adding Error Bars to Evals" (arXiv:2411.00640), with the J / (J - 1) of small samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

TAIL = 0.975
"""Upper end of a two-sided 95% interval, as a probability."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its 95% interval and how many problems it rests on."""

    value: float
    """The number itself."""
    low: float
    """Lower end of the interval; minus infinity where the data set no bound."""
    high: float
    """Upper end of the interval; infinity where the data set no bound."""
    n: int
    """Problems it rests on."""

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies wholly above or below 0, else 0."""
        return int(self.low > 0) - int(self.high < 0)


def t_quantile(probability: float, freedom: float) -> float:
    """Quantile of Student's t."""
    return float(stdtrit(freedom, probability))


def per_problem(values: ArrayLike, problems: ArrayLike) -> tuple[NDArray, Array]:
    """The problems `[J]` in order, and the mean of `values` `[N]` over each one's completions `[J]`."""
    names, index = np.unique(np.asarray(problems), return_inverse=True)
    totals = np.bincount(index, weights=np.asarray(values, dtype=float), minlength=len(names))
    return names, totals / np.maximum(np.bincount(index, minlength=len(names)), 1)


def mean(values: ArrayLike, problems: ArrayLike) -> Estimate:
    """m +- t_(J-1) sqrt(sum_j (y_j - m)^2 / (J (J - 1))), where y_j is problem j's mean.

    For quantities without bounds, like tokens. One problem alone sets no bound.
    """
    _, means = per_problem(values, problems)
    assert len(means), "a mean needs at least one problem"
    value, count = float(means.mean()), len(means)
    if count == 1:
        return Estimate(value, -math.inf, math.inf, 1)
    half = t_quantile(TAIL, count - 1) * float(means.std(ddof=1)) / math.sqrt(count)
    return Estimate(value, value - half, value + half, count)


def proportion(values: ArrayLike, problems: ArrayLike) -> Estimate:
    """Mean of values in [0, 1] with Wilson's interval at the effective number of draws.

    n_eff = p (1 - p) / var(p), with `var` clustered by problem: the design-effect Wilson interval of Franco et al.,
    "Comparative Study of Confidence Intervals for Proportions in Complex Sample Surveys" (J. Surv. Stat. Methodol. 7,
    2019). It is at most the completions there are. Where all values agree `var` says nothing, so a problem then counts
    as one draw, and 0 of 50 gets [0, 0.07] and not [0, 0].
    """
    _, means = per_problem(values, problems)
    assert len(means), "a proportion needs at least one problem"
    value, count = float(means.mean()), len(means)
    if count == 1:
        return Estimate(value, 0.0, 1.0, 1)
    spread, variance = value * (1 - value), float(means.var(ddof=1)) / count
    draws = np.size(values) if spread else count
    effective = min(draws, spread / variance) if variance else draws
    return Estimate(value, *wilson(value, effective, t_quantile(TAIL, count - 1)), count)


def wilson(share: float, draws: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval: (p + q^2/2n -+ q sqrt(p (1-p) / n + q^2/4n^2)) / (1 + q^2/n).

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (JASA 22, 1927).
    """
    square = quantile**2 / draws
    centre, half = share + square / 2, quantile * math.sqrt(share * (1 - share) / draws + square / (4 * draws))
    low, high = (centre - half) / (1 + square), (centre + half) / (1 + square)
    return max(0.0, min(share, low)), min(1.0, max(share, high))


def paired_difference(
    before: ArrayLike, problems_before: ArrayLike, after: ArrayLike, problems_after: ArrayLike
) -> Estimate | None:
    """Mean of y_j(after) - y_j(before) over the problems in both, for values in [0, 1]; None where there are none.

    The spread is Bonett and Price's adjusted one for paired proportions ("Adjusted Wald Confidence Interval for a
    Difference of Binomial Proportions Based on Paired Data", J. Educ. Behav. Stat. 37, 2012), as if one more problem
    had got better and one worse: no change on any of 50 problems is not "exactly 0". Theirs also moves the centre
    towards 0; ours does not, because the average over domains would keep that bias and shed the spread around it.
    """
    names_0, means_0 = per_problem(before, problems_before)
    names_1, means_1 = per_problem(after, problems_after)
    shared, at_0, at_1 = np.intersect1d(names_0, names_1, return_indices=True)
    if not len(shared):
        return None
    differences = means_1[at_1] - means_0[at_0]
    value, half = float(differences.mean()), _half_with_one_more_each_way(differences)
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), len(shared))


def _half_with_one_more_each_way(differences: Array) -> float:
    count = len(differences)
    padded = np.concatenate([differences, [1.0, -1.0]])
    return t_quantile(TAIL, max(count - 1, 1)) * float(padded.std()) / math.sqrt(count + 2)


def average(parts: Sequence[Estimate]) -> Estimate:
    """Mean of independent estimates, equal weight each: the average *by domain*.

    low = m - sqrt(sum_d (m_d - low_d)^2) / D, and high likewise: "variance = sum of var_d / D^2" told in half-widths,
    which keeps the lopsided intervals near 0 and 1 lopsided (MOVER; Zou and Donner, Stat. Med. 27, 2008). The average
    *by problem* needs no function of its own: it is the same estimate over all problems at once.
    """
    assert parts, "an average needs at least one part"
    value = sum(part.value for part in parts) / len(parts)
    low = math.hypot(*(part.value - part.low for part in parts)) / len(parts)
    high = math.hypot(*(part.high - part.value for part in parts)) / len(parts)
    return Estimate(value, value - low, value + high, sum(part.n for part in parts))
