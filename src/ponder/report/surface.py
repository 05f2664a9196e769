"""The robustness surface, drawn: how often each attack succeeds, by its strength and by how much may be thought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ponder.measure.adaptive import Broken
from ponder.measure.statistics import Estimate
from ponder.measure.surface import Cell, Thinking
from ponder.report.frame import scrolling
from ponder.report.tables import NOTHING
from ponder.report.text import CONDITIONS, escape, span
from ponder.types import Mode

WAYS = {Mode.NONE: "none", Mode.FREE: "as it likes", Mode.FORCED: "made to think"}
"""Ways that bound nothing, as the head says it; a budget has a name."""
FEWEST = 5
"""Problems of a cell that is shown; with so little thinking that fewer are right clean, nothing can be told."""
SHOWN = (1, 4)
"""Tries of the attacker who learns that have a row; all that he has have one too."""
DEEPEST = 45
"""Percent of colour where an attack surely succeeds always."""


def surface(cells: Sequence[tuple[Cell, Estimate]], learned: Sequence[Broken]) -> str:
    """A table for each checkpoint, deeper where attacks surely succeed more; empty where nothing was attacked."""
    labels = dict.fromkeys(cell.label for cell, _ in cells)
    return "".join(
        _table(label, [pair for pair in cells if pair[0].label == label], [e for e in learned if e.label == label])
        for label in labels
    )


def _table(label: str, cells: Sequence[tuple[Cell, Estimate]], learned: Sequence[Broken]) -> str:
    ways = sorted({cell.thinking for cell, _ in cells}, key=lambda way: way.order)
    head = "".join(f'<th scope="col">{escape(WAYS.get(Mode(way.mode), way.name), limit=40)}</th>' for way in ways)
    rows: dict[str, dict[Thinking, Estimate]] = {}
    for cell, success in cells:
        rows.setdefault(f"{cell.attack} {cell.strength:g}", {})[cell.thinking] = success
    most = max((each.queries for each in learned), default=0)
    tried: dict[str, dict[Thinking, Estimate]] = {}
    for each in learned:
        if each.queries in (*SHOWN, most):
            words = "1 try" if each.queries == 1 else f"{each.queries} tries"
            tried.setdefault(f"who learns, {words}", {})[each.thinking] = each.success
    body = "".join(_row(name, ways, found) for name, found in rows.items())
    body += "".join(_row(name, ways, found, kind=' class="mean"') for name, found in tried.items())
    title = escape(CONDITIONS.get(label, label), limit=60)
    table = f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>"
    return f"<h3>{title.capitalize()}</h3>{scrolling(table, name=f'Surface, {title}', kind='matrix')}"


def _row(name: str, ways: Sequence[Thinking], found: Mapping[Thinking, Estimate], *, kind: str = "") -> str:
    cells = "".join(_cell(found.get(way)) for way in ways)
    return f'<tr{kind}><th scope="row">{escape(name, limit=60)}</th>{cells}</tr>'


def _cell(success: Estimate | None) -> str:
    if success is None or success.n < FEWEST:
        return NOTHING
    shown = f'{success.value * 100:.0f}<span class="interval">{span(success)}</span>'
    return f'<td class="down tint" style="--depth:{round(success.low * DEEPEST)}%">{shown}</td>'
