"""What thinking costs: rewards `[P,G]` to the rewards that are learned from, by how long each rollout thought.

Shapes: P problems, G rollouts of each; lengths are the thinking tokens that were written. What a rollout was paid stays
what it is: only what is learned from changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The numbers of a cost; each reads those that it names."""

    price: float = 0.0
    """Reward that one thinking token costs."""
    target: float | Tensor = 0.0
    """Thinking tokens aimed at: one number for all, or `[P,1]`."""
    slope: float = 0.0
    """Reward lost for each token off the target, or a share of a right answer's reward."""
    offset: float = 0.5
    """Share of the reward that is left at the target, where a length is only bounded from above."""
    limit: float = 0.0
    """Thinking tokens beyond which nothing is paid."""


Cost = Callable[[Tensor, Tensor, Tensor, Tariff], Tensor]
"""(rewards [P,G], thinking tokens [P,G], judged [P,G], tariff) -> rewards to learn from [P,G]."""


def linear(rewards_PG: Tensor, tokens_PG: Tensor, judged_PG: Tensor, tariff: Tariff) -> Tensor:
    """r - price n, whether right or wrong: the Lagrangian of reward under a bound on the mean of n."""
    return rewards_PG - tariff.price * tokens_PG


def target(rewards_PG: Tensor, tokens_PG: Tensor, judged_PG: Tensor, tariff: Tariff) -> Tensor:
    """r - slope |target - n| (L1-Exact, arXiv:2503.04697, equation 1; its slope is 0.0003)."""
    return rewards_PG - tariff.slope * (tariff.target - tokens_PG).abs()


def target_max(rewards_PG: Tensor, tokens_PG: Tensor, judged_PG: Tensor, tariff: Tariff) -> Tensor:
    """r clip(slope (target - n) + offset, 0, 1) (L1-Max, arXiv:2503.04697, equation 2; its offset is 0.5).

    What is right and a little too long is still worth more than what is wrong.
    """
    return rewards_PG * (tariff.slope * (tariff.target - tokens_PG) + tariff.offset).clamp(0, 1)


def group(rewards_PG: Tensor, tokens_PG: Tensor, judged_PG: Tensor, tariff: Tariff) -> Tensor:
    """r (1 - slope sigmoid((n - mean) / deviation)), both over what is right in the group (arXiv:2502.04463).

    Right answers are compared with each other alone, so a problem that takes long thinking is not made dearer than one
    that takes little, and what is wrong is never paid for being short. Where all right ones are equally long, as where
    there is one, each loses slope / 2. Right: paid more than half; the deviation is the population's.
    """
    right_PG = judged_PG & (rewards_PG > 0.5)
    count_P1 = right_PG.sum(-1, keepdim=True).clamp(min=1)
    apart_PG = (tokens_PG - (tokens_PG * right_PG).sum(-1, keepdim=True) / count_P1) * right_PG
    deviation_P1 = ((apart_PG**2).sum(-1, keepdim=True) / count_P1).sqrt()
    scaled_PG = torch.where(deviation_P1 > 0, apart_PG / deviation_P1.clamp(min=1e-6), 0.0)
    return torch.where(right_PG, rewards_PG * (1 - tariff.slope * scaled_PG.sigmoid()), rewards_PG)


def truncation(rewards_PG: Tensor, tokens_PG: Tensor, judged_PG: Tensor, tariff: Tariff) -> Tensor:
    """r where n <= limit, else 0 (DLER, arXiv:2510.15110, whose limit is on the whole response).

    Its advantages are those of `over_batch_deviation`, its equation 3: less the group's mean, over the batch's
    deviation, because zeros put there by the limit make a group's own deviation a poor measure.
    """
    return torch.where(tokens_PG <= tariff.limit, rewards_PG, 0.0)


def next_price(price: float, mean_tokens: float, *, hold: float, rate: float, ceiling: float = 1.0) -> float:
    """clip(price + rate (mean - hold) / hold^2, 0, ceiling / hold): dual ascent on the price of a token.

    `hold`: mean thinking tokens to be held; `rate`: how much dearer (reward) a thought of `hold` tokens becomes after a
    step in which thinking was twice as long as it should be; `ceiling`: what such a thought may cost at most.
    The price is a Lagrange multiplier, so never below 0. Without a ceiling it would rise for ever where the policy
    cannot or will not think less, until nothing but length is learned.
    """
    return min(ceiling / hold, max(0.0, price + rate * (mean_tokens - hold) / hold**2))


COSTS: dict[str, Cost] = {
    "linear": linear,
    "target": target,
    "target_max": target_max,
    "group": group,
    "truncation": truncation,
}
"""By `use` of the recipe's `[rl.cost]`."""

BELOW_ZERO = frozenset({"linear", "target"})
"""Those that can leave a reward below 0."""
