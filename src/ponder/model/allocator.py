"""What the C library does with memory that has become free (glibc; elsewhere nothing is done).

By itself it returns large pieces at once, so every micro-batch asks the system for the same gigabytes again, and a page
that is touched for the first time has to be found and cleared: a seventh of a learner's time on a virtual machine. What
is kept is used again; but holes are left between pieces of other sizes, and a process that learns and samples in turn
would grow from step to step, so what lies free goes back whenever the process has become much larger than a step needs.

It is the process that is looked at: what the library calls free includes pages that it has given back already.
"""

from __future__ import annotations

import ctypes
import functools
import math
import mmap
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

MMAP_MAX, TRIM_THRESHOLD = -4, -1
"""Names of mallopt's settings: pieces that may be asked for by themselves, and free bytes that are returned."""
ALL = 2**31 - 1
"""Bytes: the largest threshold."""
STATM = Path("/proc/self/statm")
"""Where Linux tells sizes of this process, in pages."""
FIELDS = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)
"""Of glibc's `struct mallinfo2`."""
SETTLING = 8
"""Batches and updates after which the process is as large as a step needs."""
MUCH = 1.25
"""Times that the process may grow before free memory is returned."""


class Keeper:
    """Keeps free memory for the next step, and returns it when the process has grown."""

    def __init__(self, library: Library) -> None:
        self.library, self.calls, self.usual = library, 0, 0
        library.keep()

    def tidy(self) -> None:
        """Called after a batch or an update, when nothing of it is needed any more."""
        size = self.library.resident()
        if self.calls < SETTLING:
            self.calls, self.usual = self.calls + 1, max(self.usual, size)
        elif size > MUCH * self.usual:
            self.library.give_back()
            self.calls = self.usual = 0


class Library:
    """What is asked of the C library."""

    def __init__(self) -> None:
        self.calls = ctypes.CDLL(None)
        self.calls.mallinfo2.restype = MallInfo
        self.give_back: Callable[[], None] = lambda: self.calls.malloc_trim(0)

    def keep(self) -> None:
        """Keep from now on what becomes free, of any size."""
        self.calls.mallopt(MMAP_MAX, 0)
        self.calls.mallopt(TRIM_THRESHOLD, ALL)

    def resident(self) -> int:
        """Bytes of memory that this process has."""
        return int(STATM.read_text().split()[1]) * mmap.PAGESIZE

    def free(self) -> int:
        """Bytes that are kept and free."""
        return self.calls.mallinfo2().fordblks


class MallInfo(ctypes.Structure):
    """What mallinfo2 answers with."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in FIELDS)


def tidy() -> None:
    """After a batch or an update: keep what the next one needs, return the rest."""
    keeper = _keeper()
    if keeper:
        keeper.tidy()


def spare() -> int:
    """Bytes that are kept and free."""
    keeper = _keeper()
    return keeper.library.free() if keeper else 0


def untouched(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Zeros on the CPU whose memory the system provides where something is first written, and takes back at the end.

    The allocator would keep it: a cache of some megabytes a layer comes back dirty, has to be cleared as a whole and
    makes the process grow from one batch to the next.
    """
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    held = mmap.mmap(-1, math.prod(shape) * dtype.itemsize, **private)
    return torch.frombuffer(held, dtype=dtype).view(shape)


@functools.cache
def _keeper() -> Keeper | None:
    """One a process; None where the C library is another one."""
    try:
        STATM.read_text()
        return Keeper(Library())
    except (AttributeError, OSError, TypeError):
        return None
