"""Runs that stand side by side on a page: their names, marks and what they end with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ponder.measure import comparison
from ponder.measure.transfer import TransferTable
from ponder.report.charts import key
from ponder.runs.folder import Run

MOST = 6
"""Runs that have marks and colours of their own."""
MARKED = ("after", "fewshot", "forced", "distilled", "before", "untouched")
"""Mark of each run, by place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the runs."""

    name: str
    """Told apart from the others'."""
    run: Run
    """Its folder."""
    table: TransferTable
    """What it measured."""
    place: int
    """Among the runs, from 0."""

    @property
    def key(self) -> str:
        """Its mark."""
        return key(f"run{self.place}", MARKED[self.place])

    @property
    def end(self) -> str | None:
        """The last condition in which it thought as it liked."""
        return next((name for name in reversed(comparison.FREE) if name in self.table.conditions), None)


def told_apart(paths: Sequence[Path]) -> list[str]:
    """Names of the folders; with a number where two are called the same."""
    names = [path.resolve().name for path in paths]
    return [name if names.count(name) == 1 else f"{name} ({at + 1})" for at, name in enumerate(names)]
