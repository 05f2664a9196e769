"""What tokens spend their time on, in C++ for the processor at hand; every kernel has a twin in plain PyTorch.

They compute in fp32, from fp32 or bf16 storage. Where there is no compiler or another kind of processor, `able` says no
and the twin computes the same. Shapes: M rows, K and N sizes of a matrix, D hidden size, B rows of a batch, R packed
rows, L positions, H query heads, E head size, V vocabulary.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ponder.model.kernels.build import library, reason

__all__ = [
    "Attended",
    "Panels",
    "Sight",
    "Sights",
    "Stores",
    "able",
    "attend",
    "call",
    "collect",
    "draw",
    "gated",
    "gated_grad",
    "likelihood",
    "likelihood_grad",
    "norm",
    "norm_grad",
    "packable",
    "reason",
    "rotate",
    "threads",
    "tree",
    "tree_grad",
    "usable",
]

SUFFIX = {torch.float32: "float", torch.bfloat16: "bf16"}
STEP = {torch.float32: 1, torch.bfloat16: 2}
"""Elements that a product takes at a time."""


def able(*tensors: Tensor) -> bool:
    """Whether the kernels compute with these."""
    if library() is None:
        return False
    for x in tensors:  # noqa: SIM110 - called for every layer of every token, where a generator shows
        if not (x.is_cpu and x.dtype in SUFFIX and x.is_contiguous()):
            return False
    return True


def usable(*tensors: Tensor) -> bool:
    """Whether they do, and no gradient is wanted: most kernels know none."""
    return not torch.is_grad_enabled() and able(*tensors)


def packable(weight: Tensor) -> bool:
    """Whether a matrix `[N,K]` can be packed."""
    return usable(weight) and weight.shape[1] % STEP[weight.dtype] == 0


class Panels:
    """A matrix `[N,K]` packed for products with few rows; what it was packed from may not change meanwhile."""

    def __init__(self, weight: Tensor) -> None:
        assert packable(weight), "ask `packable` first"
        self.size, depth = weight.shape
        self.steps = depth // STEP[weight.dtype]
        found = library()
        assert found is not None, "`packable` has asked"
        wide = found.ponder_panel()
        self.packed = weight.new_empty(-(-self.size // wide) * wide * depth)
        call("pack", weight, self.packed, self.size, self.steps, threads())

    def product(self, x: Tensor, bias: Tensor | None, *, wide: bool = False) -> Tensor:
        """x W^T + bias, `[...,K]` to `[...,N]`, in the dtype of W or in fp32 (`wide`).

        A row's result does not depend on the other rows.
        """
        kind = "wide" if wide and x.dtype != torch.float32 else SUFFIX[x.dtype]
        out = torch.empty(*x.shape[:-1], self.size, dtype=torch.float32 if wide else x.dtype)
        rows = x.numel() // x.shape[-1]
        call(f"linear_{kind}", x.contiguous(), self.packed, bias, out, rows, self.size, self.steps, 0, threads())
        return out


def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """RMS norm of fp32 `[...,D]` in the dtype of its weight."""
    out = torch.empty(x.shape, dtype=weight.dtype)
    size = x.shape[-1]
    call(f"norm_{SUFFIX[weight.dtype]}", x, weight, out, x.numel() // size, size, eps, threads())
    return out


def norm_grad(x: Tensor, weight: Tensor, grad: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Gradients of its input and its weight."""
    dx, dw, size = torch.empty_like(x), torch.empty(weight.shape), x.shape[-1]
    kind, sizes = SUFFIX[weight.dtype], (x.numel() // size, size)
    call(f"norm_grad_{kind}", x, weight, grad, dx, dw, *sizes, eps, threads())
    return dx, dw.to(weight.dtype)


def gated(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) * up."""
    out = torch.empty_like(gate)
    call(f"gated_{SUFFIX[gate.dtype]}", gate, up, out, gate.numel(), threads())
    return out


def gated_grad(gate: Tensor, up: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of both."""
    dgate, dup = torch.empty_like(gate), torch.empty_like(up)
    call(f"gated_grad_{SUFFIX[gate.dtype]}", gate, up, grad, dgate, dup, gate.numel(), threads())
    return dgate, dup


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of `[...,H,E]`, in place; cos and sin `[...,E/2]`."""
    heads, size = x.shape[-2:]
    call(f"rotate_{SUFFIX[x.dtype]}", x, cos, sin, x.numel() // (heads * size), heads, size, threads())
    return x


def collect(total: Tensor, part: Tensor) -> None:
    """Add bf16 numbers to fp32 ones."""
    call("collect", total, part, total.numel(), threads())


class _Store(ctypes.Structure):
    _fields_ = (("keys", ctypes.c_void_p), ("values", ctypes.c_void_p), ("columns", ctypes.c_int64))


class _Sight(ctypes.Structure):
    _fields_ = (("owner", ctypes.c_void_p), ("length", ctypes.c_void_p), ("start", ctypes.c_void_p))


class Stores:
    """Where the levels of one layer are kept, each as keys and values `[N,K,C,E]`."""

    def __init__(self, levels: Sequence[tuple[Tensor, Tensor]]) -> None:
        self.levels = tuple(levels)
        entries = (_Store(keys.data_ptr(), values.data_ptr(), keys.shape[2]) for keys, values in levels)
        self.table = (_Store * len(levels))(*entries)


class Sight(NamedTuple):
    """What the rows of a step see of one level."""

    owner_B: Tensor
    """Which of its texts each row reads."""
    length_B: Tensor
    """How many of its columns."""
    start_B: Tensor
    """Position of its first column in the row's text."""


class Sights:
    """What the rows of a step see of all levels; the last one is their own."""

    def __init__(self, levels: Sequence[Sight], position_B: Tensor) -> None:
        """`position_B`: of the new token, in the row's text."""
        self.levels, self.position_B = tuple(levels), position_B
        self.table = (_Sight * len(levels))(*(_Sight(*(x.data_ptr() for x in level)) for level in levels))


def attend(q_BHE: Tensor, fresh: tuple[Tensor, Tensor], stores: Stores, sights: Sights, window: int | None) -> Tensor:
    """Attention `[B,H,E]` of one new position a row over all levels; its own key and value go to the last one first."""
    rows, heads, size = q_BHE.shape
    out, kv_heads = torch.empty_like(q_BHE), fresh[0].shape[1]
    tables = stores.table, sights.table, len(sights.levels), sights.position_B
    sizes = rows, heads, kv_heads, size, threads()
    call(f"attend_{SUFFIX[q_BHE.dtype]}", q_BHE, *fresh, out, *tables, window or 0, size**-0.5, *sizes)
    return out


def tree(
    q: Tensor, k: Tensor, v: Tensor, begin_RL: Tensor, prompt_R: Tensor, window: int | None
) -> tuple[Tensor, Tensor]:
    """Attention `[R,L,H,E]` of packed rows, see `ponder.model.language.Tree`, and what its gradient needs `[R,H,L]`."""
    out, sums = torch.zeros_like(q), torch.zeros(q.shape[0], q.shape[2], q.shape[1])
    call(f"tree_{SUFFIX[q.dtype]}", q, k, v, begin_RL, prompt_R, out, sums, *_sizes(q, k, window))
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
    call(f"tree_grad_{SUFFIX[q.dtype]}", *tensors, *_sizes(q, k, window))
    return dq, dk, dv


def _sizes(q: Tensor, k: Tensor, window: int | None) -> tuple[float, ...]:
    rows, length, heads, size = q.shape
    return rows, length, heads, k.shape[2], size, window or 0, size**-0.5, threads()


def likelihood(logits_NV: Tensor, target_N: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Log probability of each target, and the logarithm of the sum that it is a share of, both `[N]`."""
    rows, size = logits_NV.shape
    logprob_N, whole_N = torch.empty(rows), torch.empty(rows)
    call("likelihood", logits_NV, target_N, temperature, rows, size, logprob_N, whole_N, threads())
    return logprob_N, whole_N


def likelihood_grad(logits_NV: Tensor, target_N: Tensor, whole_N: Tensor, grad_N: Tensor, temperature: float) -> None:
    """Put the gradient of the logits in their place."""
    rows, size = logits_NV.shape
    call("likelihood_grad", logits_NV, target_N, whole_N, grad_N, temperature, rows, size, threads())


def draw(logits_BV: Tensor, temperature: float, uniforms_B: Tensor, put_B: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens and their log probabilities, both `[B]`; NaN where a row's logits are not finite."""
    rows, size = logits_BV.shape
    tokens_B, logprobs_B = torch.empty(rows, dtype=torch.long), torch.empty(rows)
    call("draw", logits_BV, uniforms_B, put_B, temperature, rows, size, tokens_B, logprobs_B, threads())
    return tokens_B, logprobs_B


def call(name: str, *given: object) -> None:
    """Call a kernel; tensors are passed as where their numbers lie."""
    found = library()
    assert found is not None, "ask `able` first"
    getattr(found, f"ponder_{name}")(*[x.data_ptr() if isinstance(x, Tensor) else x for x in given])


def threads() -> int:
    """How many threads kernels may use: as many as PyTorch."""
    return torch.get_num_threads()
