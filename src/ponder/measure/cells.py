"""One number of a set of rollouts: the average of its domains, each the mean of its problems, with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

from duckdb import DuckDBPyConnection

from ponder.measure import statistics
from ponder.measure.statistics import Estimate
from ponder.runs.result import Number


def number(con: DuckDBPyConnection, where: str, sql: str, unit: str, *, source: str = "rollouts") -> Number | None:
    """The mean of `sql` over the rollouts `where`; None where there are none of which it is known.

    A domain's interval is clustered by problem, and that of the average takes domains as independent. `unit`: `share`
    for values in [0, 1], else anything; `source`: the table, or a query in brackets.
    """
    found = estimate(con, where, sql, unit, source=source)
    return told(found, unit, _query(where, sql, source)) if found else None


def estimate(con: DuckDBPyConnection, where: str, sql: str, unit: str, *, source: str = "rollouts") -> Estimate | None:
    """The same without the query that gives it again."""
    kind = statistics.proportion if unit == "share" else statistics.mean
    parts = [kind(values, problems) for _, problems, values in by_domain(con, where, sql, source=source)]
    return statistics.average(parts) if parts else None


def told(estimate: Estimate, unit: str, query: str) -> Number:
    """An estimate as `result.json` has it: no bound where the data set none."""
    low, high = (end if math.isfinite(end) else None for end in (estimate.low, estimate.high))
    return Number(estimate.value, low, high, estimate.n, unit, query)


def by_domain(
    con: DuckDBPyConnection, where: str, sql: str, *, source: str = "rollouts"
) -> Iterator[tuple[str, list[str], list[float]]]:
    """Domain, the problem of each rollout, and its value, for the rollouts whose value is known."""
    rows = con.execute(
        f"select domain, problem_id, v from (select domain, problem_id, ({sql})::double as v "
        f"from {source} where {where}) where v is not null order by all"
    ).fetchall()
    for domain, own in groupby(rows, lambda row: row[0]):
        _, problems, values = zip(*own, strict=True)
        yield domain, list(problems), list(values)


def _query(where: str, sql: str, source: str) -> str:
    by_problem = f"select domain, avg(({sql})::double) as v from {source} where {where} group by domain, problem_id"
    return f"select avg(v) from (select avg(v) as v from ({by_problem}) group by domain)"
