"""Two runs side by side: what each measured, the difference paired by problem, and what changed between them.

Every function takes DuckDB connections that have the view `rollouts`. Problems are paired by id and content, so two
runs that configure a domain differently share none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from ponder.measure import statistics
from ponder.measure.statistics import Array, Estimate
from ponder.measure.transfer import CONDITIONS, MEASURES
from ponder.types import Tier

FREE = ("untouched", "before", "distilled", "after")
"""Conditions in which a model thinks as it likes, in the order in which they come about."""
END = "end"
"""Name of the last of them that a run has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One domain, or the average of a tier's domains, in one condition of both runs."""

    tier: str
    """What training saw of it; `FIRST / SECOND` where the runs differ in that."""
    domain: str
    """Name of the domain; empty for the tier's average."""
    condition: str
    """Key of `transfer.CONDITIONS`."""
    first: Estimate
    """Accuracy in the first run, over all its problems."""
    second: Estimate
    """Accuracy in the second run, over all its problems."""
    difference: Estimate | None
    """Second - first over the problems of both; None where they share none."""

    @property
    def decisive(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.difference is not None and self.difference.sign != 0


@dataclass(frozen=True, slots=True)
class _Side:
    """One domain in one condition of one run: values and problems `[N]` over completions."""

    tier: str
    values: Array
    problems: NDArray


_Sides = Mapping[tuple[str, str], _Side]
"""By domain and condition."""


def compare(first: DuckDBPyConnection, second: DuckDBPyConnection) -> list[Compared]:
    """Whatever both runs measured: by condition, the tiers' averages first, then the domains."""
    ours, theirs = _sides(first), _sides(second)
    rows = [_row(key, ours[key], theirs[key]) for key in ours if key in theirs]
    return [
        row
        for condition in CONDITIONS
        for own in [[row for row in rows if row.condition == condition]]
        for row in _averages(condition, own) + own
    ]


def compare_ends(first: DuckDBPyConnection, second: DuckDBPyConnection) -> list[Compared]:
    """A row for each domain that both asked of what they ended with, thinking as it likes; the condition is `END`.

    One run may end with its cold start and the other with reinforcement: what matters is what there is to be used.
    """
    ours, theirs = (_ends(_sides(each)) for each in (first, second))
    return [_row(key, ours[key], theirs[key]) for key in ours if key in theirs]


def _ends(sides: _Sides) -> _Sides:
    """Of the last condition in `FREE` that there is."""
    last = next((name for name in reversed(FREE) if any(condition == name for _, condition in sides)), None)
    return {(domain, END): side for (domain, condition), side in sides.items() if condition == last}


def changed(*manifests: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Dotted keys in which nested mappings differ, with the value of each; None where a key is not there."""
    flat = [_flat(manifest) for manifest in manifests]
    values = {key: tuple(own.get(key) for own in flat) for own in flat for key in own}
    return {key: own for key, own in values.items() if any(value != own[0] for value in own)}


def _row(key: tuple[str, str], ours: _Side, theirs: _Side) -> Compared:
    domain, condition = key
    return Compared(
        tier=ours.tier if ours.tier == theirs.tier else f"{ours.tier} / {theirs.tier}",
        domain=domain,
        condition=condition,
        first=statistics.proportion(ours.values, ours.problems),
        second=statistics.proportion(theirs.values, theirs.problems),
        difference=statistics.paired_difference(ours.values, ours.problems, theirs.values, theirs.problems),
    )


def _averages(condition: str, rows: list[Compared]) -> list[Compared]:
    """The tiers of several domains, which both runs must agree to be of that tier."""
    found = []
    for tier in Tier:
        own = [row for row in rows if row.tier == tier]
        if len(own) > 1:
            found.append(_average(condition, tier, own))
    return found


def _average(condition: str, tier: Tier, rows: list[Compared]) -> Compared:
    shared = [row.difference for row in rows if row.difference is not None]
    return Compared(
        tier=tier,
        domain="",
        condition=condition,
        first=statistics.average([row.first for row in rows]),
        second=statistics.average([row.second for row in rows]),
        difference=statistics.average(shared) if len(shared) == len(rows) else None,
    )


def _sides(con: DuckDBPyConnection) -> _Sides:
    cases = " ".join(
        f"when checkpoint = '{checkpoint}' and mode = '{mode}' then '{name}'"
        for name, (checkpoint, mode) in CONDITIONS.items()
    )
    columns = con.execute(
        f"select tier, domain, case {cases} end as condition, problem_id || ' ' || content as problem, "
        f"({MEASURES['accuracy'].sql})::double as value from rollouts "
        "where attack = 'none' and condition is not null and value is not null order by all"
    ).fetchnumpy()
    keys = sorted(set(zip(columns["domain"], columns["condition"], strict=True)))
    return {(str(domain), str(condition)): _side(columns, domain, condition) for domain, condition in keys}


def _side(columns: Mapping[str, NDArray], domain: str, condition: str) -> _Side:
    own = (columns["domain"] == domain) & (columns["condition"] == condition)
    values = np.asarray(columns["value"][own], dtype=float)
    return _Side(str(columns["tier"][own][0]), values, columns["problem"][own])


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(inner, f"{prefix}.{key}".lstrip("."))
    return found
