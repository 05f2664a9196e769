"""What a gain is made of, and how it compares with the trained tier's: point and bootstrap at once.

Shapes: J problems, B resamples. Row 0 of every `Draws` is the data itself, the others are its resamples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ponder.measure.statistics import Array, Estimate, bootstrap_weights, percentile_interval

PARTS = ("more", "better", "direct")
"""More thinking, better thinking, better answers without thinking: they add up to the gain."""
RESAMPLES = 1000
"""Resamples of a bootstrap."""

Draws = Array
"""`[1 + B, 7]` of one domain, summed over its problems: 1, then before and after each (thinks, right, thinks and
right). What is summed is a problem's mean over its completions."""


def resample(problems: Array, *, seed: Sequence[int]) -> Draws:
    """The sums over `problems` `[J, 7]`, and over as many drawn with replacement, `RESAMPLES` times."""
    weights = bootstrap_weights(len(problems), resamples=RESAMPLES, seed=seed)
    return np.vstack([np.ones(len(problems)), weights]) @ problems


def split(draws: Draws) -> Array:
    """The gain of each row -> `[1 + B, 3]`: its `PARTS`.

    With s the share that thinks, t and d the accuracy with and without thinking, and ~ the mean of before and after:
    gain = (s1 - s0) (~t - ~d) + ~s (t1 - t0) + (1 - ~s) (d1 - d0), exactly (Kitagawa, "Components of a Difference
    Between Two Rates", JASA 50, 1955). An accuracy that is undefined at one checkpoint, because nothing there thinks or
    everything does, takes the other's value: its term is 0.
    """
    count, thinks_0, right_0, both_0, thinks_1, right_1, both_1 = draws.T
    with_0, with_1 = _filled(_ratio(both_0, thinks_0), _ratio(both_1, thinks_1))
    direct_0, direct_1 = _filled(_ratio(right_0 - both_0, count - thinks_0), _ratio(right_1 - both_1, count - thinks_1))
    share = (thinks_0 + thinks_1) / (2 * count)
    more = (thinks_1 - thinks_0) / count * (with_0 + with_1 - direct_0 - direct_1) / 2
    return np.stack([more, share * (with_1 - with_0), (1 - share) * (direct_1 - direct_0)], axis=-1)


def split_estimates(domains: Sequence[Draws]) -> dict[str, Estimate]:
    """The `PARTS` of the average gain of these domains, equal weight each."""
    parts = np.mean([split(draws) for draws in domains], axis=0)
    return {name: _estimate(part, domains) for name, part in zip(PARTS, parts.T, strict=True)}


def relative_gain(domains: Sequence[Draws]) -> Array:
    """Mean over the domains of (after - before) / before, `[1 + B]`, without those that had nothing right before."""
    gains = np.array([_ratio(draws[:, 5] - draws[:, 2], draws[:, 2]) for draws in domains])
    return _ratio(np.nansum(gains, axis=0), np.sum(~np.isnan(gains), axis=0))


def relative_gain_estimate(domains: Sequence[Draws]) -> Estimate:
    """The relative gain of a tier; its value is NaN where no domain had anything right before."""
    return _estimate(relative_gain(domains), domains)


def transferability(tier: Sequence[Draws], trained: Sequence[Draws]) -> Estimate:
    """Transferability Index of a tier, in percent: its relative gain over the trained tier's, x 100 (arXiv:2507.00432).

    The paper divides by the gain of mathematics, the group it trains on, over the model that training began with. Where
    the trained tier's gain may be 0, the index has no bounds; where it is 0, the value is NaN.
    """
    base = relative_gain(trained)
    sure = _estimate(base, trained).sign != 0
    with np.errstate(divide="ignore", invalid="ignore"):
        index = _estimate(100 * relative_gain(tier) / base, tier)
    value = index.value if math.isfinite(index.value) else math.nan
    return Estimate(value, index.low, index.high, index.n) if sure else Estimate(value, -math.inf, math.inf, index.n)


def _estimate(draws: Array, domains: Sequence[Draws]) -> Estimate:
    problems = sum(round(float(sums[0, 0])) for sums in domains)
    return Estimate(float(draws[0]), *percentile_interval(draws[1:]), problems)


def _ratio(top: Array, bottom: Array) -> Array:
    """NaN where the bottom is 0, up to the rounding of sums of problem means."""
    defined = bottom > 1e-9
    return np.where(defined, top / np.where(defined, bottom, 1.0), np.nan)


def _filled(one: Array, other: Array) -> tuple[Array, Array]:
    """Each with the other's values where it is NaN, and 0 where both are."""
    return np.nan_to_num(np.where(np.isnan(one), other, one)), np.nan_to_num(np.where(np.isnan(other), one, other))
