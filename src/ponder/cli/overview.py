"""A run in a terminal: what it is, its curves, some completions; whatever of it can be read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.cli.completions import show as show_completions
from ponder.cli.completions import to_read
from ponder.cli.screen import people, say, visible
from ponder.report.metrics import CURVES, STAGES, bounds, by_stage, number
from ponder.runs.table import read_rollouts
from ponder.types import PonderError, Rollout
from ponder.viewer.opened import Opened, opened

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40
"""Signs of a curve."""
LISTED = 12
"""Measurements that are listed at most."""


def show(path: Path) -> None:
    """Print the run in this folder; `PonderError` where there is nothing to show."""
    console, run = people(as_json=False), opened(path)
    metrics, torn = run.metrics()
    for warning in (*run.warnings, *torn[:5]):
        say(console, f"warning: {visible(warning)}", style="yellow")
    _what(console, run, metrics)
    for stage, rows in by_stage(metrics).items():
        _curves(console, stage, rows)
    _completions(console, run)


def _what(console: Console, run: Opened, metrics: Sequence[Mapping[str, Any]]) -> None:
    """Name, status, recipe and model; how many steps and files there are."""
    model = run.recipe.get("model")
    named = model.get("name") if isinstance(model, dict) else model
    facts = [run.status, run.recipe.get("name"), named]
    say(console, visible(run.name), style="bold")
    say(console, "  " + " · ".join(visible(str(fact), most=80) for fact in facts if fact))
    files = run.files()
    counts = {kind: sum(each == kind for each, _ in files) for kind in ("training", "measured")}
    told = [f"{len(rows)} steps of {_name(stage)}" for stage, rows in by_stage(metrics).items()]
    told += [f"{counts['training']} files of rollouts"] if counts["training"] else ["no rollouts of training yet"]
    measured = [visible(path.stem, most=30) for kind, path in files if kind == "measured"]
    listed = ", ".join(measured[:LISTED]) + (f" and {len(measured) - LISTED} more" if len(measured) > LISTED else "")
    say(console, "  " + " · ".join([*told, f"measured: {listed}" if measured else "nothing measured yet"]))


def _name(stage: str) -> str:
    return visible(STAGES.get(stage, stage), most=40).lower()


def _curves(console: Console, stage: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """A line for each metric with two values or more: first, curve, last."""
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    steps = f"step {rows[0]['step']} to {rows[-1]['step']}"
    for heading in (_name(stage), "first", steps, "last"):
        grid.add_column(Text(heading), no_wrap=True, justify="right" if heading in ("first", "last") else "left")
    for name, kind in CURVES.items():
        values = [number(row.get(name)) for row in rows]
        finite = [value for value in values if math.isfinite(value)]
        if len(finite) > 1:
            first, last = (format(value, kind.form) for value in (finite[0], finite[-1]))
            grid.add_row(kind.label, first, sparkline(values, kind.ceiling), last)
    if grid.row_count:
        console.print(grid)


def sparkline(values: Sequence[float], ceiling: float | None = None, *, width: int = WIDTH) -> str:
    """Values as bars from the axis' lower end up, neighbours averaged where they are many; gaps are blank."""
    size = math.ceil(len(values) / width)
    means = [_mean(values[start : start + size]) for start in range(0, len(values), size)]
    low, high = bounds(means, ceiling)
    return "".join(_bar((mean - low) / (high - low)) for mean in means)


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def _bar(share: float) -> str:
    if not math.isfinite(share):
        return " "
    return BARS[min(len(BARS) - 1, max(0, int(share * len(BARS))))]


def _completions(console: Console, run: Opened) -> None:
    """Of the newest file of each kind that can be read, one completion that was paid and one that was not."""
    for kind in ("training", "measured"):
        files = [path for each, path in run.files() if each == kind]
        path, rollouts = _newest(console, sorted(files, key=_written, reverse=True))
        if path:
            say(console, f"\n  {kind}, {visible(path.stem, most=60)}: {len(rollouts)} rollouts", style="bold")
            show_completions(console, to_read(rollouts, len(rollouts) // 2))


def _newest(console: Console, files: Sequence[Path]) -> tuple[Path | None, list[Rollout]]:
    """The first file that can be read and is not empty; those passed over are named."""
    for path in files:
        try:
            if rollouts := read_rollouts(path):
                return path, rollouts
        except (PonderError, OSError, ValueError) as reason:
            say(console, f"warning: {visible(str(reason), most=300)}", style="yellow")
    return None, []


def _written(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:  # gone since it was listed
        return 0, path.name
