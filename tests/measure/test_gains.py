"""The split of the gain and the Transferability Index, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ponder.measure import gains


def sums(*, problems: float = 10, before: tuple[float, float, float], after: tuple[float, float, float]) -> gains.Draws:
    """One row from (thinks, right with thinking, right without) before and after."""
    sides = [(thinks, with_it + without, with_it) for thinks, with_it, without in (before, after)]
    return np.array([[problems, *sides[0], *sides[1]]], dtype=float)


class TestSplit:
    def test_by_hand(self):
        # Before: 4 of 10 think, half of them right; 1 of 6 others right. After: 8 think, 6 right; 1 of 2 others.
        # t: 0.5 -> 0.75, d: 1/6 -> 1/2, s: 0.4 -> 0.8, so more = 0.4 (0.625 - 1/3), better = 0.6 * 0.25,
        # direct = 0.4 * 1/3.
        parts = gains.split(sums(before=(4, 2, 1), after=(8, 6, 1)))[0]
        assert parts == pytest.approx([0.4 * (0.625 - 1 / 3), 0.15, 0.4 / 3])
        assert parts.sum() == pytest.approx(0.7 - 0.3)

    def test_always_adds_up(self):
        random = np.random.default_rng(0)
        thinks = random.integers(0, 11, (200, 2))
        rows = [
            sums(
                before=(a, random.integers(0, a + 1), random.integers(0, 11 - a)),
                after=(b, random.integers(0, b + 1), random.integers(0, 11 - b)),
            )
            for a, b in thinks
        ]
        draws = np.concatenate(rows)
        assert gains.split(draws).sum(axis=1) == pytest.approx((draws[:, 5] - draws[:, 2]) / 10)

    def test_nobody_thought_before(self):
        # t before is undefined and takes t after = 0.9: the gain is d -> t, all of it more thinking.
        parts = gains.split(sums(before=(0, 0, 2), after=(10, 9, 0)))[0]
        assert parts == pytest.approx([0.9 - 0.2, 0, 0])

    def test_everybody_thinks_at_both(self):
        assert gains.split(sums(before=(10, 3, 0), after=(10, 8, 0)))[0] == pytest.approx([0, 0.5, 0])

    def test_nobody_thinks_at_either(self):
        assert gains.split(sums(before=(0, 0, 3), after=(0, 0, 8)))[0] == pytest.approx([0, 0, 0.5])

    def test_estimates_average_the_domains(self):
        one, two = sums(before=(10, 3, 0), after=(10, 8, 0)), sums(before=(10, 4, 0), after=(10, 5, 0))
        found = gains.split_estimates([np.repeat(one, 3, axis=0), np.repeat(two, 3, axis=0)])
        assert found["better"].value == pytest.approx(0.3)
        assert found["better"].n == 20


class TestResample:
    problems = np.column_stack([np.ones(40), *np.random.default_rng(1).random((6, 40))])

    def test_row_0_is_the_data(self):
        draws = gains.resample(self.problems, seed=[1])
        assert draws.shape == (1 + gains.RESAMPLES, 7)
        assert draws[0] == pytest.approx(self.problems.sum(axis=0))
        assert (draws[:, 0] == 40).all()

    def test_is_seeded(self):
        assert (gains.resample(self.problems, seed=[1]) == gains.resample(self.problems, seed=[1])).all()


class TestTransferability:
    def domain(self, before: float, after: float, *, noise: float = 0.0) -> gains.Draws:
        draws = np.repeat(sums(before=(0, 0, before), after=(0, 0, after)), 501, axis=0)
        draws[1:, 5] += noise * np.random.default_rng(2).normal(size=500)
        return draws

    def test_relative_gain_is_the_mean_over_domains(self):
        assert gains.relative_gain([self.domain(2, 4), self.domain(5, 6)])[0] == pytest.approx((1 + 0.2) / 2)

    def test_a_domain_with_nothing_right_before_is_left_out(self):
        assert gains.relative_gain([self.domain(0, 4), self.domain(5, 6)])[0] == pytest.approx(0.2)
        assert math.isnan(gains.relative_gain_estimate([self.domain(0, 4)]).value)

    def test_index_by_hand(self):
        index = gains.transferability([self.domain(5, 6)], [self.domain(2, 4, noise=0.1)])
        assert index.value == pytest.approx(20)
        assert 15 < index.low < 20 < index.high < 25

    def test_a_trained_tier_that_may_not_have_gained_leaves_no_bounds(self):
        index = gains.transferability([self.domain(5, 6)], [self.domain(4, 4.1, noise=1)])
        assert index.value == pytest.approx(800)
        assert (index.low, index.high) == (-math.inf, math.inf)

    def test_no_gain_at_all_is_no_index(self):
        assert math.isnan(gains.transferability([self.domain(5, 6)], [self.domain(4, 4)]).value)
