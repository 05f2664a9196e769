"""Memory that the C library holds on to.

What a batch leaves behind lies in holes of the heap, and the next phase, whose pieces have other sizes, asks for more
beside them: a process that learns and samples in turn grows by gigabytes, though neither needs them.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable


def give_back() -> None:
    """Return free memory to the system, where the C library knows how (glibc); a few milliseconds."""
    trim = _trim()
    if trim:
        trim(0)


@functools.cache
def _trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
