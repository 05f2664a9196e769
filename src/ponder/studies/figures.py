"""A study's figures: means over seeds with 95% t intervals, as SVG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from ponder.measure.statistics import Estimate, over_seeds
from ponder.studies.schema import Figure, words_of
from ponder.types import PonderError

Found = Mapping[str, Mapping[str, Mapping[int, float]]]
"""Arm -> number -> seed -> its value."""
Lines = Mapping[str, list[Estimate | None]]
"""Label -> what stands at each place of the axis."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ponder",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
}
COLOURS = ("#0b62a4", "#d1580b", "#2e8b57", "#9a4f96", "#8a6d1d", "#c23b53", "#5d6d7e", "#17a2b8", "#7f7f7f", "#333333")
MARKERS = "osD^vPX<>p"
DECADE = 10.0
"""Ratio of the largest place to the smallest from which on the axis is logarithmic."""
PANEL, HEIGHT, SQUARE, LEGEND = 3.6, 2.9, 3.6, 1.6
"""Inches."""


def check_drawable(figures: Sequence[Figure]) -> None:
    """Raise PonderError where there are figures and nothing to draw them with."""
    if figures and find_spec("matplotlib") is None:
        raise PonderError(f"figures: {figures[0].file} needs matplotlib; pip install 'ponder[figures]'")


def drawn(figure: Figure, each: Mapping[str, list[str]], found: Found) -> bytes:
    """The figure as SVG; the same numbers give the same bytes."""
    from matplotlib import rc_context  # an extra: see `check_drawable`
    from matplotlib.figure import Figure as Canvas

    with rc_context(STYLE):
        canvas = Canvas(layout="constrained")
        axes = _points(canvas, figure, found) if figure.against else _lines(canvas, figure, each, found)
        axes.set_ylabel(figure.unit)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False)
        file = io.BytesIO()
        canvas.savefig(file, format="svg", metadata={"Date": None, "Title": figure.says})
    return file.getvalue()


def _points(canvas: Any, figure: Figure, found: Found) -> Any:
    """A point for each arm that has both numbers, with an interval in both directions; the axes they stand in."""
    canvas.set_size_inches(SQUARE + LEGEND, SQUARE)
    axes = canvas.subplots()
    for index, arm in enumerate(figure.arms):
        up, across = (found[arm][name] for name in (figure.number, figure.against) if name)
        if up and across:
            x, y = over_seeds(across), over_seeds(up)
            bars = {"xerr": _arms((x,)), "yerr": _arms((y,))}
            looks = {"label": arm, "markersize": 7, "linewidth": 0, "mec": "white", "mew": 0.5}
            _errorbar(axes, index, [x.value], [y.value], **bars, **looks)
    axes.set_xlabel(figure.against_unit or figure.against)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.axhline(0, color="#999", linewidth=0.8)
    return axes


def _errorbar(axes: Any, index: int, across: Sequence[float], up: Sequence[float], **looks: Any) -> None:
    """In the colour and with the mark that stand at `index`."""
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
    axes.errorbar(across, up, color=colour, marker=marker, elinewidth=1, **looks)


def _lines(canvas: Any, figure: Figure, each: Mapping[str, list[str]], found: Found) -> Any:
    """Numbers along a word, in as many panels as they need; the axes of the first."""
    places, panels = each[figure.word], dict(panels_of(figure, each, found))
    labels = list(dict.fromkeys(label for lines in panels.values() for label in lines))
    canvas.set_size_inches(PANEL * len(panels) + LEGEND, HEIGHT)
    row = canvas.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, lines) in zip(row, panels.items(), strict=True):
        axes.set_title(title, fontsize=9, fontweight="bold", loc="left")
        axes.set_xlabel(figure.word if title else "")
        _panel(axes, places, lines, labels)
    return row[0]


def panels_of(figure: Figure, each: Mapping[str, list[str]], found: Found) -> Iterator[tuple[str, Lines]]:
    """Title and lines of each panel: one for each arm where the number has a further word, else one for all."""
    further = [word for word in words_of(figure.number, each) if word != figure.word]
    if not further:
        yield "", {arm: _estimates(figure, each, found[arm], figure.number) for arm in figure.arms}
        return
    for arm in figure.arms:
        names = {value: figure.number.replace(f"{{{further[0]}}}", value) for value in each[further[0]]}
        yield arm, {value: _estimates(figure, each, found[arm], name) for value, name in names.items()}


def _estimates(
    figure: Figure, each: Mapping[str, list[str]], values: Mapping[str, Mapping[int, float]], name: str
) -> list[Estimate | None]:
    asked = (values.get(name.replace(f"{{{figure.word}}}", place)) for place in each[figure.word])
    return [over_seeds(by_seed) if by_seed else None for by_seed in asked]


def _panel(axes: Any, places: list[str], lines: Lines, labels: list[str]) -> None:
    """Lines over numbers, marks side by side over words."""
    numeric = all(place.replace(".", "", 1).isdigit() for place in places)
    spread = 0.0 if numeric else 0.6 / len(labels)
    for index, label in enumerate(labels):
        points = [
            (float(place) if numeric else at + spread * (index - (len(labels) - 1) / 2), estimate)
            for at, (place, estimate) in enumerate(zip(places, lines.get(label, []), strict=False))
            if estimate
        ]
        if points:
            across, estimates = zip(*points, strict=True)
            looks = {"label": label, "markersize": 4, "linewidth": 1.4 if numeric else 0}
            _errorbar(axes, index, across, [e.value for e in estimates], yerr=_arms(estimates), **looks)
    if numeric:
        values = [float(place) for place in places]
        if 0 < DECADE * min(values) <= max(values):
            axes.set_xscale("log", base=2)
        axes.set_xticks(values, places)
    else:
        axes.set_xticks(range(len(places)), places)
        axes.axhline(0, color="#999", linewidth=0.8)


def _arms(estimates: tuple[Estimate, ...]) -> list[list[float]]:
    """What lies below and above each value; nothing for one seed alone."""
    bounded = [(e.value - e.low, e.high - e.value) if e.n > 1 else (0.0, 0.0) for e in estimates]
    return [[low for low, _ in bounded], [high for _, high in bounded]]
