"""Estimators of KL(policy || reference) from tokens that the policy drew (Schulman, joschu.net/blog/kl-approx.html).

Shapes: N tokens.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def k1(logprobs_N: Tensor, reference_N: Tensor) -> Tensor:
    """log pi - log ref: unbiased, negative for some tokens. A measure: as a loss its gradient is 0 in expectation."""
    return logprobs_N - reference_N


def k2(logprobs_N: Tensor, reference_N: Tensor) -> Tensor:
    """(log pi - log ref)^2 / 2: biased, but on-policy its gradient is that of the KL (arXiv:2506.09477)."""
    return (logprobs_N - reference_N).square() / 2


def k3(logprobs_N: Tensor, reference_N: Tensor) -> Tensor:
    """ref / pi - 1 - log(ref / pi): unbiased and never negative (GRPO's penalty).

    On-policy its gradient is that of the reverse, KL(reference || policy).
    """
    difference_N = reference_N - logprobs_N
    return difference_N.exp() - difference_N - 1


PENALTIES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"k2": k2, "k3": k3}
"""Those that can be minimised, by the recipe's `kl_estimator`."""
