"""What attacks do to accuracy, as queries on the measured rollouts: each of them, their mean, and whether any succeeds.

A variant is an attack at a strength. As in `measure.transfer` a problem weighs the same however many of its samples
could be judged, and a tier is the average of its domains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from ponder.measure import statistics
from ponder.measure.statistics import Array, Estimate
from ponder.measure.suite import named
from ponder.measure.transfer import CONDITIONS, MEASURES
from ponder.runs.query import quoted
from ponder.runs.result import Number
from ponder.types import Tier

RIGHT = f"({MEASURES['accuracy'].sql})::double"
ASKED = """select tier, checkpoint, mode, list(distinct attack order by attack) as names,
  list(distinct (attack, strength) order by (attack, strength)) as variants
  from rollouts where attack <> 'none' and mode <> 'budget' group by all"""

Columns = Mapping[str, NDArray]
"""Columns `[N]`: domain, problem_id and v, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A tier in one condition."""

    tier: str
    """What training saw of its domains."""
    condition: str
    """Key of `transfer.CONDITIONS`, or its like for a further mode."""
    attacks: tuple[str, ...]
    """By name: what it was asked under."""
    estimates: Mapping[str, Estimate]
    """`clean`, `NAME.accuracy`, `NAME@STRENGTH.accuracy` where there are several, `mean`, `any_fails` and `change`."""
    queries: Mapping[str, str]
    """SQL on `rollouts` that gives each value again."""


def table(con: DuckDBPyConnection) -> list[Row]:
    """A row for each tier and condition that was attacked; none where a suite has no attacks.

    `any_fails`: share of problems that at least one variant gets a wrong answer to; where a problem has several
    samples, sample g of each variant goes with sample g of the others, and the shares are averaged. Variants count
    equally in `mean`. `change`: mean less clean, paired by problem.
    """
    rows = []
    for tier, checkpoint, mode, names, variants in con.execute(ASKED).fetchall():
        cell = f"tier = {quoted(tier)} and checkpoint = {quoted(checkpoint)} and mode = {quoted(mode)}"
        sources = _sources(cell, names, variants)
        found = {key: con.execute(f"{sql} order by all").fetchnumpy() for key, sql in sources.items()}
        row = Row(
            tier=tier,
            condition=named(checkpoint, mode),
            attacks=tuple(names),
            estimates={key: _by_domain(columns) for key, columns in found.items() if len(columns["v"])}
            | _change(found["clean"], found["mean"]),
            queries={key: _average(sql) for key, sql in sources.items()}
            | {"change": _paired(sources["clean"], sources["mean"])},
        )
        rows.append(row)
    return sorted(rows, key=_place)


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`attack.TIER.CONDITION.KEY` for every key of `Row.estimates`."""
    return {
        f"attack.{row.tier}.{row.condition}.{key}": Number(e.value, e.low, e.high, e.n, "share", row.queries[key])
        for row in table(con)
        for key, e in row.estimates.items()
    }


def _sources(cell: str, names: Sequence[str], variants: Sequence[tuple[str, float]]) -> dict[str, str]:
    """Key -> SQL with columns domain, problem_id and v; of each problem v is averaged."""

    def means(which: str) -> str:
        by = "domain, problem_id, attack, strength"
        own = f"select {by}, avg({RIGHT}) as v from rollouts where {cell} and {which} group by {by}"
        return f"select domain, problem_id, v from ({own}) where v is not null"

    several = [name for name in names if sum(name == other for other, _ in variants) > 1]
    broken = f"1 - min({RIGHT}) as v from rollouts where {cell} and attack <> 'none'"
    return {
        "clean": means("attack = 'none'"),
        **{f"{name}.accuracy": means(f"attack = {quoted(name)}") for name in names},
        **{
            f"{name}@{strength}.accuracy": means(f"attack = {quoted(name)} and strength = {strength}")
            for name, strength in variants
            if name in several
        },
        "mean": means("attack <> 'none'"),
        "any_fails": "select domain, problem_id, v from (select domain, problem_id, sample, "
        f"{broken} group by domain, problem_id, sample) where v is not null",
    }


def _by_domain(columns: Columns) -> Estimate:
    """The average of the domains that there are."""
    values, problems = _split(columns)
    return statistics.average([statistics.proportion(values[name], problems[name]) for name in values])


def _change(clean: Columns, mean: Columns) -> dict[str, Estimate]:
    """Nothing where no problem was judged both ways."""
    (before, at_0), (after, at_1) = _split(clean), _split(mean)
    shared = [name for name in before if name in after]
    paired = [statistics.paired_difference(before[name], at_0[name], after[name], at_1[name]) for name in shared]
    found = [each for each in paired if each]
    return {"change": statistics.average(found)} if found else {}


def _split(columns: Columns) -> tuple[dict[str, Array], dict[str, NDArray]]:
    """Values and problems of each domain."""
    chosen = {str(name): columns["domain"] == name for name in np.unique(columns["domain"])}
    values = {name: np.asarray(columns["v"][own], dtype=float) for name, own in chosen.items()}
    return values, {name: columns["problem_id"][own] for name, own in chosen.items()}


def _average(source: str) -> str:
    by_domain = f"select avg(v) as v from ({_by_problem(source)}) group by domain"
    return f"select avg(v) from ({by_domain})"


def _paired(clean: str, mean: str) -> str:
    both = f"from ({_by_problem(mean)}) a join ({_by_problem(clean)}) c using (domain, problem_id)"
    return f"select avg(v) from (select avg(a.v - c.v) as v {both} group by domain)"


def _by_problem(source: str) -> str:
    return f"select domain, problem_id, avg(v) as v from ({source}) group by domain, problem_id"


def _place(row: Row) -> tuple[int, int, str]:
    """Tiers in their order, then conditions in theirs; further modes last."""
    tiers, conditions = [*Tier, row.tier], [*CONDITIONS, row.condition]
    return tiers.index(row.tier), conditions.index(row.condition), row.condition
