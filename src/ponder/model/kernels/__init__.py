"""What tokens spend their time on, in C++ for the processor at hand; every kernel has a twin in plain PyTorch.

They compute in fp32, from fp32 or bf16 storage. Where there is no compiler or another kind of processor, `able` says no
and the twin computes the same. Shapes: M rows, K and N sizes of a matrix, D hidden size, B rows of a batch, R packed
rows, L positions, H query heads, E head size, V vocabulary.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ponder.model.kernels.build import library, reason

__all__ = [
    "Attended",
    "Kept",
    "Panels",
    "able",
    "attend",
    "draw",
    "gated",
    "gated_grad",
    "likelihood",
    "likelihood_grad",
    "norm",
    "norm_grad",
    "reason",
    "rotate",
    "tree",
    "tree_grad",
    "usable",
]

SUFFIX = {torch.float32: "float", torch.bfloat16: "bf16"}


def able(*tensors: Tensor) -> bool:
    """Whether the kernels compute with these."""
    if library() is None:
        return False
    return all(x.device.type == "cpu" and x.dtype in SUFFIX and x.is_contiguous() for x in tensors)


def usable(*tensors: Tensor) -> bool:
    """Whether they do, and no gradient is wanted: most kernels know none."""
    return not torch.is_grad_enabled() and able(*tensors)


class Panels:
    """A matrix `[N,K]` packed for products with few rows; what it was packed from may not change meanwhile."""

    def __init__(self, weight: Tensor) -> None:
        assert weight.dtype == torch.float32 and weight.is_contiguous(), "panels are made of fp32 matrices"
        self.size, self.depth = weight.shape
        wide = _library().ponder_panel()
        self.packed = torch.empty(-(-self.size // wide) * wide * self.depth)
        _call("pack", weight, self.packed, self.size, self.depth, _threads())

    def product(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """x W^T + bias, `[...,K]` to `[...,N]`; a row's result does not depend on the other rows."""
        out = x.new_empty(*x.shape[:-1], self.size)
        rows = x.numel() // self.depth
        _call("linear", x.contiguous(), self.packed, bias, out, rows, self.size, self.depth, _threads())
        return out


def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """RMS norm of fp32 `[...,D]` in the dtype of its weight."""
    out = torch.empty(x.shape, dtype=weight.dtype)
    size = x.shape[-1]
    _call(f"norm_{SUFFIX[weight.dtype]}", x, weight, out, x.numel() // size, size, ctypes.c_float(eps), _threads())
    return out


def norm_grad(x: Tensor, weight: Tensor, grad: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Gradients of its input and its weight."""
    dx, dw, size = torch.empty_like(x), torch.empty(weight.shape), x.shape[-1]
    kind, sizes = SUFFIX[weight.dtype], (x.numel() // size, size)
    _call(f"norm_grad_{kind}", x, weight, grad, dx, dw, *sizes, ctypes.c_float(eps), _threads())
    return dx, dw.to(weight.dtype)


def gated(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) * up."""
    out = torch.empty_like(gate)
    _call(f"gated_{SUFFIX[gate.dtype]}", gate, up, out, gate.numel(), _threads())
    return out


def gated_grad(gate: Tensor, up: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of both."""
    dgate, dup = torch.empty_like(gate), torch.empty_like(up)
    _call(f"gated_grad_{SUFFIX[gate.dtype]}", gate, up, grad, dgate, dup, gate.numel(), _threads())
    return dgate, dup


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of `[...,H,E]`, in place; cos and sin `[...,E/2]`."""
    heads, size = x.shape[-2:]
    _call(f"rotate_{SUFFIX[x.dtype]}", x, cos, sin, x.numel() // (heads * size), heads, size, _threads())
    return x


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Texts of one level in one layer, and which of them the rows read."""

    keys: Tensor
    """`[N,K,C,E]`."""
    values: Tensor
    """`[N,K,C,E]`."""
    owner_B: Tensor
    """Which of the N texts each row reads."""
    length_B: Tensor
    """How many of its columns."""
    start_B: Tensor
    """Position of its first column in the row's text."""


class _Level(ctypes.Structure):
    _fields_ = (
        ("keys", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("owner", ctypes.c_void_p),
        ("length", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("columns", ctypes.c_int64),
    )


def attend(
    q_BHE: Tensor, fresh: tuple[Tensor, Tensor], levels: Sequence[Kept], position_B: Tensor, window: int | None
) -> Tensor:
    """Attention `[B,H,E]` of one new position a row over all levels; its own key and value go to the last one first."""
    rows, heads, size = q_BHE.shape
    own, kind, out = levels[-1], SUFFIX[q_BHE.dtype], torch.empty_like(q_BHE)
    kv_heads, columns = own.keys.shape[1], own.keys.shape[2]
    for new, kept in zip(fresh, (own.keys, own.values), strict=True):
        _call(f"keep_{kind}", new, kept, own.owner_B, own.length_B, columns, rows, kv_heads, size)
    table = (_Level * len(levels))(
        *(
            _Level(*(x.data_ptr() for x in (k.keys, k.values, k.owner_B, k.length_B, k.start_B)), k.keys.shape[2])
            for k in levels
        )
    )
    scale = ctypes.c_float(size**-0.5)
    sizes = (rows, heads, kv_heads, size)
    _call(f"attend_{kind}", q_BHE, out, table, len(levels), position_B, window or 0, scale, *sizes, _threads())
    return out


def tree(
    q: Tensor, k: Tensor, v: Tensor, begin_RL: Tensor, prompt_R: Tensor, window: int | None
) -> tuple[Tensor, Tensor]:
    """Attention `[R,L,H,E]` of packed rows, see `ponder.model.language.Tree`, and what its gradient needs `[R,H,L]`."""
    out, sums = torch.zeros_like(q), torch.zeros(q.shape[0], q.shape[2], q.shape[1])
    _call(f"tree_{SUFFIX[q.dtype]}", q, k, v, begin_RL, prompt_R, out, sums, *_sizes(q, k, window))
    return out, sums


class Attended(NamedTuple):
    """What `tree` was given and what it found."""

    q: Tensor
    k: Tensor
    v: Tensor
    out: Tensor
    sums: Tensor
    begin_RL: Tensor
    prompt_R: Tensor
    window: int | None


def tree_grad(given: Attended, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k and v."""
    q, k, v, out, sums, begin_RL, prompt_R, window = given
    dq, dk, dv = torch.zeros_like(q), torch.empty_like(k), torch.empty_like(v)
    tensors = q, k, v, out, grad, begin_RL, prompt_R, sums, dq, dk, dv
    _call(f"tree_grad_{SUFFIX[q.dtype]}", *tensors, *_sizes(q, k, window))
    return dq, dk, dv


def _sizes(q: Tensor, k: Tensor, window: int | None) -> tuple[object, ...]:
    rows, length, heads, size = q.shape
    return rows, length, heads, k.shape[2], size, window or 0, ctypes.c_float(size**-0.5), _threads()


def likelihood(logits_NV: Tensor, target_N: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Log probability of each target, and the logarithm of the sum that it is a share of, both `[N]`."""
    rows, size = logits_NV.shape
    logprob_N, whole_N = torch.empty(rows), torch.empty(rows)
    heat = ctypes.c_float(temperature)
    _call("likelihood", logits_NV, target_N, heat, rows, size, logprob_N, whole_N, _threads())
    return logprob_N, whole_N


def likelihood_grad(logits_NV: Tensor, target_N: Tensor, whole_N: Tensor, grad_N: Tensor, temperature: float) -> None:
    """Put the gradient of the logits in their place."""
    rows, size = logits_NV.shape
    heat = ctypes.c_float(temperature)
    _call("likelihood_grad", logits_NV, target_N, whole_N, grad_N, heat, rows, size, _threads())


def draw(logits_BV: Tensor, temperature: float, uniforms_B: Tensor, put_B: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens and their log probabilities, both `[B]`; NaN where a row's logits are not finite."""
    rows, size = logits_BV.shape
    tokens_B, logprobs_B = torch.empty(rows, dtype=torch.long), torch.empty(rows)
    heat = ctypes.c_float(temperature)
    _call("draw", logits_BV, uniforms_B, put_B, heat, rows, size, tokens_B, logprobs_B, _threads())
    return tokens_B, logprobs_B


def _library() -> ctypes.CDLL:
    found = library()
    assert found is not None, "ask `usable` first"
    return found


def _call(name: str, *given: object) -> None:
    getattr(_library(), f"ponder_{name}")(*map(_argument, given))


def _argument(given: object) -> object:
    if isinstance(given, Tensor):
        return ctypes.c_void_p(given.data_ptr())
    return ctypes.c_int64(given) if isinstance(given, int) else ctypes.c_void_p(None) if given is None else given


def _threads() -> int:
    return torch.get_num_threads()
