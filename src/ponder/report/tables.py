"""The transfer table as HTML: chart, accuracies, what the gain is made of, what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from ponder.measure import attacked
from ponder.measure.gains import PARTS
from ponder.measure.printing import CHANGES
from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row, TransferTable
from ponder.report.charts import key, whiskers
from ponder.report.frame import scrolling
from ponder.report.text import BOTH, CONDITIONS, TIERS, distilled, escape, main_change, points, span

NOTHING = '<td class="none">·</td>'

FAULTS = {
    "no_answer": "no answer: the model's doing",
    "truncated": "truncated: the model's doing",
    "not_judged": "not judged: the verifier's doing",
}
"""Key of `MEASURES` -> its label, and whose fault it is."""


def chart(table: TransferTable) -> str:
    """Every tier with its domains, as dots and whiskers."""
    conditions = table.conditions
    legend = "".join(f"<li>{key(name, name)} {CONDITIONS[name]}</li>" for name in conditions)
    return f'<ul class="legend">{legend}</ul>{"".join(_tier_chart(row, table, conditions) for row in table.tiers)}'


def _tier_chart(tier: Row, table: TransferTable, conditions: Sequence[str]) -> str:
    change = main_change(table)
    rows = "".join(_chart_row(row, change, conditions) for row in (tier, *table.of(tier.tier)))
    ticks = "".join(f'<span style="left:{x}%">{x}{"%" if x == 100 else ""}</span>' for x in (0, 25, 50, 75, 100))
    heading = f"<h3>{tier.tier.capitalize()} <small>{TIERS[tier.tier]}</small></h3>"
    return f'<div class="tier">{heading}{rows}<div class="row axis"><div class="plot ticks">{ticks}</div></div></div>'


def _chart_row(row: Row, change: str | None, conditions: Sequence[str]) -> str:
    estimate = row.changes.get(change or "")
    gain = f'<div class="change {tone(estimate)}">{points(estimate)}</div>' if estimate else ""
    kind = "row" if row.domain else "row mean"
    plot = f'<div class="plot">{whiskers(row, conditions)}</div>'
    return f'<div class="{kind}"><div class="name">{_name(row)}</div>{plot}{gain}</div>'


def tone(estimate: Estimate) -> str:
    """Class of a change: `up`, `down`, or `same` where the interval holds 0."""
    return {1: "up", -1: "down", 0: "same"}[estimate.sign]


def accuracies(table: TransferTable) -> str:
    """Accuracy of every tier and domain in every condition, with intervals."""
    labels = (*(CONDITIONS[name] for name in table.conditions), "gain", "problems", "thinks", "thinking tokens")
    head = "".join(f'<th scope="col">{label}</th>' for label in labels)
    rows = (row for tier in table.tiers for row in (tier, *table.of(tier.tier)))
    return scrolling(
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(_row(r, table) for r in rows)}</tbody>",
        name="Percent right",
    )


def _row(row: Row, table: TransferTable) -> str:
    gain = row.changes.get("gain")
    measured = [found["accuracy"].n for found in row.conditions.values() if "accuracy" in found]
    cells = [
        *(_share(row.accuracy(name)) for name in table.conditions),
        f'<td class="{tone(gain)}">{_stacked(points(gain))}</td>' if gain else NOTHING,
        f"<td>{gain.n if gain else max(measured, default=0)}</td>",
        f"<td>{_from_to(row, 'share_thinking', 100)}</td>",
        f"<td>{_from_to(row, 'thinking_tokens', 1)}</td>",
    ]
    kind = "" if row.domain else ' class="mean"'
    return f'<tr{kind}><th scope="row">{_name(row)}</th>{"".join(cells)}</tr>'


def _name(row: Row) -> str:
    return escape(row.domain, limit=60) if row.domain else f"{row.tier.capitalize()}, average"


def _share(estimate: Estimate | None) -> str:
    if estimate is None:
        return NOTHING
    return f'<td>{estimate.value * 100:.0f}<span class="interval">{span(estimate)}</span></td>'


def _stacked(text: str) -> str:
    value, _, interval = text.partition(" ")
    return f'{value}<span class="interval">{interval.strip("[]").replace(", ", " to ")}</span>'


def _from_to(row: Row, measure: str, scale: float) -> str:
    found = [row.conditions.get(name, {}).get(measure) for name in ("before", "after")]
    return " → ".join("·" if estimate is None else f"{estimate.value * scale:.0f}" for estimate in found)


def changes(table: TransferTable) -> str:
    """What the gain of each tier is made of, and what it is compared with; empty without a change."""
    known = [name for name in CHANGES if any(name in row.changes for row in table.tiers)]
    if not known:
        return ""
    head = "".join(f'<th scope="col">{row.tier}</th>' for row in table.tiers)
    body = "".join(_change_row(name, table) for name in known)
    return scrolling(
        f"<thead><tr><th>points</th>{head}</tr></thead><tbody>{body}</tbody>",
        name="What the gain is made of",
        kind="narrow",
    )


TRAININGS = {
    "cold_start_gain": "cold start",
    "distil_gain": "distillation",
    "gain": "reinforcement learning",
    "fewshot_gain": "all of it, over few-shot",
}
"""Key of `Row.changes` -> the training that made it."""


def matrix(table: TransferTable) -> str:
    """Trainings by tiers; empty where there is only one, which the figures at the top show."""
    known = [name for name in TRAININGS if any(name in row.changes for row in table.tiers)]
    if len(known) < 2:
        return ""
    head = "".join(f'<th scope="col">{row.tier}</th>' for row in table.tiers)
    cells = {name: "".join(tinted(row.changes.get(name)) for row in table.tiers) for name in known}
    told = TRAININGS | ({"gain": BOTH.lower()} if distilled(table) else {})
    body = "".join(f'<tr><th scope="row">{told[name]}</th>{row}</tr>' for name, row in cells.items())
    head = f"<thead><tr><td></td>{head}</tr></thead>"
    return scrolling(f"{head}<tbody>{body}</tbody>", name="What each training carried to", kind="matrix")


def tinted(change: Estimate | None) -> str:
    """A cell of a matrix: the change, on a ground that is the deeper the larger it surely is."""
    if change is None:
        return NOTHING
    sure = 0.0 if change.sign == 0 else min(abs(change.low), abs(change.high))
    depth = min(45, round(sure * 100))
    return f'<td class="{tone(change)} tint" style="--depth:{depth}%">{_stacked(points(change))}</td>'


def _change_row(name: str, table: TransferTable) -> str:
    label, scale = CHANGES[name].strip(), 1 if name == "index" else 100
    found = [row.changes.get(name) for row in table.tiers]
    cells = (NOTHING if e is None else f'<td class="{tone(e)}">{_stacked(points(e, scale=scale))}</td>' for e in found)
    kind, shown = (' class="part"', f"of it, {label}") if name in PARTS else ("", label[0].upper() + label[1:])
    return f'<tr{kind}><th scope="row">{shown}</th>{"".join(cells)}</tr>'


def faults(table: TransferTable) -> str:
    """Shares of completions that the policy, or else the verifier, failed: per condition and tier."""
    groups = "".join(f'<th scope="colgroup" colspan="{len(table.tiers)}">{label}</th>' for label in FAULTS.values())
    tiers = "".join(f'<th scope="col">{row.tier}</th>' for row in table.tiers) * len(FAULTS)
    body = "".join(_fault_row(name, table) for name in table.conditions)
    head = f"<tr><td></td>{groups}</tr><tr><td></td>{tiers}</tr>"
    return scrolling(f"<thead>{head}</thead><tbody>{body}</tbody>", name="What went wrong", kind="grouped")


def _fault_row(condition: str, table: TransferTable) -> str:
    found = [row.conditions.get(condition, {}).get(name) for name in FAULTS for row in table.tiers]
    return f'<tr><th scope="row">{CONDITIONS[condition]}</th>{"".join(map(_fault, found))}</tr>'


def _fault(estimate: Estimate | None) -> str:
    if estimate is None:
        return NOTHING
    kind = ' class="none"' if estimate.value == 0 else ""
    shown = "<1" if 0 < estimate.value < 0.005 else f"{estimate.value * 100:.0f}"
    return f'<td{kind}>{shown.replace("<", "&lt;")}<span class="interval">{span(estimate)}</span></td>'


def under_attack(rows: Sequence[attacked.Row]) -> str:
    """Accuracy of every tier and condition clean, under each attack and under all; empty where nothing was attacked."""
    names = list(dict.fromkeys(name for row in rows for name in row.attacks))
    keys = ["clean", *(f"{name}.accuracy" for name in names), "mean", "any_fails"]
    labels = ("clean", *names, "mean", "any fails")
    head = "".join(f'<th scope="col">{escape(label, limit=60)}</th>' for label in labels)
    body = "".join(
        f'<tr><th scope="row">{row.tier.capitalize()}, {escape(CONDITIONS.get(row.condition, row.condition))}</th>'
        f"{''.join(_share(row.estimates.get(key)) for key in keys)}</tr>"
        for row in rows
    )
    return (
        scrolling(f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>", name="Under attack") if rows else ""
    )
