"""Who is written where: continuations wait for a row, prompts keep their place as long as somebody goes on from them.

Shapes: B rows.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ponder.engine.guide import Guide

REFILL = 1 / 8
"""Share of the rows that must be free before others are begun: prompts are read a few at a time."""


@dataclass(slots=True)
class Row:
    """One continuation being written."""

    prompt: int
    """Index into the prompts asked for."""
    sample: int
    """Index into that prompt's streams."""
    guide: Guide | None
    """Who watches it; None where there is nothing to watch for."""
    forced: set[int] = field(default_factory=set)
    """Indices of tokens that were put there."""
    waiting: deque[int] = field(default_factory=deque)
    """Tokens to be put there next."""
    stop: str = ""
    """The stop text that ended it."""


class Seats:
    """Rows, free and taken, and places of prompts, free and taken."""

    def __init__(self, pending: Sequence[Row], rows: int, *, refill: bool) -> None:
        """`refill`: whether a row can begin while others go on."""
        self.pending = deque(pending)
        self.left = Counter(row.prompt for row in pending)
        self.rows: dict[int, Row] = {}
        self.free_rows = list(reversed(range(rows)))
        self.free_places = list(reversed(range(min(rows, len(self.left)))))
        self.place: dict[int, int] = {}
        """By prompt."""
        self.wanted, self.refill = max(1, int(REFILL * rows)), refill

    def admit(self) -> tuple[list[int], list[int]]:
        """Rows that begin now, and the prompts among theirs that have to be read."""
        begun: list[int] = []
        new: list[int] = []
        room = self.refill and len(self.free_rows) >= min(self.wanted, len(self.pending))
        if self.rows and not room:
            return begun, new
        while self.pending and self.free_rows:
            row = self.pending.popleft()
            if row.prompt not in self.place:
                self.place[row.prompt] = self.free_places.pop()
                new.append(row.prompt)
            begun.append(self.free_rows.pop())
            self.rows[begun[-1]] = row
        return begun, new

    def leave(self, number: int) -> None:
        """A row has ended."""
        row = self.rows.pop(number)
        self.free_rows.append(number)
        self.left[row.prompt] -= 1
        if not self.left[row.prompt]:
            self.free_places.append(self.place.pop(row.prompt))
