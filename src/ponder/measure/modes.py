"""What thinking does for each domain: accuracy by way of thinking, as a query on the measured rollouts."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from ponder.measure import statistics
from ponder.measure.suite import LABELS
from ponder.measure.transfer import MEASURES
from ponder.runs.result import Number
from ponder.types import Mode

TOLD = ("accuracy", "thinking_tokens", "truncated")
"""Keys of `MEASURES` that are told of each."""


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`modes.LABEL.DOMAIN.MODE.MEASURE`, where a checkpoint was asked in more ways than usual; else nothing."""
    cells = con.execute(
        "select distinct checkpoint, domain, mode from rollouts where attack = 'none' and mode <> 'budget' order by all"
    ).fetchall()
    asked = {mode for _, _, mode in cells} - {Mode.FREE, Mode.FEWSHOT, Mode.FORCED}
    found = {}
    for checkpoint, domain, mode in cells if asked else ():
        if checkpoint in LABELS:
            for name in TOLD:
                number = _number(con, checkpoint, domain, mode, name)
                if number:
                    found[f"modes.{LABELS[checkpoint]}.{domain}.{mode}.{name}"] = number
    return found


def _number(con: DuckDBPyConnection, checkpoint: str, domain: str, mode: str, name: str) -> Number | None:
    measure = MEASURES[name]
    where = "checkpoint = $checkpoint and domain = $domain and mode = $mode and attack = 'none'"
    named = {"checkpoint": checkpoint, "domain": domain, "mode": mode}
    rows = con.execute(
        f"select problem_id, ({measure.sql})::double as v from rollouts where {where} and v is not null order by all",
        named,
    ).fetchall()
    if not rows:
        return None
    problems, values = zip(*rows, strict=True)
    estimate = statistics.proportion if measure.unit == "share" else statistics.mean
    e = estimate(values, problems)
    told = (
        where.replace("$checkpoint", f"'{checkpoint}'").replace("$domain", f"'{domain}'").replace("$mode", f"'{mode}'")
    )
    by_problem = f"select avg({measure.sql}) as v from rollouts where {told} group by problem_id"
    return Number(e.value, e.low, e.high, e.n, measure.unit, f"select avg(v) from ({by_problem})")
