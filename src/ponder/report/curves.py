"""Learning curves as small multiples, from the metrics of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ponder.report.charts import curve, thinned
from ponder.report.frame import folded, scrolling
from ponder.report.metrics import CURVES, STAGES, Curve, Metrics, bounds, by_stage, mean, number
from ponder.report.text import escape

LISTED = 20
"""Rows of the table behind a stage's curves."""


def curves(metrics: Metrics) -> str:
    """A small chart for each metric of each stage; empty where no metric has two values."""
    return "".join(_stage(stage, rows) for stage, rows in by_stage(metrics).items())


def _stage(stage: str, rows: Metrics) -> str:
    found = {name: [number(row.get(name)) for row in rows] for name in CURVES}
    drawn = {name: values for name, values in found.items() if sum(map(math.isfinite, values)) > 1}
    if not drawn:
        return ""
    steps = (int(rows[0]["step"]), int(rows[-1]["step"]))
    figures = "".join(_figure(CURVES[name], values, steps) for name, values in drawn.items())
    title = escape(STAGES.get(stage, stage), limit=60)
    table = folded("The numbers behind it", _table(title, drawn, rows))
    return f'<h3>{title}</h3><div class="multiples">{figures}</div>{table}'


def _table(title: str, drawn: Mapping[str, Sequence[float]], rows: Metrics) -> str:
    """A row for each step, or for as many steps in a row as leave `LISTED`, with their means."""
    size = math.ceil(len(rows) / LISTED)
    head = "".join(f'<th scope="col">{CURVES[name].label}</th>' for name in drawn)
    body = "".join(_row(rows[at : at + size], drawn, at) for at in range(0, len(rows), size))
    return scrolling(
        f'<thead><tr><th scope="col">step</th>{head}</tr></thead><tbody>{body}</tbody>', name=f"Curves: {title}"
    )


def _row(rows: Metrics, drawn: Mapping[str, Sequence[float]], at: int) -> str:
    first, last = int(rows[0]["step"]), int(rows[-1]["step"])
    means = {name: mean(values[at : at + len(rows)]) for name, values in drawn.items()}
    cells = "".join(
        f"<td>{_shown(value, CURVES[name].form) if math.isfinite(value) else '·'}</td>" for name, value in means.items()
    )
    return f'<tr><th scope="row">{first if first == last else f"{first} to {last}"}</th>{cells}</tr>'


def _figure(kind: Curve, values: Sequence[float], steps: tuple[int, int]) -> str:
    low, high = bounds(thinned(values), kind.ceiling)
    finite = [value for value in values if math.isfinite(value)]
    first, last, top, bottom = (_shown(value, kind.form) for value in (finite[0], finite[-1], high, low))
    said = f"{kind.label}: {first} at first, {last} at last"
    return (
        f"<figure><figcaption>{kind.label} <b>{first} → {last}</b></figcaption>"
        f'<div class="frame" role="img" aria-label="{said}"><span class="high">{top}</span>'
        f'{curve(values, ceiling=kind.ceiling)}<span class="low">{bottom}</span></div>'
        f'<div class="steps"><span>step {steps[0]}</span><span>{steps[1]}</span></div></figure>'
    )


def _shown(value: float, form: str) -> str:
    return format(value, form).replace("-", "−") if value else "0"
