"""Charts as inline SVG, without scripts: places are percentages, so nothing is squeezed on a phone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row
from ponder.report.metrics import bounds, mean
from ponder.report.text import CONDITIONS, escape, percent, span

PITCH = 9
"""Pixels between the whiskers of one row."""

MARKS = {
    "untouched": "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z",
    "fewshot": "M-3.2-3.2h6.4v6.4h-6.4z",
    "before": "M-3.9 0a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0-7.8 0z",
    "forced": "M0-4.8 4.8 0 0 4.8-4.8 0z",
    "distilled": "M0-4.8 4.6 3.6-4.6 3.6z",
    "after": "M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0z",
}
"""Outline of each condition's mark, around its own origin: shape tells them apart where colour does not."""

CURVE = '<svg class="curve" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">'

WIDEST = 240
"""Points of a curve; of a longer one, neighbours are averaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """An estimate of a share, and how it is drawn."""

    kind: str
    """Class of its colour, without `c-`."""
    mark: str
    """Key of `MARKS`."""
    name: str
    """What it is called."""
    estimate: Estimate | None
    """None leaves its place empty."""


def whiskers(row: Row, conditions: Sequence[str]) -> str:
    """Accuracy of a row in each condition, one whisker under the other, on an axis from 0 to 100%."""
    return strip(
        [Whisker(kind=name, mark=name, name=CONDITIONS[name], estimate=row.accuracy(name)) for name in conditions]
    )


def strip(found: Sequence[Whisker]) -> str:
    """Whiskers one under the other, on an axis from 0 to 100%."""
    height = PITCH * len(found) + 8
    grid = "".join(f'<line class="grid" x1="{x}%" x2="{x}%" y1="0" y2="100%"/>' for x in (0, 25, 50, 75, 100))
    lines = "".join(_whisker(each, PITCH * index + 8.5) for index, each in enumerate(found))
    said = "; ".join(f"{escape(each.name, limit=60)} {_said(each.estimate)}" for each in found if each.estimate)
    return f'<svg class="whiskers" height="{height}" role="img" aria-label="{said}">{grid}{lines}</svg>'


def key(kind: str, mark: str) -> str:
    """A mark by itself, for a legend."""
    return f'<svg class="key" width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">{_mark(kind, mark)}</svg>'


def _whisker(whisker: Whisker, y: float) -> str:
    estimate = whisker.estimate
    if estimate is None:
        return ""
    ends = f'x1="{estimate.low:.2%}" x2="{estimate.high:.2%}" y1="{y}" y2="{y}"'
    place = f'<svg x="{estimate.value:.2%}" y="{y}" overflow="visible">{_mark(whisker.kind, whisker.mark)}</svg>'
    told = f"{escape(whisker.name, limit=60)}: {_said(estimate)}"
    return f'<g><title>{told}</title><line class="c-{whisker.kind}" {ends}/>{place}</g>'


def _mark(kind: str, mark: str) -> str:
    return f'<path class="c-{kind}" d="{MARKS[mark]}"/>'


def _said(estimate: Estimate) -> str:
    return f"{percent(estimate.value)}, 95% interval {span(estimate)}, {estimate.n} problems"


def curve(values: Sequence[float | None], *, ceiling: float | None = None) -> str:
    """Values against steps: a thin line through every one, a thick one through means of their neighbours.

    The axis begins at 0 unless a value is negative, and ends at `ceiling` or the largest value. NaN, None and
    infinities are gaps.
    """
    thin = thinned([math.nan if value is None or not math.isfinite(value) else value for value in values])
    low, high = bounds(thin, ceiling)
    lines = [("thin", thin), ("thick", smoothed(thin))] if len(thin) >= 12 else [("thick", thin)]
    drawn = "".join(_line(name, line, low, high) for name, line in lines)
    return f"{CURVE}{drawn}</svg>"


def overlay(lines: Mapping[str, Sequence[float]], *, ceiling: float, at: float | None = None) -> str:
    """Several curves of one length on one axis from 0 to `ceiling`; a line upright at the share `at` of the steps."""
    upright = "" if at is None else f'<path class="alarm" d="M{at * 100:.2f} 0V40"/>'
    drawn = "".join(
        _line(f"c-{kind} {weight}", line, 0.0, ceiling)
        for kind, values in lines.items()
        for weight, line in (("thin", thinned(values)), ("thick", smoothed(thinned(values))))
    )
    return (
        f'<svg class="curve" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">{upright}{drawn}</svg>'
    )


def thinned(values: Sequence[float]) -> list[float]:
    """At most `WIDEST` values, each the mean of as many neighbours."""
    size = math.ceil(len(values) / WIDEST)
    return [mean(values[start : start + size]) for start in range(0, len(values), size)]


def smoothed(values: Sequence[float]) -> list[float]:
    """Each value's mean with its neighbours, a twelfth of the curve in all; gaps stay gaps."""
    arm = max(1, len(values) // 24)
    means = [mean(values[max(0, at - arm) : at + arm + 1]) for at in range(len(values))]
    return [mean if math.isfinite(value) else math.nan for mean, value in zip(means, values, strict=True)]


def _line(name: str, values: Sequence[float], low: float, high: float) -> str:
    step = 100 / max(1, len(values) - 1)
    commands, pen = [], "M"
    for index, value in enumerate(values):
        if math.isfinite(value):
            commands.append(f"{pen}{index * step:.2f} {39 - 38 * (value - low) / (high - low):.2f}")
        pen = "L" if math.isfinite(value) else "M"
    return f'<path class="{name}" d="{"".join(commands)}"/>'
