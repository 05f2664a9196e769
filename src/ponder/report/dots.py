"""Dots with intervals on two axes, as inline SVG without scripts: places are percentages, so nothing is squeezed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ponder.report.charts import MARKS, key
from ponder.report.text import escape

HEIGHT = 190
"""Pixels of the plot."""
TOP, BOTTOM = 6, 184
"""Where its axis ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One estimate."""

    across: float
    """Its place along the axis, from 0 to 1."""
    value: float
    """Its height, in the axis' unit; `low` and `high` likewise."""
    low: float
    """Lower end of its interval."""
    high: float
    """Upper end."""
    told: str
    """What is said of it where it is pointed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Dots that belong together."""

    kind: str
    """Class of their colour, without `c-`."""
    mark: str
    """Key of `MARKS`."""
    name: str
    """For the legend."""
    dots: Sequence[Dot]
    """From left to right."""
    joined: bool = True
    """Whether a line goes through them."""


def plot(series: Sequence[Series], *, ticks: Sequence[tuple[float, str]], top: float, ends: tuple[str, str]) -> str:
    """The dots on an axis from 0 to `top`; `ends`: its lowest and highest label; `ticks`: places and labels across."""
    grid = "".join(f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>' for y in _heights((0, 0.5, 1)))
    drawn = "".join(_series(each, top) for each in series)
    labels = "".join(f'<span style="left:{at:.1%}">{escape(label, limit=20)}</span>' for at, label in ticks)
    return (
        f'<div class="frame wide"><span class="high">{ends[1]}</span>'
        f'<svg class="dots" height="{HEIGHT}" aria-hidden="true">{grid}{drawn}</svg>'
        f'<span class="low">{ends[0]}</span></div><div class="ticks inset">{labels}</div>'
    )


def legend(series: Sequence[Series]) -> str:
    """Mark and name of each."""
    return f'<ul class="legend">{"".join(f"<li>{key(s.kind, s.mark)} {escape(s.name)}</li>" for s in series)}</ul>'


def ceiling(highest: float) -> float:
    """A round number that is not below `highest`: 1, 2 or 5 times a power of ten."""
    if not highest > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= highest)


def _heights(shares: Sequence[float]) -> list[float]:
    return [BOTTOM - share * (BOTTOM - TOP) for share in shares]


def _series(series: Series, top: float) -> str:
    line = "".join(_step(series, a, b, top) for a, b in zip(series.dots, series.dots[1:], strict=False))
    return (line if series.joined else "") + "".join(_dot(series, dot, top) for dot in series.dots)


def _step(series: Series, first: Dot, second: Dot, top: float) -> str:
    y1, y2 = _heights((_share(first.value, top), _share(second.value, top)))
    return (
        f'<line class="c-{series.kind} join" x1="{first.across:.2%}" x2="{second.across:.2%}" '
        f'y1="{y1:.1f}" y2="{y2:.1f}"/>'
    )


def _dot(series: Series, dot: Dot, top: float) -> str:
    y, low, high = _heights([_share(each, top) for each in (dot.value, dot.low, dot.high)])
    x = f"{dot.across:.2%}"
    whisker = f'<line class="c-{series.kind}" x1="{x}" x2="{x}" y1="{low:.1f}" y2="{high:.1f}"/>'
    mark = f'<path class="c-{series.kind}" d="{MARKS[series.mark]}"/>'
    place = f'<svg x="{x}" y="{y:.1f}" overflow="visible">{mark}</svg>'
    return f"<g><title>{escape(dot.told, limit=300)}</title>{whisker}{place}</g>"


def _share(value: float, top: float) -> float:
    return min(1.0, max(0.0, value / top)) if math.isfinite(value) else 0.0
