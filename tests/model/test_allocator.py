from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ponder.model import allocator
from ponder.model.allocator import Keeper, Library, tidy

MB = 1 << 20


class Told(Library):
    """A library that is told how much is free."""

    def __init__(self) -> None:
        self.bytes, self.kept, self.given = 0, 0, 0
        self.give_back = self._give

    def keep(self) -> None:
        self.kept += 1

    def resident(self) -> int:
        return self.bytes

    def _give(self) -> None:
        self.given += 1


def test_what_a_step_needs_is_kept_and_growth_is_returned():
    library = Told()
    keeper = Keeper(library)
    given: list[int] = []
    settling, again = (10, 400, 100, 300, 5, 6, 7, 8), (900, 300, 1000, 20, 5, 6, 7, 8)
    for library.bytes in (*settling, 450, 500, 501, *again, 1250, 1251):
        keeper.tidy()
        given.append(library.given)
    assert given == [0] * 8 + [0, 0, 1] + [1] * 8 + [1, 2]
    assert library.kept == 1


def resident() -> int:
    """Bytes of memory that this process has."""
    status = Path("/proc/self/status")
    if not status.is_file() or allocator._keeper() is None:
        pytest.skip("this system does not tell, or its C library cannot give memory back")
    return next(int(line.split()[1]) << 10 for line in status.read_text().splitlines() if line.startswith("VmRSS"))


def test_free_memory_is_kept_until_it_is_given_back():
    before = resident()
    library = Library()
    library.keep()
    pieces = [torch.ones(MB, dtype=torch.uint8) for _ in range(200)] + [torch.ones(100 * MB, dtype=torch.uint8)]
    free, kept = library.free(), pieces[:200:50]
    del pieces
    assert library.free() - free > 280 * MB
    assert resident() - before > 250 * MB
    library.give_back()
    assert resident() - before < 50 * MB and len(kept) == 4


def test_a_library_that_cannot_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator, "_keeper", lambda: None)
    tidy()
