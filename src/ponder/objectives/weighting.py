"""What share in the loss of a batch each token of a rollout has.

Shapes: S rollouts that are learned from; lengths are the tokens learned of each, at least 1.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Weighting = Callable[[Tensor, int], Tensor]
"""(lengths [S], most tokens a completion may have) -> weight of each token of each rollout [S]."""


def by_sequence(lengths_S: Tensor, limit: int) -> Tensor:
    """1 / (S T_s): the mean over rollouts of the mean over tokens (GRPO, arXiv:2402.03300)."""
    return 1 / (len(lengths_S) * lengths_S)


def by_token(lengths_S: Tensor, limit: int) -> Tensor:
    """1 / sum T: the mean over all tokens, in which long rollouts count for more (DAPO, arXiv:2503.14476)."""
    return (1 / lengths_S.sum()).expand_as(lengths_S)


def by_limit(lengths_S: Tensor, limit: int) -> Tensor:
    """1 / (S limit): sums over tokens, divided by a constant (Dr. GRPO, arXiv:2503.20783)."""
    return lengths_S.new_full(lengths_S.shape, 1 / (len(lengths_S) * limit))


WEIGHTINGS: dict[str, Weighting] = {"sequence": by_sequence, "token": by_token, "limit": by_limit}
"""By the recipe's `weighting`."""
