"""Advantages: rewards against a baseline of their group, and what they are divided by.

Shapes: P problems, G rollouts of each. `judged` tells the rollouts that count; elsewhere an advantage is 0.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Advantage = Callable[[Tensor, Tensor], Tensor]
"""(rewards [P,G], judged [P,G]) -> advantages [P,G]."""


def group_advantage(rewards_PG: Tensor, judged_PG: Tensor) -> Tensor:
    """A_pg = r_pg - mean_g(r_p), over the rollouts that could be judged; 0 elsewhere.

    No division by the group's deviation (Dr. GRPO, arXiv:2503.20783).
    """
    return (rewards_PG - _mean(rewards_PG, judged_PG)) * judged_PG


def leave_one_out(rewards_PG: Tensor, judged_PG: Tensor) -> Tensor:
    """A_pg = r_pg - mean of the others' rewards = n / (n - 1) (r_pg - mean_g(r_p)) (RLOO, arXiv:2402.14740)."""
    count = judged_PG.sum(-1, keepdim=True)
    return group_advantage(rewards_PG, judged_PG) * count / (count - 1).clamp(min=1)


def over_group_deviation(rewards_PG: Tensor, judged_PG: Tensor, *, eps: float = 1e-4) -> Tensor:
    """(r - mean) / (s + eps), s the deviation of the group with n - 1 (GRPO, arXiv:2402.03300)."""
    advantages_PG = group_advantage(rewards_PG, judged_PG)
    freedom = (judged_PG.sum(-1, keepdim=True) - 1).clamp(min=1)
    return advantages_PG / ((advantages_PG**2).sum(-1, keepdim=True).div(freedom).sqrt() + eps)


def over_batch_deviation(rewards_PG: Tensor, judged_PG: Tensor, *, eps: float = 1e-6) -> Tensor:
    """A / (sqrt(mean A^2) + eps), the mean over all judged of the batch (REINFORCE++, arXiv:2501.03262)."""
    advantages_PG = group_advantage(rewards_PG, judged_PG)
    count = judged_PG.sum().clamp(min=1)
    return advantages_PG / ((advantages_PG**2).sum().div(count).sqrt() + eps)


def over_group_mean(rewards_PG: Tensor, judged_PG: Tensor, *, eps: float = 1e-6) -> Tensor:
    """(r - mean) / (mean + eps): the gradient of the log of the chance to be right (MaxRL, arXiv:2602.02710).

    For rewards of 0 and 1: grad log p = grad p / p, with the group's mean as the estimate of p.
    """
    assert not (rewards_PG * judged_PG < 0).any(), "what is divided by the mean of a group is never negative"
    return group_advantage(rewards_PG, judged_PG) / (_mean(rewards_PG, judged_PG) + eps)


def reward_alone(rewards_PG: Tensor, judged_PG: Tensor) -> Tensor:
    """r: what was paid is imitated, by as much as it was paid (RAFT, arXiv:2304.06767)."""
    return rewards_PG * judged_PG


def has_variance(rewards_PG: Tensor, judged_PG: Tensor) -> Tensor:
    """Groups `[P]` whose judged rewards differ; the others teach nothing (DAPO, arXiv:2503.14476)."""
    high = rewards_PG.masked_fill(~judged_PG, -float("inf")).amax(-1)
    low = rewards_PG.masked_fill(~judged_PG, float("inf")).amin(-1)
    return high > low


def _mean(rewards_PG: Tensor, judged_PG: Tensor) -> Tensor:
    return (rewards_PG * judged_PG).sum(-1, keepdim=True) / judged_PG.sum(-1, keepdim=True).clamp(min=1)


BASELINES: dict[str, Advantage] = {
    "none": group_advantage,
    "leave_one_out": leave_one_out,
    "group": over_group_deviation,
    "batch": over_batch_deviation,
    "mean": over_group_mean,
}
"""Those that compare a rollout with its group: where all of it was paid alike, there is nothing to learn."""
ADVANTAGES: dict[str, Advantage] = BASELINES | {"reward": reward_alone}
"""By the recipe's `normalise`."""
