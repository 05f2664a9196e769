"""Square charts of two shares as inline SVG, without scripts: a ROC curve, a reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ponder.measure.statistics import Array, wilson

STYLE = "display:block;width:100%;max-width:19rem;overflow:visible"
LINE = "fill:none;stroke:var(--before);stroke-width:1.8;vector-effect:non-scaling-stroke;stroke-linejoin:round"
QUANTILE = 1.96
"""Of the whiskers of a bin."""


def roc(values: ArrayLike, right: ArrayLike) -> str:
    """Share of right answers accepted against share of wrong ones, over all thresholds."""
    points = roc_points(values, right)
    line = "M" + "L".join(f"{x * 100:.2f} {100 - y * 100:.2f}" for x, y in points)
    return _square(f'<path style="{LINE}" d="{line}"/>', "wrong answers accepted", "right answers accepted")


def roc_points(values: ArrayLike, right: ArrayLike) -> list[tuple[float, float]]:
    """False and true positive rate from the strictest threshold, (0, 0), to the loosest, (1, 1)."""
    each, is_right = np.asarray(values, dtype=float), np.asarray(right, dtype=bool)
    shares = [
        (float((each[~is_right] >= t).mean()), float((each[is_right] >= t).mean())) for t in np.unique(each)[::-1]
    ]
    return [(0.0, 0.0), *shares]


def reliability(binned: Array) -> str:
    """Share of right answers against the mean value, a mark for each bin `[BINS, 3]` that has answers."""
    marks = "".join(_bin(*map(float, row)) for row in binned if row[0])
    return _square(marks, "mean value", "right answers")


def _bin(count: float, values: float, right: float) -> str:
    x, share = 100 * values / count, right / count
    low, high = wilson(share, count, QUANTILE)
    whisker = f'<path style="{LINE}" d="M{x:.2f} {100 - 100 * low:.2f}V{100 - 100 * high:.2f}"/>'
    told = f"<title>mean value {x:.0f}%, right {share * 100:.0f}%, {count:.0f} answers</title>"
    mark = f'<circle style="fill:var(--before)" cx="{x:.2f}" cy="{100 - 100 * share:.2f}" r="1.9"/>'
    number = f'<text x="{x:.2f}" y="108" style="{_TEXT};text-anchor:middle">{count:.0f}</text>'
    return f"<g>{told}{whisker}{mark}{number}</g>"


_TEXT = "font:4px var(--sans);fill:var(--soft)"


def _square(drawn: str, across: str, up: str) -> str:
    """A frame from 0 to 100% both ways, with its diagonal."""
    ends: Sequence[float] = (0, 25, 50, 75, 100)
    grid = "".join(f'<path class="grid" style="stroke-width:.4" d="M{at} 0V100M0 {at}H100"/>' for at in ends)
    diagonal = '<path class="grid" style="stroke-width:.8;stroke-dasharray:2 2" d="M0 100L100 0"/>'
    return (
        f'<svg viewBox="-4 -4 108 116" role="img" aria-label="{up} against {across}" style="{STYLE}">'
        f"{grid}{diagonal}{drawn}</svg>"
        f'<p class="note">Up: {up}, 0 to 100%. Across: {across}, 0 to 100%.</p>'
    )
