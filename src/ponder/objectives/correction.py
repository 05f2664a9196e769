"""Importance weights for tokens that the sampler drew a little differently than the learner computes.

Shapes: N tokens. `log_N` is log(old / sampled), where `old` is the learner's probability when the batch was drawn and
`sampled` the sampler's: of a token, or the sum over its rollout. 0 where nobody sampled.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def uncorrected(log_N: Tensor, cap: float) -> Tensor:
    """1 everywhere."""
    return torch.ones_like(log_N)


def truncated(log_N: Tensor, cap: float) -> Tensor:
    """min(old / sampled, cap): unbiased below the cap (TIS, as in V-trace, arXiv:1802.01561)."""
    return log_N.exp().clamp(max=cap)


def masked(log_N: Tensor, cap: float) -> Tensor:
    """old / sampled where it lies in [1 / cap, cap], else 0: that teaches nothing (IcePop, arXiv:2510.18855)."""
    weight_N = log_N.exp()
    return weight_N * ((weight_N <= cap) & (weight_N >= 1 / cap))


CORRECTIONS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "none": uncorrected,
    "truncate": truncated,
    "mask": masked,
}
"""By the recipe's `correction`."""
