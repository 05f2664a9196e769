"""Runs side by side, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.cli.screen import people, print_json, say, visible
from ponder.measure import comparison
from ponder.measure.comparison import Compared
from ponder.measure.printing import percent, points
from ponder.report.compare import html as page
from ponder.runs.files import write_atomic
from ponder.runs.folder import Run
from ponder.runs.lines import finite
from ponder.runs.query import connect
from ponder.types import PonderError

MADE_BY = ("suite", "seeds", "data", "versions", "git_commit")
"""What of a manifest is compared besides the recipe."""


def compare(runs: Sequence[Path], *, html: Path | None, as_json: bool) -> None:
    """Print what differs between the first run and each other, and what that made of the accuracies."""
    if len(runs) < 2:
        raise PonderError(f"{runs[0]}: give another run to compare it with")
    console = people(as_json=as_json)
    records = [_pair(console, runs[0], other, as_json=as_json) for other in runs[1:]]
    if html:
        write_atomic(html, page(runs, changed=comparison.changed(*map(_made_by, runs))))
        say(console, f"page {html}")
    if as_json:
        print_json(records[0] if len(records) == 1 else {"pairs": records})


def _pair(console: Console, first: Path, second: Path, *, as_json: bool) -> dict[str, Any]:
    rows, warnings = _rows(first, second)
    changed = comparison.changed(_made_by(first), _made_by(second))
    for warning in warnings:
        say(console, f"warning: {visible(warning)}", style="yellow")
    if not as_json:
        _print_changed(console, changed)
        console.print(_table(rows, (first, second)))
        say(console, closing(rows), style="dim")
    return _record(first, second, rows, changed)


def closing(rows: Sequence[Compared]) -> str:
    """How many differences are decisive, and how many would be by chance."""
    paired = [row for row in rows if row.difference is not None]
    decisive = sum(row.decisive for row in paired)
    return (
        "Percent right ± the longer arm of the 95% interval; difference: second - first in points, paired by problem, "
        f"over n problems of both.\n{decisive} of {len(paired)} differences are decisive (their interval leaves out "
        f"0); by chance alone about {len(paired) / 20:.1f} would be."
    )


def _rows(first: Path, second: Path) -> tuple[list[Compared], list[str]]:
    (ours, warnings), (theirs, more) = connect(first), connect(second)
    with ours, theirs:
        rows = comparison.compare(ours, theirs)
    if not rows:
        raise PonderError(
            f"{first} and {second}: no domain was measured in both; measure one with the suite of the other: "
            "ponder measure RUN --suite NAME"
        )
    return rows, warnings + more


def _made_by(path: Path) -> dict[str, Any]:
    manifest: Mapping[str, Any] = Run.open(path).manifest
    recipe = manifest.get("recipe")
    return (recipe if isinstance(recipe, dict) else {}) | {key: manifest.get(key) for key in MADE_BY}


def _print_changed(console: Console, changed: Mapping[str, tuple[Any, ...]]) -> None:
    say(console, "What changed:" if changed else "Nothing changed between the two: not the recipe, data or versions.")
    for key, (ours, theirs) in changed.items():
        say(console, f"  {visible(key)}: {visible(str(ours), most=60)} → {visible(str(theirs), most=60)}")


def _table(rows: Sequence[Compared], runs: tuple[Path, Path]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    headings = ("condition", "tier", "domain", *(visible(path.resolve().name, most=16) for path in runs))
    for name in (*headings, "difference", "n", ""):
        grid.add_column(Text(name), no_wrap=True, justify="left" if name in headings[:3] else "right")
    for row in rows:
        grid.add_row(*map(Text, _cells(row)), style="" if row.domain else "bold")
    return grid


def _cells(row: Compared) -> list[str]:
    cells = [row.condition, row.tier, visible(row.domain) or "(average)", percent(row.first), percent(row.second)]
    if row.difference is None:
        return [*cells, "·", "0", "no problem in common"]
    return [*cells, points(row.difference), str(row.difference.n), "" if row.decisive else "not decisive"]


def _record(
    first: Path, second: Path, rows: Sequence[Compared], changed: Mapping[str, tuple[Any, ...]]
) -> dict[str, Any]:
    return finite(
        {
            "first": str(first),
            "second": str(second),
            "changed": changed,
            "rows": [asdict(row) | {"decisive": row.decisive} for row in rows],
        }
    )
