"""What an answer takes, and what a right one costs: tokens, seconds and, with a price, money; as queries on rollouts.

Everything that was written is paid for, right or wrong, cut or not judged, and what verifiers wrote is counted beside
it. What could not be judged counts as not right here: it was paid for, and nobody got a right answer for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from duckdb import DuckDBPyConnection

from ponder.measure import cells, statistics
from ponder.measure.statistics import Estimate
from ponder.measure.suite import named
from ponder.measure.surface import WAY
from ponder.measure.transfer import MEASURES
from ponder.runs.result import Number
from ponder.types import Budget

MILLION = 1e6
ASKED = f"""select {WAY}, domain, problem_id, len(prompt_ids)::double, completion_tokens::double,
  coalesce(list_sum([v.tokens for v in verdicts]), 0)::double, coalesce(({MEASURES["accuracy"].sql})::double, 0)
  from rollouts where attack = 'none' order by all"""
QUERY = "ponder.measure.bill.numbers(connection)['{name}']"

Price = tuple[float, float]
"""Money for a million tokens read, and for a million written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a domain was answered for, in one condition."""

    condition: str
    """As `Condition.name`: `before`, `after-most-16`."""
    domain: str
    """Its name; `all` for the average of the domains."""
    told: Mapping[str, tuple[Estimate, str]]
    """Key of `UNITS` -> estimate and unit, where it is known: a cost of a right answer where there was one."""


UNITS = {
    "accuracy": "share",
    "tokens": "tokens",
    "verifier_tokens": "tokens",
    "tokens_per_right": "tokens",
    "money_per_right": "money",
    "seconds": "seconds",
    "seconds_per_right": "seconds",
}
"""Of each number; `tokens` are those written to a problem, thinking and answer, by the policy."""


def bills(
    con: DuckDBPyConnection, *, price: Price | None = None, seconds: Mapping[str, float] | None = None
) -> list[Bill]:
    """Every condition by domain, and over all of them. `seconds`: by condition, of all its completions together."""
    rows = con.execute(ASKED).fetchall()
    found = []
    for (checkpoint, mode, least, most), own in groupby(rows, lambda row: row[:4]):
        name, asked = named(checkpoint, mode, Budget(at_least=least, at_most=most)), list(own)
        each = (seconds or {}).get(name, np.nan) / len(asked)
        parts = [_told([row[5:] for row in part], price, each) for _, part in groupby(asked, lambda row: row[4])]
        names = dict.fromkeys(row[4] for row in asked)
        found += [Bill(condition=name, domain=domain, told=told) for domain, told in zip(names, parts, strict=True)]
        found.append(Bill(condition=name, domain="all", told=_average(parts)))
    return found


def numbers(
    con: DuckDBPyConnection, *, price: Price | None = None, seconds: Mapping[str, float] | None = None
) -> dict[str, Number]:
    """`cost.CONDITION.DOMAIN.KEY` for every key of `UNITS` that is known."""
    told = {}
    for bill in bills(con, price=price, seconds=seconds):
        for key, (estimate, unit) in bill.told.items():
            name = f"cost.{bill.condition}.{bill.domain}.{key}"
            told[name] = cells.told(estimate, unit, QUERY.format(name=name))
    return told


def told_by(numbers: Mapping[str, Number]) -> list[Bill]:
    """The bills that a run's `result.json` tells."""
    found: dict[tuple[str, str], dict[str, tuple[Estimate, str]]] = {}
    for name, number in numbers.items():
        kind, _, rest = name.partition(".")
        condition, _, rest = rest.partition(".")
        domain, _, key = rest.rpartition(".")
        if kind == "cost" and key in UNITS and number.value is not None:
            low, high = (number.value if end is None else end for end in (number.low, number.high))
            estimate = Estimate(number.value, low, high, number.n)
            found.setdefault((condition, domain), {})[key] = (estimate, number.unit)
    return [Bill(condition=condition, domain=domain, told=told) for (condition, domain), told in found.items()]


def _told(rows: Sequence[tuple], price: Price | None, seconds: float) -> dict[str, tuple[Estimate, str]]:
    """Of a domain; rows: problem, tokens read, written, verifiers', and how right it is."""
    problems = [row[0] for row in rows]
    read, written, judged, right = np.array([row[1:] for row in rows], dtype=float).T
    told = {
        "accuracy": statistics.proportion(right, problems),
        "tokens": statistics.mean(written, problems),
        "verifier_tokens": statistics.mean(judged, problems),
    }
    costs = {"tokens_per_right": written + judged}
    if price and read.any():  # behind an endpoint nobody knows
        costs["money_per_right"] = (read * price[0] + (written + judged) * price[1]) / MILLION
    if np.isfinite(seconds):
        told["seconds"] = Estimate(seconds, seconds, seconds, len(set(problems)))
        costs["seconds_per_right"] = np.full(len(rows), seconds)
    for key, cost in costs.items() if right.any() else ():
        spent, got = (statistics.per_problem(values, problems)[1] for values in (cost, right))
        told[key] = statistics.ratio_of_sums(spent, got)
    return {key: (estimate, UNITS[key]) for key, estimate in told.items()}


def _average(parts: Sequence[Mapping[str, tuple[Estimate, str]]]) -> dict[str, tuple[Estimate, str]]:
    """Of what every domain has: an average of some would be another thing."""
    keys = [key for key in UNITS if parts and all(key in part for part in parts)]
    return {key: (statistics.average([part[key][0] for part in parts]), UNITS[key]) for key in keys}
