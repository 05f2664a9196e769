"""Across seeds the seed is the unit: another run of the same recipe is what would be drawn again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ponder.measure.statistics.intervals import Estimate, mean


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
