"""Searching for what breaks something: pure functions on which query breaks which problem.

Shapes: J problems, Q queries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ponder.measure.statistics.intervals import Array


def learned_order(broken_JQ: Array) -> list[int]:
    """Queries, best first: each is the one that breaks most of the problems which those before it have left.

    That is greedy covering, within 1 - 1/e of the best set of any size (Nemhauser et al. 1978). Once nothing is left
    that any of them breaks, the rest follow by how many they break in all; of equals the first.
    """
    left_J = np.ones(len(broken_JQ), dtype=bool)
    order: list[int] = []
    everywhere = broken_JQ.sum(0)
    while len(order) < broken_JQ.shape[1]:
        gains = broken_JQ[left_J].sum(0) + everywhere / (1 + everywhere.max(initial=0)) / 2
        gains[order] = -1
        order.append(int(gains.argmax()))
        left_J &= broken_JQ[:, order[-1]] == 0
    return order


def tries_until(broken_JQ: Array, order: list[int]) -> NDArray[np.floating]:
    """How many queries in this order break each problem `[J]`, the one that does it included; inf for never."""
    ordered = broken_JQ[:, order] > 0
    return np.where(ordered.any(1), ordered.argmax(1) + 1.0, np.inf)
