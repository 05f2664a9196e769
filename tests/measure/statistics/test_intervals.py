"""Estimates against hand-worked numbers, scipy and published tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ponder.measure import statistics
from ponder.measure.statistics import Estimate


@pytest.mark.parametrize("freedom", [1, 1.5, 2, 3, 4.7, 10, 47, 287, 5000, 20000])
@pytest.mark.parametrize("probability", [0.5, 0.8, 0.95, 0.975, 0.995])
def test_t_quantile_is_scipys(probability: float, freedom: float):
    assert statistics.t_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=2e-4)


class TestMean:
    def test_by_hand(self):
        # Problem means 1, 2, 6: mean 3, deviation sqrt(7), t(0.975, 2) = 4.302653.
        estimate = statistics.mean([0, 2, 2, 2, 6], ["a", "a", "b", "b", "c"])
        half = 4.302653 * math.sqrt(7) / math.sqrt(3)
        assert (estimate.value, estimate.n) == (3, 3)
        assert estimate.low == pytest.approx(3 - half, rel=1e-4)
        assert estimate.high == pytest.approx(3 + half, rel=1e-4)

    def test_without_clusters_it_is_scipys_interval(self):
        values = np.random.default_rng(1).normal(5, 2, 40)
        interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        estimate = statistics.mean(values, np.arange(40))
        assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high), rel=1e-4)

    def test_equal_clusters_give_the_sandwich_standard_error(self):
        values = np.random.default_rng(2).normal(size=(30, 4))
        residuals = (values - values.mean()).sum(axis=1)
        sandwich = math.sqrt(30 / 29 * (residuals**2).sum()) / values.size
        estimate = statistics.mean(values.ravel(), np.repeat(np.arange(30), 4))
        assert (estimate.high - estimate.value) / stats.t.ppf(0.975, 29) == pytest.approx(sandwich, rel=1e-4)

    def test_copies_of_a_completion_tell_nothing_new(self):
        once = statistics.mean([1, 2, 6], [0, 1, 2])
        assert statistics.mean([1, 2, 6] * 5, [0, 1, 2] * 5) == once

    def test_one_problem_sets_no_bound(self):
        assert statistics.mean([3.0, 5.0], [7, 7]) == Estimate(4.0, -math.inf, math.inf, 1)


class TestProportion:
    @pytest.mark.parametrize(
        ("right", "of", "low", "high"),
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
    )
    def test_wilson_is_newcombes_table(self, right: int, of: int, low: float, high: float):
        """Newcombe, Stat. Med. 17 (1998), table I, method 3."""
        assert statistics.wilson(right / of, of, 1.959964) == pytest.approx((low, high), abs=5e-5)

    def test_none_right_is_not_certainty(self):
        estimate = statistics.proportion(np.zeros(50), np.arange(50))
        quantile = stats.t.ppf(0.975, 49)
        assert (estimate.value, estimate.low, estimate.n) == (0, 0, 50)
        assert estimate.high == pytest.approx(quantile**2 / (50 + quantile**2), rel=1e-4)

    def test_all_right_mirrors_none_right(self):
        none, every = (statistics.proportion(np.full(50, value), np.arange(50)) for value in (0.0, 1.0))
        assert (every.low, every.high) == pytest.approx((1 - none.high, 1))

    def test_effective_draws_by_hand(self):
        # Problem means 1, 1, 0.5, 0: p = 0.625, var = (0.140625 * 2 + 0.015625 + 0.390625) / 3 / 4 = 0.05729,
        # so n_eff = 0.234375 / 0.05729 = 4.0909 of 8 completions.
        estimate = statistics.proportion([1, 1, 1, 1, 0, 1, 0, 0], [0, 0, 1, 1, 2, 2, 3, 3])
        expected = statistics.wilson(0.625, 4.0909, float(stats.t.ppf(0.975, 3)))
        assert (estimate.low, estimate.high) == pytest.approx(expected, rel=1e-3)

    def test_one_problem_could_be_anything(self):
        assert statistics.proportion([1, 1, 1], [0, 0, 0]) == Estimate(1.0, 0.0, 1.0, 1)

    @pytest.mark.parametrize("chance", [0.01, 0.05, 0.3, 0.5, 0.9])
    def test_covers(self, chance: float):
        random = np.random.default_rng(3)
        problems = np.repeat(np.arange(48), 2)
        found = [statistics.proportion(random.random(96) < chance, problems) for _ in range(400)]
        assert np.mean([e.low <= chance <= e.high for e in found]) > 0.92


class TestPairedDifference:
    def test_by_hand(self):
        # Differences 1, 0, 0, 1; with one more each way: mean 1/3, mean square 2/3, deviation sqrt(5)/3.
        estimate = statistics.paired_difference([0, 0, 1, 0], [1, 2, 3, 4], [1, 0, 1, 1], [4, 2, 3, 1])
        assert estimate is not None
        half = stats.t.ppf(0.975, 3) * math.sqrt(5) / 3 / math.sqrt(6)
        assert (estimate.value, estimate.n, estimate.high) == (0.5, 4, 1.0)
        assert estimate.low == pytest.approx(0.5 - half, rel=1e-4)

    def test_spread_is_bonett_and_prices(self):
        # 9 problems got better and 3 worse of 40: p12 = 10/42, p21 = 4/42.
        before, after = np.zeros(40), np.zeros(40)
        after[:9], before[9:12] = 1, 1
        estimate = statistics.paired_difference(before, np.arange(40), after, np.arange(40))
        better, worse = 10 / 42, 4 / 42
        error = math.sqrt((better + worse - (better - worse) ** 2) / 42)
        assert estimate is not None
        assert estimate.high - estimate.value == pytest.approx(stats.t.ppf(0.975, 39) * error, rel=1e-4)

    def test_only_problems_in_both_count(self):
        estimate = statistics.paired_difference([0, 1], ["a", "b"], [1, 1], ["b", "c"])
        assert estimate is not None
        assert (estimate.value, estimate.n) == (0.0, 1)

    def test_no_shared_problem_is_none(self):
        assert statistics.paired_difference([0], ["a"], [1], ["b"]) is None

    def test_no_change_on_50_is_not_exactly_0(self):
        estimate = statistics.paired_difference(np.ones(50), np.arange(50), np.ones(50), np.arange(50))
        assert estimate is not None
        assert estimate.low == pytest.approx(-estimate.high)
        assert 0.04 < estimate.high < 0.07

    def test_shared_difficulty_cancels(self):
        random = np.random.default_rng(4)
        ease = random.random(60)
        after = ease + 0.05 * random.random(60)
        paired = statistics.paired_difference(ease, np.arange(60), after, np.arange(60))
        apart = [statistics.proportion(values, np.arange(60)) for values in (ease, after)]
        assert paired is not None
        assert paired.high - paired.low < min(e.high - e.low for e in apart)


class TestAverage:
    def test_by_hand(self):
        average = statistics.average([Estimate(0.2, 0.1, 0.5, 10), Estimate(0.6, 0.4, 0.9, 20)])
        assert average.value == pytest.approx(0.4)
        assert average.low == pytest.approx(0.4 - math.sqrt(0.1**2 + 0.2**2) / 2)
        assert average.high == pytest.approx(0.4 + math.sqrt(0.3**2 + 0.3**2) / 2)
        assert average.n == 30

    def test_even_intervals_add_variances(self):
        """Variance = sum of var_d / D^2."""
        deviations = np.array([0.1, 0.2, 0.05])
        parts = [Estimate(0.5, 0.5 - 2 * d, 0.5 + 2 * d, 9) for d in deviations]
        assert statistics.average(parts).high - 0.5 == pytest.approx(2 * math.sqrt((deviations**2).sum()) / 3)

    def test_a_small_domain_weighs_as_much_as_a_large_one(self):
        assert statistics.average([Estimate(0.0, 0, 0, 1000), Estimate(1.0, 1, 1, 1)]).value == 0.5

    def test_a_part_without_bounds_leaves_none(self):
        average = statistics.average([Estimate(1, -math.inf, math.inf, 1), Estimate(3, 2, 4, 9)])
        assert (average.value, average.low, average.high) == (2, -math.inf, math.inf)


class TestBootstrap:
    def test_rows_draw_as_many_problems_as_there_are(self):
        weights = statistics.bootstrap_weights(7, resamples=50, seed=1)
        assert weights.shape == (50, 7)
        assert (weights.sum(axis=1) == 7).all()

    def test_is_seeded(self):
        first, again, other = (statistics.bootstrap_weights(9, resamples=20, seed=seed) for seed in (1, 1, 2))
        assert (first == again).all()
        assert (first != other).any()

    def test_interval_is_near_the_normal_one(self):
        values = np.random.default_rng(5).normal(size=200)
        draws = statistics.bootstrap_weights(200, resamples=2000, seed=1) @ values / 200
        half = 1.96 * values.std() / math.sqrt(200)
        expected = (values.mean() - half, values.mean() + half)
        assert statistics.percentile_interval(draws) == pytest.approx(expected, abs=0.02)

    def test_nothing_finite_is_no_bound(self):
        assert statistics.percentile_interval(np.array([math.nan])) == (-math.inf, math.inf)


@pytest.mark.parametrize(("low", "high", "sign"), [(0.1, 0.3, 1), (-0.3, -0.1, -1), (-0.1, 0.3, 0), (0.0, 0.3, 0)])
def test_sign_needs_the_whole_interval(low: float, high: float, sign: int):
    assert Estimate(0.1, low, high, 5).sign == sign


def test_a_ratio_is_of_sums_and_its_interval_of_draws_of_problems():
    spent, right = np.array([10.0, 10.0, 40.0]), np.array([1.0, 0.0, 1.0])
    found = statistics.ratio_of_sums(spent, right)
    assert (found.value, found.n) == (30.0, 3)
    assert found.low == 10.0 and found.high >= 50.0, "of the first problem alone 10; of the second and one right one 50"
