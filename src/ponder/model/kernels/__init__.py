"""What sampling spends its time on, in C++ for the processor at hand; every kernel has a twin in plain PyTorch.

They compute without gradient, in fp32 or from bf16 storage. Where there is no compiler, no processor of their kind or a
gradient is wanted, `usable` says no and the twin computes the same. Shapes: M rows, K and N sizes of a matrix, D hidden
size, B rows of a batch, H query heads, E head size, V vocabulary.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ponder.model.kernels.build import library, reason

__all__ = ["Kept", "Panels", "attend", "draw", "gated", "norm", "reason", "rotate", "usable"]

SUFFIX = {torch.float32: "float", torch.bfloat16: "bf16"}


def usable(*tensors: Tensor) -> bool:
    """Whether the kernels compute these."""
    if torch.is_grad_enabled() or library() is None:
        return False
    return all(x.device.type == "cpu" and x.dtype in SUFFIX and x.is_contiguous() for x in tensors)


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


def gated(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) * up."""
    out = torch.empty_like(gate)
    _call(f"gated_{SUFFIX[gate.dtype]}", gate, up, out, gate.numel(), _threads())
    return out


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
