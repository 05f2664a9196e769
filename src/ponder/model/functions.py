"""What a decoder computes between its matrices, with gradient: by the kernels where they can, else by PyTorch.

The kernels keep less for the backward pass and go over memory once. Shapes: D hidden size, R rows, L positions, H query
heads, K key-value heads, E head size, N tokens, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from ponder.model import kernels
from ponder.model.language import Tree

# pyright: reportIncompatibleMethodOverride=false


def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """RMS norm of `[...,D]`, computed in fp32; what it hands on is in the dtype of its weight."""
    if x.dtype == torch.float32 and kernels.able(x, weight):
        return _Norm.apply(x, weight, eps) if torch.is_grad_enabled() else kernels.norm(x, weight, eps)
    return F.rms_norm(x.float(), weight.shape, weight.float(), eps).to(weight.dtype)


def gated(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) * up."""
    if kernels.able(gate, up):
        return _Gated.apply(gate, up) if torch.is_grad_enabled() else kernels.gated(gate, up)
    return F.silu(gate) * up


def rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary embedding (arXiv:2104.09864), the halves-paired layout of Llama, in fp32; x `[R,L,heads,E]`.

    Without gradient it is done in place.
    """
    cos, sin = rotary
    if kernels.able(x, cos, sin):
        return _Rotation.apply(x, cos, sin) if torch.is_grad_enabled() else kernels.rotate(x, cos, sin)
    cos, sin = cos.unsqueeze(2), sin.unsqueeze(2)
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).to(x.dtype)


def tree_attention(q: Tensor, k: Tensor, v: Tensor, tree: Tree, window: int | None) -> Tensor:
    """Attention `[R,L,H,E]` within packed rows, by the kernels; q `[R,L,H,E]`, k and v `[R,L,K,E]`."""
    return _Attention.apply(q.contiguous(), k.contiguous(), v.contiguous(), tree, window)


def likelihood(logits_NV: Tensor, target_N: Tensor, temperature: float) -> Tensor:
    """Log probability `[N]` of tokens under softmax(logits / temperature).

    With gradient, the logits are used up: their memory becomes that of their gradient.
    """
    if logits_NV.dtype == torch.float32 and kernels.able(logits_NV):
        return _Likelihood.apply(logits_NV, target_N, temperature)
    logits_NV = logits_NV.float() / temperature if temperature != 1 else logits_NV.float()
    return -F.cross_entropy(logits_NV, target_N, reduction="none")


class _Norm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.eps = eps
        return kernels.norm(x, weight, eps)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        return *kernels.norm_grad(x, weight, grad.contiguous(), ctx.eps), None


class _Gated(Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        return kernels.gated(gate, up)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        return kernels.gated_grad(gate, up, grad.contiguous())


class _Rotation(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return kernels.rotate(x.clone(), cos, sin)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return kernels.rotate(grad.contiguous().clone(), cos, -sin), None, None


class _Attention(Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, tree: Tree, window: int | None) -> Tensor:
        out, sums = kernels.tree(q, k, v, tree.begin_RL, tree.prompt_R, window)
        ctx.save_for_backward(q, k, v, out, sums)
        ctx.tree, ctx.window = tree, window
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        q, k, v, out, sums = ctx.saved_tensors
        given = kernels.Attended(q, k, v, out, sums, ctx.tree.begin_RL, ctx.tree.prompt_R, ctx.window)
        return *kernels.tree_grad(given, grad.contiguous()), None, None


class _Likelihood(Function):
    @staticmethod
    def forward(ctx: Any, logits_NV: Tensor, target_N: Tensor, temperature: float) -> Tensor:
        logprob_N, whole_N = kernels.likelihood(logits_NV, target_N, temperature)
        if ctx.needs_input_grad[0]:
            ctx.logits_NV, ctx.temperature = logits_NV.detach(), temperature
            ctx.save_for_backward(target_N, whole_N)
        return logprob_N

    @staticmethod
    def backward(ctx: Any, grad_N: Tensor) -> tuple[Tensor, None, None]:
        target_N, whole_N = ctx.saved_tensors
        slopes_NV, ctx.logits_NV = ctx.logits_NV, None  # a second time there is nothing left to go back from
        kernels.likelihood_grad(slopes_NV, target_N, whole_N, grad_N.contiguous(), ctx.temperature)
        return slopes_NV, None, None
