"""Tests against scipy, published examples and hand-worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats

from ponder.measure.statistics import Finding, equivalence, holm, p_value, sign_flip_p_value

SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
"""Hours of sleep that one drug gave over another (Student 1908): t = 4.0621, p = 0.002833."""


def student(values: ArrayLike, mean: float, alternative: str = "two-sided") -> float:
    """scipy's p-value."""
    return stats.ttest_1samp(values, mean, alternative=alternative)[1]  # pyright: ignore[reportReturnType]


def test_students_sleep_data_as_published():
    assert p_value(SLEEP) == pytest.approx(0.002833, abs=5e-7)
    assert p_value(SLEEP) == pytest.approx(student(SLEEP, 0))


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.0, 3.0])
def test_equivalence_is_the_two_one_sided_tests_of_scipy(margin: float):
    values = np.random.default_rng(0).normal(0.3, 1.0, 40)
    above = student(values, -margin, alternative="greater")
    below = student(values, margin, alternative="less")
    found = equivalence(values, margin)
    assert found.p_equivalent == pytest.approx(max(above, below))
    assert found.p_different == pytest.approx(student(values, 0))
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert (found.p_equivalent < 0.05) == (-margin < found.low and found.high < margin)


@pytest.mark.parametrize(
    ("differences", "margin", "finding"),
    [
        ([0.01, -0.01, 0.0, 0.02, -0.02], 0.1, Finding.EQUIVALENT),
        ([0.05, 0.06, 0.05, 0.04, 0.05], 0.1, Finding.EQUIVALENT),  # surely not 0, and surely small
        ([0.3, 0.35, 0.25, 0.3, 0.32], 0.1, Finding.DIFFERENT),
        ([0.3, -0.3, 0.2, -0.1, 0.0], 0.1, Finding.UNDECIDED),
        ([0.0, 0.0, 0.0], 0.1, Finding.EQUIVALENT),
        ([0.5, 0.5, 0.5], 0.1, Finding.DIFFERENT),
    ],
)
def test_findings(differences: list[float], margin: float, finding: Finding):
    assert equivalence(differences, margin).finding is finding


def test_equivalence_is_claimed_falsely_at_most_one_time_in_twenty():
    random = np.random.default_rng(0)
    wrong = [equivalence(random.normal(0.5, 0.5, 40), 0.5).finding is Finding.EQUIVALENT for _ in range(2000)]
    assert 0.03 < np.mean(wrong) < 0.06


def test_holm_by_hand():
    # 4 x .01 = .04; 3 x .013 = .039, raised to .04; 2 x .03 = .06; 1 x .04, raised to .06
    found = holm({"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.013})
    assert found == pytest.approx({"a": 0.06, "b": 0.04, "c": 0.06, "d": 0.04})
    assert list(found) == ["a", "b", "c", "d"] and holm({}) == {}
    assert holm({"x": 0.7, "y": 0.6}) == {"x": 1.0, "y": 1.0}


def test_holm_rejects_what_its_paper_rejects():
    # Wright (Biometrics 48, 1992), table 2: five endpoints, adjusted by Holm's procedure.
    found = holm({"1": 0.011, "2": 0.024, "3": 0.036, "4": 0.041, "5": 0.93})
    assert list(found.values()) == pytest.approx([0.055, 0.096, 0.108, 0.108, 0.93])


def test_all_signs_of_five_seeds_leave_one_in_sixteen():
    assert sign_flip_p_value([0.1, 0.2, 0.05, 0.3, 0.15]) == 2 / 32
    assert sign_flip_p_value([1.0, -1.0]) == 1.0
    assert sign_flip_p_value([3.0, 1.0, -0.5]) == pytest.approx(4 / 8)  # |sum| >= 3.5: +++ ++- and their mirrors
