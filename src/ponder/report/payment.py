"""Who paid, and whether what was paid was right: the two as curves, the alarm, and what the verifier accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ponder.measure import fitness
from ponder.report.charts import overlay
from ponder.report.frame import scrolling
from ponder.report.metrics import Metrics, number
from ponder.report.text import escape
from ponder.runs.result import Number

Numbers = Mapping[str, Number]

WATCHED = {
    "watch.gap.opening": "paid less right, in the opening",
    "watch.gap.last": "paid less right, at the end",
    "watch.alarm_step": "step at which the alarm sounded",
    "watch.gold_lost": "right answers lost by then",
    "watch.false_share": "replays without drift in which it sounds",
    "judge.before.all.tpr": "right answers accepted, before",
    "judge.before.all.fpr": "wrong answers accepted, before",
    "judge.before.all.j": "J = the one less the other, before",
    "judge.after.all.tpr": "right answers accepted, after",
    "judge.after.all.fpr": "wrong answers accepted, after",
    "judge.after.all.j": "J, after",
    "audit.tpr": "right answers accepted, in its audit",
    "audit.fpr": "wrong answers accepted, in its audit",
    "audit.j": "J, in its audit",
    "audit.tricks.held_out.fpr": "held-out tricks that pass, in its audit",
}
"""Name of a number in `result.json` -> its label, in this order."""


def payer(recipe: Mapping[str, Any]) -> str:
    """Name of the verifier that paid in the place of the domains' own; empty where these did."""
    rl = recipe.get("rl")
    return str(rl["paid_by"]) if isinstance(rl, dict) and rl.get("paid_by") else ""


def section(name: str, metrics: Metrics, numbers: Numbers) -> str:
    """Curves of what was paid and what was right, and the numbers of the verifier; empty where gold paid."""
    rows = [row for row in metrics if row.get("stage") == "reinforce" and math.isfinite(number(row.get("gold")))]
    if not name and all(row["gold"] == row.get("reward") for row in rows):
        rows = []  # gold itself paid
    known = {label: numbers[key] for key, label in WATCHED.items() if key in numbers}
    if not known and not rows:
        return ""
    card = _card(numbers)
    return f"{card}{_curves(name, rows, numbers) if len(rows) > 1 else ''}{_table(known)}"


def _card(numbers: Numbers) -> str:
    """What an audit in this run says the verifier is fit for; empty without one."""
    if "audit.j" not in numbers:
        return ""
    weakest = fitness.weakest(numbers)
    told = [fitness.fitness(numbers).sentence, *([weakest] if weakest else [])]
    return "".join(f'<p class="lede">{escape(text, limit=800)}</p>' for text in told)


def _curves(name: str, rows: Metrics, numbers: Numbers) -> str:
    paid, right = ([number(row.get(key)) for row in rows] for key in ("reward", "gold"))
    first, last = int(rows[0]["step"]), int(rows[-1]["step"])
    alarm = numbers.get("watch.alarm_step")
    at = None if alarm is None or alarm.value is None or last == first else (alarm.value - first) / (last - first)
    drawn = overlay({"paid": paid, "gold": right}, ceiling=max(1.0, *filter(math.isfinite, paid)), at=at)
    sounded = "" if at is None else f"; upright: the alarm, step {alarm.value:.0f}" if alarm and alarm.value else ""
    payer = f"by {escape(name, limit=60)}" if name else "by the verifier"
    said = f"paid {payer}: {_ends(paid)}; right by gold: {_ends(right)}{sounded}"
    return (
        f'<ul class="legend"><li><i class="line c-paid"></i> paid {payer}, <b>{_ends(paid)}</b></li>'
        f'<li><i class="line c-gold"></i> right, by gold, <b>{_ends(right)}</b></li></ul>'
        f'<figure class="tall"><div class="frame" role="img" aria-label="{said}"><span class="high">1</span>{drawn}'
        f'<span class="low">0</span></div><div class="steps"><span>step {first}</span><span>{last}</span></div>'
        "</figure>"
        f'<p class="note">Mean over the rollouts of a step{sounded}. Thick: smoothed. The numbers stand under '
        "<i>How it learned</i>.</p>"
    )


def _ends(values: Sequence[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    return f"{finite[0]:.2f} → {finite[-1]:.2f}" if finite else "·"


def _table(known: Numbers) -> str:
    if not known:
        return ""
    rows = "".join(f'<tr><th scope="row">{label}</th>{_cells(value)}</tr>' for label, value in known.items())
    head = '<td></td><th scope="col">value</th><th scope="col">95% interval</th><th scope="col">n</th>'
    table = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return scrolling(table, name="What the verifier accepts", kind="narrow")


def _cells(value: Number) -> str:
    if value.value is None:
        return '<td class="none">·</td><td></td><td></td>'
    shown = f"{value.value:.0f}" if value.unit == "step" else f"{value.value:.2f}"
    interval = "" if value.low is None or value.high is None else f"{value.low:.2f} to {value.high:.2f}"
    return f"<td>{shown}</td><td>{interval}</td><td>{value.n}</td>"


def sentence(name: str, numbers: Numbers) -> str:
    """Whether what was paid left behind what is right, no stronger than the intervals; empty where nobody watched."""
    opening, last, alarm = (numbers.get(f"watch.{key}") for key in ("gap.opening", "gap.last", "alarm"))
    if not (opening and last) or None in (opening.low, opening.high, last.low, last.high, opening.value, last.value):
        return ""
    who = f"the verifier {escape(name, limit=60)}" if name else "the verifier"
    sizes = f"{_told(opening)} in the opening and {_told(last)} at the end"
    assert last.low is not None and opening.high is not None, "looked at above"
    if last.low > opening.high:
        told = f"What {who} pays left behind what is right: the gap between them was {sizes}"
    else:
        told = f"That what {who} pays left behind what is right cannot be told: the gap between them was {sizes}"
    step = numbers.get("watch.alarm_step")
    sounded = f"the alarm sounded at step {step.value:.0f}" if step and step.value is not None else "no alarm sounded"
    return f"{told}; {sounded}." if alarm else f"{told}."


def _told(number: Number) -> str:
    assert number.value is not None and number.low is not None and number.high is not None, "checked by the caller"
    return f"{number.value:.2f} [{number.low:.2f}, {number.high:.2f}]"
