"""Where compute is spent, and what it buys: pure functions on problems, samples and budgets.

Shapes: J problems, B budgets, S samples of a problem.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ponder.measure.statistics.intervals import Array, Estimate
from ponder.measure.statistics.ranking import rank_correlation, rank_interval, ranked

CLOSE = 0.01
"""How far from its plateau a curve may be to have reached it."""


def spearman_within(tokens: ArrayLike, failures: ArrayLike, strata: ArrayLike) -> Estimate | None:
    """Spearman's rho of tokens `[J]` and failure rates `[J]` within strata, such as one depth; None as for one stratum.

    Ranks are taken within each stratum, scaled to (-1/2, 1/2) and pooled, so what differs between strata tells nothing;
    a stratum of one problem, or one in which all are alike, drops out. The interval is that of one rho of so many.
    """
    one, other = np.asarray(tokens, dtype=float), np.asarray(failures, dtype=float)
    own = np.asarray(strata)
    ranks: list[tuple[Array, Array]] = []
    for stratum in np.unique(own):
        chosen = own == stratum
        if chosen.sum() > 1 and np.ptp(one[chosen]) and np.ptp(other[chosen]):
            ranks.append((_centred(one[chosen]), _centred(other[chosen])))
    if not ranks:
        return None
    pooled = [np.concatenate(each) for each in zip(*ranks, strict=True)]
    count = len(pooled[0])
    if count < 4:
        return None
    rho = float((pooled[0] * pooled[1]).sum() / np.sqrt((pooled[0] ** 2).sum() * (pooled[1] ** 2).sum()))
    return rank_interval(rho, count)


def _centred(values: Array) -> Array:
    return ranked(values) / (len(values) + 1) - 0.5


def spearman(difficulties: ArrayLike, tokens: ArrayLike) -> Estimate | None:
    """Spearman's rho of problems' difficulties `[J]` and mean thinking tokens `[J]`; see `rank_correlation`."""
    return rank_correlation(difficulties, tokens, np.arange(np.size(difficulties)))


def after_answer(thinking: str, answer: str) -> float | None:
    """Share of the thinking, by characters, that comes after the answer first stood in it; None where it never did.

    The answer counts as a whole: no letter or digit beside it, and no colon behind it, by which lines are numbered. An
    earlier value that happens to equal it counts too, so this is the most that can have been written in vain.
    """
    wanted = answer.strip()
    if not wanted:
        return None
    found = re.search(rf"(?<![\w.]){re.escape(wanted)}(?![\w:]|\.\d)", thinking)
    if found is None and not wanted.isascii():  # scripts without spaces between words
        found = re.search(re.escape(wanted), thinking)
    return None if found is None else 1 - found.end() / len(thinking)


def at_matched(tokens: float, budgets: Sequence[tuple[float, float]]) -> float | None:
    """Accuracy that fixed budgets have at these mean tokens, between the two beside; None outside all of them.

    `budgets`: mean tokens and accuracy of each. Of those with equal tokens the best counts. A straight line between two
    is what giving each to a part of the problems comes to.
    """
    best: dict[float, float] = {}
    for spent, accuracy in budgets:
        best[spent] = max(accuracy, best.get(spent, accuracy))
    known = sorted(best)
    if not known or not known[0] <= tokens <= known[-1]:
        return None
    return float(np.interp(tokens, known, [best[each] for each in known]))


def plateau(curve: Sequence[float], *, close: float = CLOSE) -> int:
    """The smallest n whose value is within `close` of that of the largest; `curve[n - 1]` belongs to n."""
    assert curve, "a curve has a value"
    return next(n for n, value in enumerate(curve, 1) if abs(value - curve[-1]) <= close + 1e-12)


def oracle_allocation(accuracy_JB: Array, tokens_JB: Array, mean_tokens: float) -> NDArray[np.intp]:
    """A budget for each problem `[J]` that makes the mean accuracy largest for at most so many mean tokens.

    Each problem takes the budget of largest accuracy - price tokens, the cheaper of equal ones, at the least price at
    which the mean is kept: the best there is, up to the last problem that would not fit whole (Lagrange). Where even
    the cheapest are too many, they are taken.
    """
    prices = [0.0, *sorted(_prices(accuracy_JB, tokens_JB))]
    low, high = 0, len(prices) - 1
    while low < high:  # the tokens fall as the price rises
        middle = (low + high) // 2
        if _spent(accuracy_JB, tokens_JB, prices[middle]) <= mean_tokens:
            high = middle
        else:
            low = middle + 1
    return _chosen(accuracy_JB, tokens_JB, prices[low])


def _prices(accuracy_JB: Array, tokens_JB: Array) -> set[float]:
    """A little more than each price at which some problem would change its mind."""
    gained = accuracy_JB[:, :, None] - accuracy_JB[:, None, :]
    spent = tokens_JB[:, :, None] - tokens_JB[:, None, :]
    worth = gained[(gained > 0) & (spent > 0)] / spent[(gained > 0) & (spent > 0)]
    return {float(each) * (1 + 1e-9) for each in np.unique(worth)}


def _chosen(accuracy_JB: Array, tokens_JB: Array, price: float) -> NDArray[np.intp]:
    worth_JB = accuracy_JB - price * tokens_JB
    best_JB = worth_JB >= worth_JB.max(1, keepdims=True) - 1e-12
    return np.where(best_JB, tokens_JB, np.inf).argmin(1)


def _spent(accuracy_JB: Array, tokens_JB: Array, price: float) -> float:
    chosen = _chosen(accuracy_JB, tokens_JB, price)
    return float(np.take_along_axis(tokens_JB, chosen[:, None], 1).mean())
