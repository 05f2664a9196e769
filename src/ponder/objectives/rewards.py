"""What length does to a reward.

Shapes: P problems, G rollouts of each; lengths are in tokens.
"""

from __future__ import annotations

from torch import Tensor


def token_cost(rewards_PG: Tensor, lengths_PG: Tensor, *, cost: float) -> Tensor:
    """max(0, r - cost * length): what is wrong pays nothing for being short, what is right never less than that."""
    return (rewards_PG - cost * lengths_PG).clamp(min=0)


def overlong(rewards_PG: Tensor, lengths_PG: Tensor, *, limit: int, buffer: int) -> Tensor:
    """r + min(0, (limit - buffer - length) / buffer): up to 1 less over the last `buffer` tokens before the limit.

    The soft overlong punishment of DAPO (arXiv:2503.14476, equation 13), whose lengths never pass the limit here.
    """
    return rewards_PG + ((limit - buffer - lengths_PG) / buffer).clamp(-1, 0)
