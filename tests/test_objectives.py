from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ponder.objectives import (
    ADVANTAGES,
    LOSSES,
    batch_scaled,
    group_advantage,
    has_variance,
    likelihood,
    reinforce,
    token_cost,
)

REWARDS = torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
"""Means 0.5, 0.25 and 1."""
ALL = torch.ones(3, 4, dtype=torch.bool)
SOME = torch.tensor([[True, True, False, True], [False] * 4, [True, False, False, False]])
"""Three judged in the first group, none in the second, one in the third."""


def near(found: Tensor, expected: object) -> bool:
    return torch.allclose(found, torch.as_tensor(expected), atol=1e-6)


def test_the_baseline_is_the_mean_of_the_group():
    expected = [[0.5, -0.5, -0.5, 0.5], [0.75, -0.25, -0.25, -0.25], [0.0, 0.0, 0.0, 0.0]]
    assert near(group_advantage(REWARDS, ALL), expected)


def test_what_could_not_be_judged_is_in_neither_baseline_nor_advantage():
    third = 1 / 3
    expected = [[third, -2 * third, 0.0, third], [0.0] * 4, [0.0] * 4]
    assert near(group_advantage(REWARDS, SOME), expected)
    spoiled = torch.where(SOME, REWARDS, 100.0)
    assert near(group_advantage(spoiled, SOME), expected)


def test_advantages_of_a_group_sum_to_zero():
    rewards = torch.rand(20, 6, generator=torch.Generator().manual_seed(0))
    judged = torch.rand(20, 6, generator=torch.Generator().manual_seed(1)) < 0.7
    assert near(group_advantage(rewards, judged).sum(-1), torch.zeros(20))


def test_scaling_makes_the_root_mean_square_of_the_judged_one():
    advantages = torch.tensor([[3.0, -3.0], [0.0, 0.0]])
    judged = torch.tensor([[True, True], [True, False]])
    assert near(batch_scaled(advantages, judged, eps=0.0), [[math.sqrt(1.5), -math.sqrt(1.5)], [0.0, 0.0]])
    every = torch.ones(2, 2, dtype=torch.bool)
    assert near(batch_scaled(advantages, every, eps=0.5), advantages / (math.sqrt(18 / 4) + 0.5))


@pytest.mark.parametrize("judged", [ALL, torch.zeros_like(ALL)])
def test_equal_rewards_give_zero_and_no_division_by_zero(judged: Tensor):
    for advantage in ADVANTAGES.values():
        assert near(advantage(torch.ones(3, 4), judged), torch.zeros(3, 4))


def test_advantages_by_name():
    assert near(ADVANTAGES["none"](REWARDS, ALL), group_advantage(REWARDS, ALL))
    deviation = math.sqrt((4 * 0.25 + 0.5625 + 3 * 0.0625) / 12)
    assert near(ADVANTAGES["batch"](REWARDS, ALL), group_advantage(REWARDS, ALL) / deviation)


def test_a_group_has_variance_where_judged_rewards_differ():
    assert has_variance(REWARDS, ALL).tolist() == [True, True, False]
    assert has_variance(REWARDS, SOME).tolist() == [True, False, False]
    hidden = torch.tensor([[True, False, False, True]] * 3)
    assert has_variance(REWARDS, hidden).tolist() == [False, True, False]


def test_only_what_is_right_pays_for_its_length():
    lengths = torch.tensor([[10.0, 10.0, 0.0, 40.0]])
    assert near(token_cost(REWARDS[:1], lengths, cost=0.01), [[0.9, 0.0, 0.0, 0.6]])
    assert near(token_cost(REWARDS[:1], lengths, cost=0.0), REWARDS[:1])


def test_losses_by_hand():
    logprobs, sampled = torch.tensor([0.5, 0.25]).log(), torch.tensor([0.25, 0.5]).log()
    advantages = torch.tensor([2.0, -1.0])
    assert near(likelihood(logprobs, sampled, advantages), [2 * math.log(2), -math.log(4)])
    assert near(reinforce(logprobs, sampled, advantages), [-4.0, 0.5])
    assert {"likelihood": likelihood, "reinforce": reinforce} == LOSSES


def gradient(loss: str, logprobs: Tensor, sampled: Tensor, advantages: Tensor) -> Tensor:
    leaf = logprobs.clone().requires_grad_()
    LOSSES[loss](leaf, sampled, advantages).sum().backward()
    assert leaf.grad is not None
    return leaf.grad


def test_on_policy_the_gradient_of_reinforce_is_that_of_the_likelihood():
    logprobs, advantages = torch.tensor([-1.0, -20.0, -0.001]), torch.tensor([0.5, -2.0, 0.0])
    found = gradient("reinforce", logprobs, logprobs, advantages)
    assert near(found, -advantages) and near(found, gradient("likelihood", logprobs, logprobs, advantages))


def test_off_policy_it_is_weighted_by_the_ratio():
    sampled, advantages = torch.tensor([-1.0, -1.0]), torch.tensor([1.0, -1.0])
    found = gradient("reinforce", sampled + math.log(3.0), sampled, advantages)
    assert near(found, [-3.0, 3.0])
