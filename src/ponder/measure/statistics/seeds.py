"""Across seeds the seed is the unit: another run of the same recipe is what would be drawn again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ponder.measure.statistics.intervals import Estimate, mean
from ponder.types import PonderError


def over_seeds(results: Mapping[int, float]) -> Estimate:
    """Mean of one result a seed, with the t interval over seeds; one seed alone sets no bound.

    Problems within a run do not count: a thousand of them tell that run exactly, and nothing of the next seed.
    """
    return mean(list(results.values()), list(results))


def difference_over_seeds(before: Mapping[int, float], after: Mapping[int, float]) -> Estimate:
    """Mean of after - before over the seeds in both, paired: what a seed does to both arms cancels."""
    shared = sorted(before.keys() & after.keys())
    assert shared, "paired arms have a seed in common"
    return mean([after[seed] - before[seed] for seed in shared], np.array(shared))


def share_over_seeds(of: Mapping[int, float], whole: Mapping[int, float]) -> Estimate:
    """Mean of `of` over mean of `whole`, paired by seed, with a t interval of the linearised ratio (delta method).

    The residual of a seed is (of - ratio * whole) / mean whole; PonderError where the whole is nothing on average.
    """
    shared = sorted(of.keys() & whole.keys())
    assert shared, "paired arms have a seed in common"
    part, all_of_it = (np.array([values[seed] for seed in shared]) for values in (of, whole))
    if not all_of_it.mean():
        raise PonderError("a share of nothing: the whole is 0 on average")
    ratio = part.mean() / all_of_it.mean()
    return mean(list(ratio + (part - ratio * all_of_it) / all_of_it.mean()), np.array(shared))
