from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ponder.objectives import ADVANTAGES, BASELINES, has_variance, overlong, token_cost
from ponder.objectives.advantages import over_batch_deviation, over_group_deviation, over_group_mean

REWARDS = torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
"""Means 0.5, 0.25 and 1."""
ALL = torch.ones(3, 4, dtype=torch.bool)
SOME = torch.tensor([[True, True, False, True], [False] * 4, [True, False, False, False]])
"""Three judged in the first group, none in the second, one in the third."""


def near(found: Tensor, expected: object) -> bool:
    return torch.allclose(found, torch.as_tensor(expected), atol=1e-6)


def test_the_baseline_is_the_mean_of_the_group():
    expected = [[0.5, -0.5, -0.5, 0.5], [0.75, -0.25, -0.25, -0.25], [0.0, 0.0, 0.0, 0.0]]
    assert near(ADVANTAGES["none"](REWARDS, ALL), expected)


@pytest.mark.parametrize("name", BASELINES)
def test_what_could_not_be_judged_is_in_neither_baseline_nor_advantage(name: str):
    found = ADVANTAGES[name](REWARDS, SOME)
    assert near(found * ~SOME, torch.zeros(3, 4)) and near(found[1:], torch.zeros(2, 4))
    assert found[0, 0] > 0 > found[0, 1]
    assert near(ADVANTAGES[name](torch.where(SOME, REWARDS, 100.0), SOME), found)


@pytest.mark.parametrize("name", BASELINES)
def test_advantages_of_a_group_sum_to_zero(name: str):
    rewards = torch.rand(20, 6, generator=torch.Generator().manual_seed(0))
    judged = torch.rand(20, 6, generator=torch.Generator().manual_seed(1)) < 0.7
    assert torch.allclose(ADVANTAGES[name](rewards, judged).sum(-1), torch.zeros(20), atol=1e-4)


def test_by_hand_each_divides_by_its_own():
    third = math.sqrt(1 / 3)  # four squares of 0.25, over 3
    assert near(over_group_deviation(REWARDS, ALL, eps=0.0)[:2, 0], [0.5 / third, 0.75 / 0.5])
    batch = math.sqrt((1.0 + 0.75) / 12)  # the groups' sums of squares are 1, 0.75 and 0
    assert near(over_batch_deviation(REWARDS, ALL, eps=0.0)[:2, 0], [0.5 / batch, 0.75 / batch])
    assert near(over_group_mean(REWARDS, ALL, eps=0.0)[:2, 0], [1.0, 3.0])
    assert near(ADVANTAGES["leave_one_out"](REWARDS, ALL)[0], [2 / 3, -2 / 3, -2 / 3, 2 / 3])  # 1 - 1/3, 0 - 2/3
    assert near(ADVANTAGES["leave_one_out"](REWARDS, ALL)[1, 0], 1.0)


def test_what_is_added_keeps_a_division_by_nothing_finite():
    for divided, size in ((over_group_deviation, math.sqrt(0.5)), (over_batch_deviation, 0.5), (over_group_mean, 0.5)):
        found = divided(torch.tensor([[1.0, 0.0]]), ALL[:1, :2], eps=0.5)
        assert near(found, [[0.5 / (size + 0.5), -0.5 / (size + 0.5)]])


def test_leave_one_out_is_the_groups_baseline_times_n_over_n_less_one():
    rewards = torch.rand(5, 6, generator=torch.Generator().manual_seed(0))
    every = torch.ones(5, 6, dtype=torch.bool)
    assert near(ADVANTAGES["leave_one_out"](rewards, every), ADVANTAGES["none"](rewards, every) * 6 / 5)


def test_maxrl_is_the_gradient_of_the_log_of_the_chance_to_be_right():
    # p = 1/4: a right rollout pulls with 1/p = 4 less the baseline's 1, so that the mean over the group is 0.
    found = ADVANTAGES["mean"](REWARDS[1:2], ALL[:1])
    assert torch.allclose(found, torch.tensor([[3.0, -1.0, -1.0, -1.0]]), atol=2e-5)


def test_maxrl_has_no_place_for_rewards_below_zero():
    with pytest.raises(AssertionError, match="never negative"):
        ADVANTAGES["mean"](torch.tensor([[1.0, -0.5]]), ALL[:1, :2])


@pytest.mark.parametrize("judged", [ALL, torch.zeros_like(ALL)])
def test_equal_rewards_give_zero_and_no_division_by_zero(judged: Tensor):
    for advantage in BASELINES.values():
        assert near(advantage(torch.ones(3, 4), judged), torch.zeros(3, 4))
        assert near(advantage(torch.zeros(3, 4), judged), torch.zeros(3, 4))


def test_without_a_baseline_the_advantage_is_what_was_paid():
    assert near(ADVANTAGES["reward"](REWARDS, SOME), REWARDS * SOME)


def test_a_group_has_variance_where_judged_rewards_differ():
    assert has_variance(REWARDS, ALL).tolist() == [True, True, False]
    assert has_variance(REWARDS, SOME).tolist() == [True, False, False]
    hidden = torch.tensor([[True, False, False, True]] * 3)
    assert has_variance(REWARDS, hidden).tolist() == [False, True, False]


def test_only_what_is_right_pays_for_its_length():
    lengths = torch.tensor([[10.0, 10.0, 0.0, 40.0]])
    assert near(token_cost(REWARDS[:1], lengths, cost=0.01), [[0.9, 0.0, 0.0, 0.6]])
    assert near(token_cost(REWARDS[:1], lengths, cost=0.0), REWARDS[:1])


def test_the_last_tokens_before_the_limit_cost_up_to_one():
    lengths = torch.tensor([[60.0, 80.0, 90.0, 100.0]])
    assert near(overlong(REWARDS[:1], lengths, limit=100, buffer=20), [[1.0, 0.0, -0.5, 0.0]])
