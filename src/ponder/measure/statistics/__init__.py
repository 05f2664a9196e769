"""Estimates with their 95% intervals, and tests; each says what its unit is."""

from ponder.measure.statistics.bootstrap import bca, bootstrap_weights, percentile_interval, ratio_of_sums
from ponder.measure.statistics.hypotheses import Equivalence, Finding, equivalence, holm, p_value, sign_flip_p_value
from ponder.measure.statistics.intervals import (
    TAIL,
    Array,
    Estimate,
    average,
    mean,
    paired_difference,
    per_problem,
    proportion,
    t_quantile,
    wilson,
)
from ponder.measure.statistics.samples import majority_at_k, pass_at_k
from ponder.measure.statistics.seeds import difference_over_seeds, over_seeds, share_over_seeds

__all__ = [
    "TAIL",
    "Array",
    "Equivalence",
    "Estimate",
    "Finding",
    "average",
    "bca",
    "bootstrap_weights",
    "difference_over_seeds",
    "equivalence",
    "holm",
    "majority_at_k",
    "mean",
    "over_seeds",
    "p_value",
    "paired_difference",
    "pass_at_k",
    "per_problem",
    "percentile_interval",
    "proportion",
    "ratio_of_sums",
    "share_over_seeds",
    "sign_flip_p_value",
    "t_quantile",
    "wilson",
]
