"""Is it another, is it the same, and what remains of many such questions.

Every test works on one number a unit (a problem's mean, a seed's result): the unit is what was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from ponder.measure.statistics.intervals import t_quantile


class Finding(StrEnum):
    """What a comparison comes to, at a margin stated beforehand."""

    EQUIVALENT = "equivalent"
    """Surely within the margin."""
    DIFFERENT = "different"
    """Surely not 0, and not surely within the margin."""
    UNDECIDED = "undecided"
    """The data do not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Two one-sided tests of a mean difference against a margin."""

    value: float
    """The mean difference."""
    low: float
    """Lower end of the 90% interval, which lies within the margin just where the tests say so at 5%."""
    high: float
    """Its upper end."""
    p_equivalent: float
    """Larger of the two one-sided p-values: that the difference is no smaller than the margin."""
    p_different: float
    """Two-sided p-value of no difference."""
    n: int
    """Units."""

    @property
    def finding(self) -> Finding:
        """At the 5% level; a difference that is sure and surely small is equivalence."""
        if self.p_equivalent < 0.05:
            return Finding.EQUIVALENT
        return Finding.DIFFERENT if self.p_different < 0.05 else Finding.UNDECIDED


def equivalence(differences: ArrayLike, margin: float) -> Equivalence:
    """TOST: is the mean of these paired differences within +-margin (Schuirmann, J. Pharmacokin. Biopharm. 15, 1987)?

    p is that of t at the nearer end of the margin. Units whose differences are all equal have no spread: their mean is
    taken as known.
    """
    assert margin > 0, "a margin says how small is small enough"
    each = np.asarray(differences, dtype=float)
    count, value = len(each), float(each.mean())
    assert count > 1, "one unit alone has no spread"
    error = float(each.std(ddof=1)) / math.sqrt(count)
    half = t_quantile(0.95, count - 1) * error
    inside = _upper(margin - abs(value), error, count - 1)
    return Equivalence(
        value=value,
        low=value - half,
        high=value + half,
        p_equivalent=inside,
        p_different=min(1.0, 2 * _upper(abs(value), error, count - 1)),
        n=count,
    )


def p_value(differences: ArrayLike) -> float:
    """Two-sided p-value of the paired t test that the mean of these differences is 0; 1 where all of them are 0."""
    each = np.asarray(differences, dtype=float)
    assert len(each) > 1, "one unit alone has no spread"
    return min(1.0, 2 * _upper(abs(float(each.mean())), float(each.std(ddof=1)) / math.sqrt(len(each)), len(each) - 1))


def sign_flip_p_value(differences: ArrayLike) -> float:
    """Exact two-sided p-value over all 2^n signs of the differences (Fisher 1935), for a few paired seeds.

    It assumes nothing but symmetry, and cannot be less than 2 / 2^n: 5 seeds give 1/16 at best.
    """
    each = np.asarray(differences, dtype=float)
    assert 0 < len(each) <= 20, "all signs can be tried of at most 20 units"
    signs = np.array(list(product((1.0, -1.0), repeat=len(each))))
    sums = np.abs(signs @ each)
    return float(np.mean(sums >= abs(each.sum()) - 1e-12 * np.abs(each).sum()))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values that keep the chance of any false finding at the level (Holm, Scand. J. Stat. 6, 1979).

    The k-th smallest of m is multiplied by m - k + 1, and none is less than the one before it.
    """
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def _upper(distance: float, error: float, freedom: int) -> float:
    """P(T > distance / error)."""
    if error == 0:
        return 0.0 if distance > 0 else 0.5 if distance == 0 else 1.0
    return float(stdtr(freedom, -distance / error))
