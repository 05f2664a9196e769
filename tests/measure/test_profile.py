"""How uneven a change is: spread, what chance would make of it, and the domains at both ends."""

from __future__ import annotations

import math

import pytest

from ponder.measure.profile import profile
from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row, TransferTable


def table(changes: dict[str, float], half: float) -> TransferTable:
    """Domains of one tier whose gains have intervals of this half-width."""
    rows = [
        Row(tier="trained", domain=name, conditions={}, changes={"gain": Estimate(v, v - half, v + half, 100)})
        for name, v in changes.items()
    ]
    return TransferTable(tiers=(), domains=tuple(rows))


def test_spread_is_set_against_what_sampling_would_make():
    found = profile(table({"low": -0.1, "mid": 0.2, "high": 0.5}, 0.098), "gain")
    assert found and found.worst.domain == "low" and found.best.domain == "high" and found.domains == 3
    assert found.spread == pytest.approx(0.3)  # of -.1, .2 and .5, about their mean .2
    assert found.chance == pytest.approx(0.05)  # .098 / 1.96
    # Q = (.3^2 + 0 + .3^2) / .05^2 = 72 on 2 degrees of freedom, of which the tail is exp(-72 / 2)
    assert found.p == pytest.approx(math.exp(-36)) and found.uneven


def test_domains_that_chance_can_explain_are_not_uneven():
    found = profile(table({"a": 0.15, "b": 0.2, "c": 0.25}, 0.098), "gain")
    assert found and found.p == pytest.approx(math.exp(-1)) and not found.uneven  # Q = 2


def test_two_domains_have_no_profile():
    assert profile(table({"a": 0.1, "b": 0.2}, 0.1), "gain") is None
    assert profile(table({"a": 0.1, "b": 0.2, "c": 0.3}, 0.1), "forced_gain") is None
