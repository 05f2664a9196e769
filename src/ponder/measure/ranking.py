"""Several runs in order, tier by tier, and which places in that order are sure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from duckdb import DuckDBPyConnection

from ponder.measure import comparison
from ponder.measure.comparison import Compared
from ponder.measure.profile import QUANTILE
from ponder.measure.statistics import Estimate, average, holm
from ponder.types import Tier

LEVEL = 0.05
"""Of all differences of a tier together."""

Pairs = Mapping[tuple[int, int], Sequence[Compared]]
"""Places of two runs, the earlier first -> a row for each domain of both, second less first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the runs stand in one tier."""

    tier: str
    """What training saw of its domains in the first run."""
    domains: tuple[str, ...]
    """Those that all runs were measured on."""
    order: tuple[int, ...]
    """Places of the runs, best first."""
    accuracy: Mapping[int, Estimate]
    """Of each."""
    differences: Mapping[tuple[int, int], Estimate]
    """Better run, worse run -> by how much, paired by problem."""
    sure: frozenset[tuple[int, int]]
    """Those that are surely more than 0, corrected for how many there are (Holm)."""

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The order cut where everyone before surely beats everyone after; runs of a group have no sure order."""
        cuts = [at for at in range(1, len(self.order)) if self._parted(at)]
        ends = [0, *cuts, len(self.order)]
        return tuple(self.order[a:b] for a, b in pairwise(ends))

    def _parted(self, at: int) -> bool:
        return all((better, worse) in self.sure for better in self.order[:at] for worse in self.order[at:])


def pairs(connections: Sequence[DuckDBPyConnection]) -> Pairs:
    """What every two runs ended with, compared."""
    return {
        (a, b): comparison.compare_ends(connections[a], connections[b])
        for a, b in combinations(range(len(connections)), 2)
    }


def standings(found: Pairs) -> list[Standing]:
    """A standing for each tier of the first run, over the domains that all pairs share."""
    tiers = {row.domain: row.tier.partition(" / ")[0] for (a, _), rows in found.items() if a == 0 for row in rows}
    shared = set.intersection(*({row.domain for row in rows if row.difference is not None} for rows in found.values()))
    own = {tier: sorted(domain for domain in shared if tiers[domain] == tier) for tier in Tier}
    return [_standing(tier, domains, found) for tier, domains in own.items() if domains]


def _standing(tier: str, domains: Sequence[str], found: Pairs) -> Standing:
    rows = {pair: [row for row in own if row.domain in domains] for pair, own in found.items()}
    accuracy = {}
    for (a, b), own in rows.items():
        accuracy[a] = average([row.first for row in own])
        accuracy[b] = average([row.second for row in own])
    order = tuple(sorted(accuracy, key=lambda at: (-accuracy[at].value, at)))
    differences = {}
    for (a, b), own in rows.items():
        difference = average([row.difference for row in own if row.difference is not None])
        ahead = order.index(b) < order.index(a)
        differences[(b, a) if ahead else (a, b)] = difference if ahead else _turned(difference)
    adjusted = holm({f"{a} {b}": _p(each) for (a, b), each in differences.items()})
    sure = {pair for pair in differences if adjusted[f"{pair[0]} {pair[1]}"] < LEVEL and differences[pair].value > 0}
    return Standing(
        tier=tier,
        domains=tuple(domains),
        order=order,
        accuracy=accuracy,
        differences=differences,
        sure=frozenset(sure),
    )


def _turned(e: Estimate) -> Estimate:
    return Estimate(-e.value, -e.high, -e.low, e.n)


def _p(e: Estimate) -> float:
    """Two-sided p-value of no difference, from the arm of the interval that points at 0."""
    arm = e.value - e.low if e.value > 0 else e.high - e.value
    return math.erfc(abs(e.value) / max(arm, 1e-9) * QUANTILE / math.sqrt(2))
