"""The transfer table as a user reads it in a terminal of 100 columns."""

from __future__ import annotations

import math
from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table

from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row, TransferTable

HEADINGS = {"untouched": "untouched", "fewshot": "few-shot", "before": "before", "forced": "forced"} | {
    name: name for name in ("distilled", "after")
}
"""Name of a condition -> its label."""

CHANGES = {
    "gain": "gain, by domain",
    "gain_by_problem": "gain, by problem",
    "more": "  more thinking",
    "better": "  better thinking",
    "direct": "  better direct answers",
    "forced_gain": "after, over forced to think",
    "fewshot_gain": "after, over few-shot (both lenient)",
    "cold_start_gain": "before, over untouched",
    "distil_gain": "distilled, over before",
    "relative_gain": "relative gain, %",
    "index": "Transferability Index, %",
}
"""Key of `Row.changes` -> its label, in this order; the parts of the gain are indented."""

FAULTS = {"truncated": "truncated, %", "no_answer": "no answer, %", "not_judged": "not judged, %"}

EMPTY = "·"


def print_table(table: TransferTable, console: Console) -> None:
    """Two tables: accuracy per domain and condition, then what the gain of each tier is made of."""
    console.print(_accuracies(table))
    console.print(
        "Percent right, ± the longer arm of its 95% interval; n problems. Gain: after - before, paired by problem, in"
        " points.\nThinks: share that thinks. Tokens: of thinking, a completion. Both before→after. Tiers average their"
        " domains.",
        style="dim",
        highlight=False,
    )
    changes = _changes(table)
    if changes.row_count:
        console.print(changes)


def points(estimate: Estimate, scale: float = 100) -> str:
    """`+41 [+30, +52]`; an end that the data do not set is `?`."""
    low, high = (f"{end * scale:+.0f}" if math.isfinite(end) else "?" for end in (estimate.low, estimate.high))
    return f"{estimate.value * scale:+.0f} [{low}, {high}]"


def percent(estimate: Estimate | None) -> str:
    """`38±7`, with the longer arm of the interval."""
    if estimate is None:
        return EMPTY
    arm = max(estimate.high - estimate.value, estimate.value - estimate.low)
    return f"{estimate.value * 100:.0f}±{arm * 100:.0f}"


def _accuracies(table: TransferTable) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column("", overflow="ellipsis", no_wrap=True, max_width=22)
    for name in (*(HEADINGS[name] for name in table.conditions), "gain", "n", "thinks", "tokens"):
        grid.add_column(name, justify="right", no_wrap=True)
    for tier in table.tiers:
        domains = table.of(tier.tier)
        grid.add_row(*_cells(f"{tier.tier} ({len(domains)})", tier, table), style="bold")
        for row in domains:
            grid.add_row(*_cells(f"  {row.domain}", row, table))
        grid.add_section()
    return grid


def _cells(label: str, row: Row, table: TransferTable) -> list[str]:
    gain = row.changes.get("gain")
    measured = [estimates["accuracy"].n for estimates in row.conditions.values() if "accuracy" in estimates]
    return [
        label.replace("[", r"\["),
        *(percent(row.accuracy(name)) for name in table.conditions),
        _coloured(gain, points) if gain else EMPTY,
        str(gain.n if gain else max(measured, default=0)),
        _arrow(row, "share_thinking", 100),
        _arrow(row, "thinking_tokens", 1),
    ]


def _arrow(row: Row, measure: str, scale: float) -> str:
    found = [row.conditions.get(name, {}).get(measure) for name in ("before", "after")]
    return "→".join(EMPTY if estimate is None else f"{estimate.value * scale:.0f}" for estimate in found)


def _coloured(estimate: Estimate, text: Callable[[Estimate], str]) -> str:
    colour = {1: "green", -1: "red", 0: "none"}[estimate.sign]
    return f"[{colour}]{text(estimate).replace('[', chr(92) + '[')}[/]"


def _changes(table: TransferTable) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    grid.add_column("in points, unless % is said", no_wrap=True)
    for row in table.tiers:
        grid.add_column(row.tier, justify="right", no_wrap=True)
    for name, label in CHANGES.items():
        cells = [_change(row, name) for row in table.tiers]
        if any(cell != EMPTY for cell in cells):
            grid.add_row(label, *cells)
    last = table.conditions[-1] if table.conditions else ""
    for name, label in FAULTS.items():
        found = [row.conditions.get(last, {}).get(name) for row in table.tiers]
        if any(estimate and estimate.value for estimate in found):
            grid.add_row(f"{label} ({HEADINGS[last]})", *map(percent, found), style="yellow")
    return grid


def _change(row: Row, name: str) -> str:
    estimate = row.changes.get(name)
    scale = 1 if name == "index" else 100
    return EMPTY if estimate is None else _coloured(estimate, lambda e: points(e, scale))
