"""A step of a whole decoder by its packed matrices: what `ponder.model.decoder.Block` computes, a call a block.

Shapes: B rows, D hidden size.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import torch
from torch import Tensor

from ponder.model.kernels import SUFFIX, Panels, Sights, Stores, call, threads

POINTER = ctypes.c_void_p


class _Product(ctypes.Structure):
    _fields_ = (("packed", POINTER), ("bias", POINTER))


class _Block(ctypes.Structure):
    _fields_ = (
        *((name, POINTER) for name in ("first_norm", "second_norm", "query_norm", "key_norm")),
        *((name, _Product) for name in ("query", "key", "value", "out", "gate", "up", "down")),
        ("stores", POINTER),
        ("window", ctypes.c_int64),
    )


class _Sizes(ctypes.Structure):
    _fields_ = (*((name, ctypes.c_int64) for name in ("D", "H", "K", "E", "inner")), ("eps", ctypes.c_float))


class _Scratch(ctypes.Structure):
    _fields_ = tuple((name, POINTER) for name in ("normed", "query", "mixed", "key", "value", "gate", "up"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a block is made of; kept here, so that the addresses stay good."""

    norms: tuple[Tensor, Tensor, Tensor | None, Tensor | None]
    """Before attention, before the feed-forward, of queries, of keys."""
    products: tuple[tuple[Panels, Tensor | None], ...]
    """Query, key, value, out, gate, up, down, each with its bias."""
    stores: Stores
    """Where its keys and values are kept."""
    window: int | None
    """How far it sees."""

    def table(self) -> _Block:
        """As the kernel reads it."""
        products = (_Product(panels.packed.data_ptr(), _address(bias)) for panels, bias in self.products)
        return _Block(*map(_address, self.norms), *products, ctypes.addressof(self.stores.table), self.window or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of all blocks."""

    hidden: int
    """D."""
    heads: int
    """H."""
    kv_heads: int
    """K."""
    head: int
    """E."""
    inner: int
    """Width of the feed-forward."""
    eps: float
    """Of every norm."""


class Blocks:
    """All blocks of a decoder."""

    def __init__(self, blocks: list[Weights], sizes: Sizes, *, rows: int) -> None:
        """`rows`: the most that a step has."""
        self.blocks, self.sizes, self.rows = blocks, sizes, rows
        self.tables = [block.table() for block in blocks]
        s = sizes
        self.size_table = _Sizes(s.hidden, s.heads, s.kv_heads, s.head, s.inner, s.eps)
        wide, narrow = s.heads * s.head, s.kv_heads * s.head
        dtype = blocks[0].norms[0].dtype
        self.name = f"block_{SUFFIX[dtype]}"
        widths = s.hidden, wide, wide, narrow, narrow, s.inner, s.inner
        self.held = [torch.empty(rows, width, dtype=dtype) for width in widths]
        self.scratch = _Scratch(*(x.data_ptr() for x in self.held))

    def step(self, x_BD: Tensor, cos: Tensor, sin: Tensor, sights: Sights) -> Tensor:
        """Take fp32 `[B,D]` through all blocks, in place; cos and sin `[B,E/2]`."""
        rows = len(x_BD)
        assert rows <= self.rows, "a step has no more rows than there is room for"
        seen = sights.table, len(sights.levels), sights.position_B, self.sizes.head**-0.5
        for table in self.tables:
            given = map(ctypes.byref, (table, self.size_table, self.scratch))
            call(self.name, x_BD, *given, cos, sin, *seen, rows, threads())
        return x_BD


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
