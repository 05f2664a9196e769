"""The last matrix: hidden states in, logits out.

Shapes: D hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ponder.model import kernels
from ponder.model.matrix import Matrix


class Head(Matrix):
    """Logits in fp32, whatever the weights are in: bf16 would round a logit of 20 to steps of 1/8."""

    wide: tuple[int, kernels.Panels | Tensor] | None = None
    """bf16 weights made ready for such a product, and how often they had been changed by then."""

    def forward(self, input: Tensor) -> Tensor:
        """[...,D] -> [...,V]."""
        if self.weight.dtype == torch.float32:
            return super().forward(input)
        if self.wide is None or self.wide[0] != self.weight._version:
            self.wide = None  # the old one goes before the new one comes
            self.wide = self.weight._version, made_wide(self.weight)
        return WideProduct.apply(input, self.weight, self.wide[1])

    def pack(self) -> None:
        """bf16 weights are ready from the first product to the next change: the learner multiplies by them too."""
        if self.weight.dtype == torch.float32:
            super().pack()


@torch.no_grad()
def made_wide(weight_VD: Tensor) -> kernels.Panels | Tensor:
    """Weights as `WideProduct` takes them: on a CPU packed, or in fp32 where the kernels cannot."""
    if not weight_VD.is_cpu:
        return weight_VD
    return kernels.Panels(weight_VD) if kernels.packable(weight_VD) else weight_VD.float()


class WideProduct(torch.autograd.Function):
    """hidden @ weight^T of bf16 factors with an fp32 result; `wide` is the weight as `made_wide` makes it."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight_VD: Tensor, wide: kernels.Panels | Tensor) -> Tensor:
        """[...,D] -> [...,V]."""
        ctx.save_for_backward(hidden, weight_VD)
        if isinstance(wide, kernels.Panels):
            return wide.product(hidden, None, wide=True)
        if not wide.is_cpu:
            return torch.mm(hidden.flatten(0, -2), wide.T, out_dtype=torch.float32).unflatten(0, hidden.shape[:-1])
        settings = torch.backends.mkldnn.matmul  # pyright: ignore[reportAttributeAccessIssue]
        before, settings.fp32_precision = settings.fp32_precision, "bf16"
        try:  # factors that come in fp32 are rounded within the product
            return F.linear(hidden.float(), wide)
        finally:
            settings.fp32_precision = before

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """As of a product in the dtype of the weight."""
        hidden, weight_VD = ctx.saved_tensors
        grad = grads[0].to(weight_VD.dtype)
        learned = ctx.needs_input_grad[1]
        return grad @ weight_VD, grad.flatten(0, -2).T @ hidden.flatten(0, -2) if learned else None, None
