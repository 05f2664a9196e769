"""How much of a completion is thinking: the budget realised, counted in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def inside(pieces: Sequence[str], open: str, close: str, opened: bool) -> tuple[int, bool]:
    """How many tokens lie inside the thinking block, and whether it is closed.

    `pieces`: the text that each token adds. A token lies inside when any of its characters stands after the opening
    mark and before the closing one, so one that joins letters across a mark counts; one that adds no text is the first
    bytes of the character that follows, and goes where that goes. Without `opened` (the prompt has opened the block)
    the opening mark must be the first thing said; where it is not, there is no block: 0 and False.
    """
    text = "".join(pieces)
    start = 0 if opened else len(text) - len(text.lstrip()) + len(open)
    if not opened and not text.lstrip().startswith(open):
        return 0, False
    mark = text.find(close, start)
    stop = len(text) if mark < 0 else mark
    ends = list(accumulate(map(len, pieces)))
    spans = zip([0, *ends], ends, strict=False)
    return sum(first < stop > start and max(last, first + 1) > start for first, last in spans), mark >= 0
