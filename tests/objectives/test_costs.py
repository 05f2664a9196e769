from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ponder.objectives.advantages import over_batch_deviation
from ponder.objectives.costs import BELOW_ZERO, COSTS, Tariff, next_price

REWARDS = torch.tensor([[1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]])
TOKENS = torch.tensor([[10.0, 30.0, 5.0, 20.0], [40.0, 60.0, 0.0, 80.0]])
ALL = torch.ones(2, 4, dtype=torch.bool)


def left(use: str, judged: Tensor = ALL, **tariff: float) -> list[list[float]]:
    return COSTS[use](REWARDS, TOKENS, judged, Tariff(**tariff)).tolist()


def near(found: list[list[float]], expected: list[list[float]]) -> bool:
    return torch.allclose(torch.tensor(found), torch.tensor(expected), atol=1e-6)


def test_every_token_has_its_price_whether_it_helped_or_not():
    assert near(left("linear", price=0.01), [[0.9, 0.7, -0.05, 0.8], [-0.4, 0.4, 0.0, -0.8]])
    assert near(left("linear", price=0.0), REWARDS.tolist())


def test_l1_exact_loses_by_the_distance_to_the_target():
    # Distances to 20: 10, 10, 15, 0 and 20, 40, 20, 60.
    found = left("target", target=20, slope=0.01)
    assert near(found, [[0.9, 0.9, -0.15, 1.0], [-0.2, 0.6, -0.2, -0.6]])


def test_l1_max_leaves_half_at_the_target_and_nothing_far_beyond_it():
    # 0.02 (20 - n) + 0.5: at 10 it is 0.7, at 30 0.3, at 20 0.5, at 60 -0.3.
    assert near(left("target_max", target=20, slope=0.02), [[0.7, 0.3, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0]])
    assert near(left("target_max", target=60, slope=0.02), [[1.0, 1.0, 0.0, 1.0], [0.0, 0.5, 0.0, 0.0]])
    assert near(left("target_max", target=60, slope=0.01, offset=0.25)[1:], [[0.0, 0.25, 0.0, 0.0]])


def test_right_answers_of_a_group_are_compared_with_each_other_alone():
    # Right: 10, 30 and 20 tokens, mean 20, deviation sqrt(200 / 3); the short wrong one is paid nothing.
    z = 10 / math.sqrt(200 / 3)
    short, long = 1 / (1 + math.exp(z)), 1 / (1 + math.exp(-z))
    expected = [[1 - 0.4 * short, 1 - 0.4 * long, 0.0, 1 - 0.4 * 0.5], [0.0, 0.8, 0.0, 0.0]]
    assert near(left("group", slope=0.4), expected)


def test_what_could_not_be_judged_is_in_no_groups_comparison():
    judged = ALL.clone()
    judged[0, 1] = False
    # 10 and 20 are left: one deviation below and above their mean.
    below, above = 1 / (1 + math.e), 1 / (1 + math.exp(-1))
    found = left("group", judged, slope=0.4)[0]
    assert [found[0], found[3]] == pytest.approx([1 - 0.4 * below, 1 - 0.4 * above])


def test_right_answers_that_are_equally_long_lose_alike():
    tokens = torch.full((1, 4), 7.0)
    found = COSTS["group"](REWARDS[:1], tokens, ALL[:1], Tariff(slope=0.2))
    assert near(found.tolist(), [[0.9, 0.9, 0.0, 0.9]])


def test_beyond_the_limit_nothing_is_paid():
    assert near(left("truncation", limit=20), [[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])


def test_dlers_advantages_are_less_the_groups_mean_over_the_batchs_deviation():
    rewards = torch.tensor(left("truncation", limit=60))
    # Means 3/4 and 1/4: deviations of 1/4, 1/4, 3/4, 1/4 and 1/4, 3/4, 1/4, 1/4; the mean square is 24/16 / 8.
    deviation = math.sqrt(24 / 16 / 8)
    found = over_batch_deviation(rewards, ALL, eps=0.0)
    expected = torch.tensor([[0.25, 0.25, -0.75, 0.25], [-0.25, 0.75, -0.25, -0.25]]) / deviation
    assert torch.allclose(found, expected)
    standardised = found.flatten()
    assert standardised.mean().item() == pytest.approx(0, abs=1e-6)
    assert standardised.std(correction=0).item() == pytest.approx(1)


def test_the_price_rises_while_too_much_is_thought_and_is_never_below_zero():
    # 0.1 (60 - 40) / 1600 = 0.00125: a thought of 40 tokens is dearer by 0.05 after one of half as much again.
    assert next_price(0.002, 60, hold=40, rate=0.1) == pytest.approx(0.00325)
    assert next_price(0.002, 40, hold=40, rate=0.1) == 0.002
    assert next_price(0.002, 30, hold=40, rate=0.1) == pytest.approx(0.001375)
    assert next_price(0.0005, 0, hold=40, rate=0.1) == 0.0
    assert next_price(0.02, 10_000, hold=40, rate=0.1) == 1 / 40
    assert next_price(0.02, 10_000, hold=40, rate=0.1, ceiling=2.0) == 2 / 40


def test_the_price_settles_where_the_mean_is_what_it_should_be():
    price, mean = 0.0, 100.0
    for _ in range(400):
        mean = 100 - 4000 * price  # a policy that thinks less the dearer it is
        price = next_price(price, mean, hold=40, rate=0.05)
    assert mean == pytest.approx(40, abs=0.01) and price == pytest.approx(0.015, abs=1e-5)


@pytest.mark.parametrize("use", COSTS)
def test_only_the_named_ones_leave_less_than_nothing(use: str):
    found = COSTS[use](REWARDS, TOKENS, ALL, Tariff(price=0.01, target=20, slope=0.01, limit=20))
    assert (found.min() < 0) == (use in BELOW_ZERO)
    assert found.max() <= 1
