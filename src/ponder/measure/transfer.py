"""How far the training carried: accuracy per domain and tier, before and after, as queries on the measured rollouts.

Every function takes a DuckDB connection that has the view `rollouts`. A problem weighs the same however many of its
samples could be judged, and a tier is the average of its domains, equal weight each ("by domain").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from ponder.measure import gains, statistics, suite
from ponder.measure.gains import Draws
from ponder.measure.statistics import Array, Estimate
from ponder.runs.result import Number
from ponder.types import Tier

CONDITIONS: dict[str, tuple[str, str]] = {
    asked.name: (asked.checkpoint, asked.mode) for group in suite.CONDITIONS.values() for asked in group
}
"""Name of a condition -> checkpoint and mode; `forced` is the control that was only made to think."""

PAIRS: dict[str, tuple[str, str, str]] = {
    "gain": ("after", "before", "accuracy"),
    "forced_gain": ("after", "forced", "accuracy"),
    "fewshot_gain": ("after", "fewshot", "lenient"),
    "cold_start_gain": ("before", "untouched", "accuracy"),
    "distil_gain": ("distilled", "before", "accuracy"),
}
"""Name of a difference -> the later condition, the earlier one, and the key of `MEASURES` that both are compared by,
paired by problem. Few-shot is read leniently, so what is compared with it is too."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing to average over completions."""

    sql: str
    """Its value for one rollout; null leaves the rollout out."""
    unit: str
    """`share`, in [0, 1], or `tokens`."""


_STRICT = "paid * (outcome = 'answered')::int"
_LENIENT = "[v.value for v in verdicts if v.verifier = 'lenient' and v.role = 'watch'][1] + 0 * paid"

MEASURES: dict[str, Measure] = {
    "accuracy": Measure(f"if(mode = 'fewshot', coalesce({_LENIENT}, {_STRICT}), {_STRICT})", "share"),
    "lenient": Measure(_LENIENT, "share"),
    "share_thinking": Measure("coalesce(thinking <> '', false)::int", "share"),
    "thinking_tokens": Measure("thinking_tokens", "tokens"),
    "answer_tokens": Measure("completion_tokens - thinking_tokens", "tokens"),
    "truncated": Measure("(outcome = 'truncated')::int", "share"),
    "no_answer": Measure("(outcome = 'no_answer')::int", "share"),
    "not_judged": Measure("(paid is null)::int", "share"),
}
"""What is averaged. Truncated and unanswered are 0 in `accuracy` and stay in its denominator; what the verifier failed
to judge leaves it. Few-shot accuracy is the lenient one, so that a missing format is not taken for a missing skill.
An empty block of thinking is none, here and in what the gain is made of."""

_CLEAN = "attack = 'none'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One domain, or the average of a tier's domains."""

    tier: str
    """What training saw of it."""
    domain: str
    """Name of the domain; empty for the tier's average."""
    conditions: Mapping[str, Mapping[str, Estimate]]
    """Key of `CONDITIONS` -> key of `MEASURES` (a tier has `by_problem` too) -> estimate; absent if not measured."""
    changes: Mapping[str, Estimate]
    """Keys of `PAIRS` and `gains.PARTS`; a tier has `gain_by_problem`, `relative_gain` and `index` too."""

    def accuracy(self, condition: str) -> Estimate | None:
        """Accuracy in that condition, or None where it was not measured."""
        return self.conditions.get(condition, {}).get("accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTable:
    """Everything the transfer suite says of one run."""

    tiers: tuple[Row, ...]
    """Averages by domain, in the order trained, shown, unseen."""
    domains: tuple[Row, ...]
    """One row a domain, by tier and name."""

    def of(self, tier: str) -> tuple[Row, ...]:
        """The domains of a tier."""
        return tuple(row for row in self.domains if row.tier == tier)

    def tier(self, tier: str) -> Row | None:
        """The average of a tier, or None where it has no domain."""
        return next((row for row in self.tiers if row.tier == tier), None)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that any domain was measured in, in the order of `CONDITIONS`."""
        return tuple(name for name in CONDITIONS if any(name in row.conditions for row in self.domains))


Columns = Mapping[str, NDArray]
"""Columns `[N]` over completions: tier, domain, problem, condition and every key of `MEASURES` (NaN for null)."""


def table(con: DuckDBPyConnection) -> TransferTable:
    """Per domain and per tier: what every condition did, and what changed between them."""
    columns = _completions(con)
    parts = {tier.value: _where(columns, "tier", tier) for tier in Tier}
    draws = {tier: _draws(part) for tier, part in parts.items()}
    domains = {tier: _domains(tier, part, draws[tier]) for tier, part in parts.items()}
    tiers = [_tier(tier, parts[tier], rows, draws) for tier, rows in domains.items() if rows]
    return TransferTable(tiers=tuple(tiers), domains=tuple(row for rows in domains.values() for row in rows))


def _completions(con: DuckDBPyConnection) -> Columns:
    cases = " ".join(f"when {_is(name)} then '{name}'" for name in CONDITIONS)
    measures = ", ".join(f"coalesce(({m.sql})::double, 'nan') as {name}" for name, m in MEASURES.items())
    return con.execute(
        f"select tier, domain, problem_id as problem, case {cases} end as condition, {measures} "
        f"from rollouts where {_CLEAN} and condition is not null order by all"
    ).fetchnumpy()


def _is(condition: str) -> str:
    checkpoint, mode = CONDITIONS[condition]
    return f"checkpoint = '{checkpoint}' and mode = '{mode}'"


def _where(columns: Columns, name: str, value: str) -> Columns:
    chosen = columns[name] == value
    return {key: column[chosen] for key, column in columns.items()}


def _known(part: Columns, measure: str) -> tuple[Array, NDArray]:
    known = ~np.isnan(part[measure])
    return part[measure][known], part["problem"][known]


def _domains(tier: str, part: Columns, draws: Mapping[str, Draws]) -> list[Row]:
    rows = []
    for name in np.unique(part["domain"]):
        own = _where(part, "domain", name)
        changes = _differences(own) | (gains.split_estimates([draws[name]]) if name in draws else {})
        rows.append(Row(tier=tier, domain=str(name), conditions=_measured(own), changes=changes))
    return rows


def _measured(part: Columns) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {}
    for condition in CONDITIONS:
        own = _where(part, "condition", condition)
        for name, measure in MEASURES.items():
            values, problems = _known(own, name)
            if len(values):
                estimate = statistics.proportion if measure.unit == "share" else statistics.mean
                found.setdefault(condition, {})[name] = estimate(values, problems)
    return found


def _differences(part: Columns) -> dict[str, Estimate]:
    found = {}
    for name, (later, earlier, measure) in PAIRS.items():
        before, after = (_known(_where(part, "condition", condition), measure) for condition in (earlier, later))
        difference = statistics.paired_difference(*before, *after)
        if difference is not None:
            found[name] = difference
    return found


def _tier(tier: str, part: Columns, rows: Sequence[Row], draws: Mapping[str, Mapping[str, Draws]]) -> Row:
    """Averages by domain of what every domain of the tier has, and the accuracies and the gain by problem too."""
    conditions = {name: _averages([row.conditions.get(name, {}) for row in rows]) for name in CONDITIONS}
    for name, found in conditions.items():
        if "accuracy" in found:
            found["by_problem"] = statistics.proportion(*_known(_where(part, "condition", name), "accuracy"))
    averages = _averages([row.changes for row in rows])
    changes = {name: averages[name] for name in PAIRS if name in averages}
    if "gain" in changes:
        changes |= {"gain_by_problem": _differences(part)["gain"]} | _made_of(tier, draws)
    return Row(tier=tier, domain="", conditions={c: found for c, found in conditions.items() if found}, changes=changes)


def _averages(parts: Sequence[Mapping[str, Estimate]]) -> dict[str, Estimate]:
    shared = [name for name in parts[0] if all(name in part for part in parts)]
    return {name: statistics.average([part[name] for part in parts]) for name in shared}


def _made_of(tier: str, draws: Mapping[str, Mapping[str, Draws]]) -> dict[str, Estimate]:
    own, trained = list(draws[tier].values()), list(draws[Tier.TRAINED].values())
    found = gains.split_estimates(own) | {"relative_gain": gains.relative_gain_estimate(own)}
    if trained and tier != Tier.TRAINED:
        found["index"] = gains.transferability(own, trained)
    return {name: estimate for name, estimate in found.items() if not math.isnan(estimate.value)}


def _draws(part: Columns) -> dict[str, Draws]:
    """Domain -> its draws, for those that have problems judged both before and after."""
    problems = {str(name): _per_problem(_where(part, "domain", name)) for name in np.unique(part["domain"])}
    return {name: gains.resample(sums, seed=list(name.encode())) for name, sums in problems.items() if len(sums)}


def _per_problem(part: Columns) -> Array:
    """`[J, 7]`, what `Draws` are sums of, over the problems judged both before and after."""
    judged = {key: column[~np.isnan(part["accuracy"])] for key, column in part.items()}
    sides = [_where(judged, "condition", condition) for condition in ("before", "after")]
    shared = np.intersect1d(sides[0]["problem"], sides[1]["problem"])
    columns = [np.ones(len(shared))]
    for side in sides:
        thinks, right = side["share_thinking"], side["accuracy"]
        for values in (thinks, right, thinks * right):
            problems, means = statistics.per_problem(values, side["problem"])
            columns.append(means[np.isin(problems, shared)])
    return np.stack(columns, axis=-1)


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`transfer.TIER.CONDITION`, `transfer.TIER.CONDITION.MEASURE` and `transfer.TIER.CHANGE`, for `result.json`.

    The query of an accuracy, a measure or a difference is SQL on `rollouts` that gives the value again; that of a
    bootstrapped number names the function that does.
    """
    return {name: number for row in table(con).tiers for name, number in _numbers(row).items()}


def _numbers(row: Row) -> dict[str, Number]:
    found = {}
    for condition, measured in row.conditions.items():
        for name, estimate in measured.items():
            key = f"{condition}.{name}".removesuffix(".accuracy")
            unit = MEASURES["accuracy" if name == "by_problem" else name].unit
            found[key] = _number(estimate, unit, _average_sql(row.tier, condition, name))
    for name, estimate in row.changes.items():
        unit = {"index": "percent", "relative_gain": "ratio"}.get(name, "share")
        found[name] = _number(estimate, unit, _change_query(row.tier, name))
    return {f"transfer.{row.tier}.{key}": number for key, number in found.items()}


def _number(estimate: Estimate, unit: str, query: str) -> Number:
    low, high = (end if math.isfinite(end) else None for end in (estimate.low, estimate.high))
    return Number(estimate.value, low, high, estimate.n, unit, query)


def _average_sql(tier: str, condition: str, measure: str) -> str:
    if measure == "by_problem":
        return f"select avg(v) from ({_problem_sql(tier, condition, 'accuracy')})"
    by_domain = f"select avg(v) as v from ({_problem_sql(tier, condition, measure)}) group by domain"
    return f"select avg(v) from ({by_domain})"


def _change_query(tier: str, name: str) -> str:
    if name not in PAIRS and name != "gain_by_problem":
        return f"ponder.measure.transfer.table(connection).tier('{tier}').changes['{name}']"
    *pair, measure = PAIRS[name.removesuffix("_by_problem")]
    later, earlier = (_problem_sql(tier, condition, measure) for condition in pair)
    paired = f"from ({later}) l join ({earlier}) e using (domain, problem_id)"
    by_domain = f"select avg(l.v - e.v) as v {paired} group by domain"
    return f"select avg(l.v - e.v) {paired}" if name == "gain_by_problem" else f"select avg(v) from ({by_domain})"


def _problem_sql(tier: str, condition: str, measure: str) -> str:
    chosen = f"tier = '{tier}' and {_is(condition)} and {_CLEAN}"
    mean = f"select domain, problem_id, avg({MEASURES[measure].sql}) as v from rollouts where {chosen} group by all"
    return f"{mean} having v is not null"
