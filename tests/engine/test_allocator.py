from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ponder.engine import allocator
from ponder.engine.allocator import give_back

MB = 1 << 20


def resident() -> int:
    """Bytes of memory that this process has."""
    status = Path("/proc/self/status")
    if not status.is_file() or allocator._trim() is None:
        pytest.skip("this system does not tell, or its C library cannot give memory back")
    return next(int(line.split()[1]) << 10 for line in status.read_text().splitlines() if line.startswith("VmRSS"))


def test_what_lies_in_holes_is_given_back():
    big = torch.zeros(8 * MB, dtype=torch.uint8)  # the allocator keeps pieces of this size from now on
    del big
    resident()
    pieces = [torch.ones(MB, dtype=torch.uint8) for _ in range(200)]
    kept = pieces[::50]
    del pieces
    give_back()
    before = resident()
    again = [torch.ones(MB, dtype=torch.uint8) for _ in range(200)]
    assert resident() - before > 150 * MB
    kept += again[::50]
    del again
    give_back()
    assert resident() - before < 50 * MB and len(kept) == 8


def test_a_library_that_cannot_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator, "_trim", lambda: None)
    give_back()
