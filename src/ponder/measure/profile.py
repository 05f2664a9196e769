"""How uneven a change is over domains, and whether chance alone could have made it so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row, TransferTable

LEVEL = 0.05
"""Of the test that domains differ."""
QUANTILE = 1.96
"""A 95% interval is about as many standard errors to each side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A change, domain by domain."""

    change: str
    """Key of `transfer.PAIRS`."""
    spread: float
    """Standard deviation of the domains' changes, as it is seen."""
    chance: float
    """What it would be if all domains changed by the same: sampling alone."""
    p: float
    """How likely differences as large are where there are none (Cochran's Q, "The Combination of Estimates from
    Different Experiments", Biometrics 10, 1954)."""
    best: Row
    """The domain that changed for the better by most."""
    worst: Row
    """The one that did by least."""
    domains: int
    """How many."""

    @property
    def uneven(self) -> bool:
        """Whether domains surely differ."""
        return self.p < LEVEL

    def of(self, row: Row) -> Estimate:
        """That row's change."""
        return row.changes[self.change]


def profile(table: TransferTable, change: str) -> Profile | None:
    """The profile of a change; None with fewer than 3 domains that have it."""
    rows = sorted((row for row in table.domains if change in row.changes), key=lambda row: row.changes[change].value)
    if len(rows) < 3:
        return None
    values = np.array([row.changes[change].value for row in rows])
    errors = np.array([_error(row.changes[change]) for row in rows])
    weights = errors**-2
    centre = (weights * values).sum() / weights.sum()
    return Profile(
        change=change,
        spread=float(values.std(ddof=1)),
        chance=float(np.sqrt((errors**2).mean())),
        p=float(chdtrc(len(rows) - 1, (weights * (values - centre) ** 2).sum())),
        best=rows[-1],
        worst=rows[0],
        domains=len(rows),
    )


def _error(estimate: Estimate) -> float:
    """Standard error, from an interval that is never without width."""
    return max((estimate.high - estimate.low) / (2 * QUANTILE), 1e-9)
