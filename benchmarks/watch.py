"""Who used the processor: a contestant's process tree, and everybody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
IDLE_COLUMNS = (3, 4)
"""Of the `cpu` line: idle, and waiting for a disk (proc_stat(5))."""
COLUMNS = 8
"""user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted among these already."""


@dataclass(frozen=True, slots=True)
class Processor:
    """Clock ticks since the machine started, over all cores."""

    total: int
    """All of them."""
    idle: int
    """Nobody used."""


@dataclass(frozen=True, slots=True)
class Span:
    """Two readings of the processor, and what one process tree used between them."""

    before: Processor
    after: Processor
    own: int
    """Ticks of the process tree."""

    @property
    def busy(self) -> float:
        """Share of all processor time that neither the tree nor idleness used, time stolen by the host included."""
        total = self.after.total - self.before.total
        idle = self.after.idle - self.before.idle
        return max(0.0, (total - idle - self.own) / total) if total else 0.0


class Watch:
    """Readings between `start` and `stop`, of the whole machine and of one tree; None where there is no `/proc`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._before = processor()
        self._own = tree_ticks(pid)

    def busy(self) -> float | None:
        """How busy others kept the processor since this was made."""
        after = processor()
        if self._before is None or after is None:
            return None
        return Span(self._before, after, tree_ticks(self.pid) - self._own).busy


def processor() -> Processor | None:
    """Ticks of the whole machine now."""
    try:
        return parse_stat((PROC / "stat").read_text())
    except OSError:
        return None


def parse_stat(text: str) -> Processor:
    """The first line of `/proc/stat`."""
    ticks = [int(word) for word in text.split("\n", 1)[0].split()[1 : 1 + COLUMNS]]
    return Processor(total=sum(ticks), idle=sum(ticks[column] for column in IDLE_COLUMNS))


def tree_ticks(pid: int) -> int:
    """Ticks used by a process, its living descendants, and those of them that have been waited for."""
    return sum(_ticks(each) for each in _tree(pid))


def seconds(ticks: int) -> float:
    """Ticks as seconds of one core."""
    return ticks / os.sysconf("SC_CLK_TCK")


def parse_ticks(text: str) -> int:
    """user, system, and both of waited-for children, of a `/proc/PID/stat`, whose second word may hold anything."""
    return sum(int(word) for word in text.rpartition(")")[2].split()[11:15])


def _ticks(pid: int) -> int:
    try:
        return parse_ticks((PROC / str(pid) / "stat").read_text())
    except (OSError, ValueError):
        return 0


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for file in (PROC / str(pid) / "task").glob("*/children"):
        try:
            children = file.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _tree(int(child))
