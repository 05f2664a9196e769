"""How well values tell right from wrong, on numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ponder.measure.statistics import Estimate, proportion, ranking

VALUES = np.array([0.9, 0.8, 0.6, 0.4, 0.7, 0.3, 0.2, 0.1])
RIGHT = np.array([1, 1, 1, 1, 0, 0, 0, 0])
OWN = np.array(list("abcdefgh"))


def test_the_area_counts_pairs_and_ties_half():
    assert ranking.auc(VALUES, RIGHT, OWN).value == 14 / 16
    assert ranking.auc([0.5, 0.5, 0.5], [1, 0, 0], list("abc")).value == 0.5
    assert ranking.auc([1, 0], [1, 0], ["a", "b"]) == Estimate(1.0, 0.0, 1.0, 1)


def test_the_area_is_never_sure_and_wider_for_fewer_problems():
    perfect = ranking.auc(np.repeat([1.0, 0.0], 40), np.repeat([1, 0], 40), np.arange(80))
    assert (perfect.value, perfect.high) == (1.0, 1.0) and 0.88 < perfect.low < 0.95
    alone, shared = (
        ranking.auc(np.tile(VALUES, 4), np.tile(RIGHT, 4), own) for own in (np.arange(32), np.tile(OWN, 4))
    )
    assert alone.value == shared.value == 14 / 16
    assert shared.high - shared.low > 1.3 * (alone.high - alone.low)


def test_the_interval_of_the_area_holds_it():
    """95% intervals over 300 draws of normal values whose area is Phi(1 / sqrt 2) = .760."""
    random, right, held = np.random.default_rng(0), np.repeat([1, 0], 40), 0
    for _ in range(300):
        found = ranking.auc(random.normal(size=80) + right, right, np.arange(80))
        held += found.low <= 0.7602 <= found.high
    assert 0.92 <= held / 300 <= 0.99


def test_j_is_a_difference_with_the_arms_of_both():
    right, wrong = [1, 1, 1, 0], [1, 0, 0, 0]
    found = ranking.difference_of_shares(right, list("abcd"), wrong, list("efgh"))
    one, other = proportion(right, list("abcd")), proportion(wrong, list("efgh"))
    assert (found.value, found.n) == (0.5, 8)
    assert found.low == pytest.approx(0.5 - math.hypot(one.value - one.low, other.high - other.value))


def test_j_of_shares_that_go_together_is_surer():
    right, wrong = [1, 1, 0, 0, 1, 0], [1, 1, 0, 0, 1, 0]
    paired = ranking.difference_of_shares(right, list("abcdef"), wrong, list("abcdef"))
    apart = ranking.difference_of_shares(right, list("abcdef"), wrong, list("ghijkl"))
    against = ranking.difference_of_shares(right, list("abcdef"), wrong[::-1], list("fabcde"))
    assert paired.high - paired.low < apart.high - apart.low
    assert paired.value == apart.value == against.value == 0.0


def test_calibration_of_eight_answers():
    binned = ranking.calibration(VALUES, RIGHT)
    assert binned[9].tolist() == [1, 0.9, 1] and binned[7].tolist() == [1, 0.7, 0] and not binned[5].any()
    assert ranking.calibration([1.0, 0.95], [1, 0])[9].tolist() == [2, 1.95, 1]
    found = ranking.calibration_error(VALUES, RIGHT, OWN)
    assert found.value == pytest.approx(2.6 / 8) and found.low < found.value < found.high


def test_ranks_share_ties_and_correlate():
    assert ranking.ranked([3, 1, 3, 2]).tolist() == [3.5, 1, 3.5, 2]
    found = ranking.rank_correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], list("abcde"))
    assert found and found.value == pytest.approx(1 - 6 * 4 / 120)  # rho = 1 - 6 sum d^2 / n (n^2 - 1)
    assert -1 < found.low < found.value < found.high < 1
    assert ranking.rank_correlation([1, 1, 1, 1], [1, 2, 3, 4], list("abcd")) is None
    assert ranking.rank_correlation([1, 2, 3], [1, 2, 3], list("abc")) is None


@pytest.mark.parametrize(
    ("wrong", "threshold"),
    [([0.0] * 5, 0.0), ([0.2, 0.9], 0.9), ([*[0.1] * 99, 0.8], 0.1), ([*[0.1] * 98, 0.7, 0.8], 0.7), ([1.0], 1.0)],
)
def test_the_strict_threshold_is_the_least_that_one_in_a_hundred_exceeds(wrong: list[float], threshold: float):
    assert ranking.strict_threshold(wrong) == threshold
