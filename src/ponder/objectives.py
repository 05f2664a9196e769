"""Advantages, token costs and losses: pure tensor functions.

Shapes: P problems, G rollouts of each, N tokens of a batch.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logprobs [N] with gradient, logprobs [N] as sampled, advantages [N]) -> loss [N]."""


def group_advantage(rewards_PG: Tensor, judged_PG: Tensor) -> Tensor:
    """A_pg = r_pg - mean_g(r_p), over the rollouts that could be judged; 0 elsewhere.

    No division by the group's deviation (Dr. GRPO, arXiv:2503.20783).
    """
    count = judged_PG.sum(-1, keepdim=True).clamp(min=1)
    mean = (rewards_PG * judged_PG).sum(-1, keepdim=True) / count
    return (rewards_PG - mean) * judged_PG


def batch_scaled(advantages_PG: Tensor, judged_PG: Tensor, *, eps: float = 1e-6) -> Tensor:
    """A / (sqrt(mean A^2) + eps), the mean over all judged rollouts of the batch (REINFORCE++, arXiv:2501.03262)."""
    count = judged_PG.sum().clamp(min=1)
    return advantages_PG / (((advantages_PG**2) * judged_PG).sum().div(count).sqrt() + eps)


def has_variance(rewards_PG: Tensor, judged_PG: Tensor) -> Tensor:
    """Groups `[P]` whose judged rewards differ; the others teach nothing (DAPO, arXiv:2503.14476)."""
    high = rewards_PG.masked_fill(~judged_PG, -float("inf")).amax(-1)
    low = rewards_PG.masked_fill(~judged_PG, float("inf")).amin(-1)
    return high > low


def token_cost(rewards_PG: Tensor, lengths_PG: Tensor, *, cost: float) -> Tensor:
    """max(0, r - cost * length): what is wrong pays nothing for being short, what is right never less than that."""
    return (rewards_PG - cost * lengths_PG).clamp(min=0)


def likelihood(logprobs_N: Tensor, sampled_N: Tensor, advantages_N: Tensor) -> Tensor:
    """-A log pi: supervised learning for A = 1."""
    return -advantages_N * logprobs_N


def reinforce(logprobs_N: Tensor, sampled_N: Tensor, advantages_N: Tensor) -> Tensor:
    """-A pi / pi_sampled: its gradient on-policy is that of -A log pi (Williams 1992)."""
    return -advantages_N * (logprobs_N - sampled_N).exp()


ADVANTAGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "none": group_advantage,
    "batch": lambda rewards_PG, judged_PG: batch_scaled(group_advantage(rewards_PG, judged_PG), judged_PG),
}
"""By the recipe's `normalise`."""

LOSSES: dict[str, Loss] = {"likelihood": likelihood, "reinforce": reinforce}
"""By name, as a learner is asked for them."""
