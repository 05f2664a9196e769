"""The curves of growth as one SVG: seconds above, memory below, a column for each thing that grows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLUMN, ROW, PLOT_WIDTH, PLOT_HEIGHT, LEFT, TOP = 190, 170, 135, 110, 50, 40
"""Pixels: of a panel with its labels, of its plot alone, and of the margins before the first."""
PARTS = ("sample", "learn")
"""Lines of a panel."""
ROWS = (("seconds", "s", 1.0), ("peak_bytes", "GB", 1e9))
"""Key of a point's part, its unit, and what the unit holds of the key's."""
STYLE = (
    "text{font:11px sans-serif;fill:#777}.title{font-weight:bold}.axis{stroke:#999;stroke-width:1;fill:none}"
    ".sample{stroke:#2a78b8;fill:#2a78b8}.learn{stroke:#c2571a;fill:#c2571a}path.line{fill:none;stroke-width:2}"
    "text.sample,text.learn{stroke:none}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One quantity of one curve."""

    x: float
    """Left edge of the plot."""
    y: float
    """Its upper edge."""
    places: Sequence[str]
    """Labels below, evenly spaced."""
    lines: Mapping[str, Sequence[float]]
    """By part, a value for each place; all above 0."""
    unit: str
    """Of the values."""

    def draw(self) -> Iterator[str]:
        """Its elements: axes, labels, lines; the vertical axis is logarithmic."""
        yield f'<path class="axis" d="M{self.x} {self.y}v{PLOT_HEIGHT}h{PLOT_WIDTH}"/>'
        for number, place in enumerate(self.places):
            yield label(self.across(number), self.y + PLOT_HEIGHT + 14, place, anchor="middle")
        for value in ends(self.lines):
            yield label(self.x - 4, self.height(value) + 4, f"{value:.3g} {self.unit}", anchor="end")
        for part, values in self.lines.items():
            points = [(self.across(number), self.height(value)) for number, value in enumerate(values)]
            joined = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            yield f'<path class="line {part}" d="M{joined}"/>'
            yield from (f'<circle class="{part}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points)

    def across(self, number: int) -> float:
        """Where a place stands."""
        return self.x + PLOT_WIDTH * (number + 0.5) / len(self.places)

    def height(self, value: float) -> float:
        """Where a value stands."""
        low, high = (math.log(end) for end in ends(self.lines))
        return self.y + PLOT_HEIGHT * (1 - 0.1 - 0.8 * (math.log(value) - low) / ((high - low) or 1.0))


def ends(lines: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Least and largest value of all lines."""
    values = [value for line in lines.values() for value in line]
    return min(values), max(values)


def label(x: float, y: float, text: str, *, anchor: str = "start", name: str = "") -> str:
    """A piece of text."""
    return f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def panels(points: Sequence[Mapping[str, Any]]) -> Iterator[Panel]:
    """A panel for each quantity of each curve, in the order in which curves first come."""
    for column, curve in enumerate(dict.fromkeys(point["point"]["curve"] for point in points)):
        here = [point for point in points if point["point"]["curve"] == curve]
        for row, (key, unit, size) in enumerate(ROWS):
            yield Panel(
                x=LEFT + COLUMN * column,
                y=TOP + ROW * row,
                places=[point["point"]["value"] for point in here],
                lines={part: [point[part][key] / size for point in here] for part in PARTS},
                unit=unit,
            )


def svg(points: Sequence[Mapping[str, Any]]) -> str:
    """The whole picture."""
    curves = list(dict.fromkeys(point["point"]["curve"] for point in points))
    width, height = LEFT + COLUMN * len(curves), TOP + ROW * len(ROWS)
    titles = [label(LEFT + COLUMN * n, 14, curve, name="title") for n, curve in enumerate(curves)]
    legend = [label(LEFT + COLUMN * n, 28, part, name=part) for n, part in enumerate(PARTS)]
    drawn = [element for panel in panels(points) for element in panel.draw()]
    body = "".join([f"<style>{STYLE}</style>", *titles, *legend, *drawn])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Seconds and peak memory of sampling and learning as {", ".join(curves)} grow">{body}</svg>\n'
    )
