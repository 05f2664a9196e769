"""What answers take and what a right one costs, as a table: all domains together, and each behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ponder.measure.bill import Bill
from ponder.measure.statistics import Estimate
from ponder.report.frame import folded, scrolling
from ponder.report.tables import NOTHING
from ponder.report.text import CONDITIONS, escape, span

COLUMNS = {
    "accuracy": "percent right",
    "tokens": "tokens written",
    "verifier_tokens": "verifier's tokens",
    "tokens_per_right": "tokens for a right answer",
    "seconds_per_right": "seconds for a right answer",
    "money_per_right": "money for a right answer",
}
"""Key of `bill.UNITS` -> its column; one that no row has, or that is 0 everywhere, is left out."""


def costs(bills: Sequence[Bill]) -> str:
    """A row for each way of asking; empty without any."""
    if not bills:
        return ""
    known = [key for key in COLUMNS if any(key in bill.told and bill.told[key][0].value for bill in bills)]
    ordered = sorted(bills, key=lambda bill: (bill.domain, _natural(bill.condition)))
    whole = [bill for bill in ordered if bill.domain == "all"]
    parts = [bill for bill in ordered if bill.domain != "all"]
    return _table(whole, known, "All domains") + folded("Every domain", _table(parts, known, "Every domain"))


def _table(bills: Sequence[Bill], known: Sequence[str], name: str) -> str:
    head = "".join(f'<th scope="col">{COLUMNS[key]}</th>' for key in known)
    body = "".join(_row(bill, known) for bill in bills)
    return scrolling(f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>", name=name)


def _row(bill: Bill, known: Sequence[str]) -> str:
    name = CONDITIONS.get(bill.condition, bill.condition)
    title = name if bill.domain == "all" else f"{bill.domain}, {name}"
    return f'<tr><th scope="row">{escape(title, limit=80)}</th>{"".join(_cell(bill, key) for key in known)}</tr>'


def _cell(bill: Bill, key: str) -> str:
    if key not in bill.told:
        return NOTHING
    estimate, unit = bill.told[key]
    if unit == "share":
        return f'<td>{estimate.value * 100:.0f}<span class="interval">{span(estimate)}</span></td>'
    return f'<td>{_short(estimate.value)}<span class="interval">{_ends(estimate)}</span></td>'


def _ends(estimate: Estimate) -> str:
    known = estimate.low < estimate.high
    return f"{_short(estimate.low)} to {_short(estimate.high)}" if known else ""


def _natural(name: str) -> list[tuple[int, str]]:
    """Order in which 64 comes before 144."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _short(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
