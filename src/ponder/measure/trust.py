"""How far a verifier can be trusted: every figure of its card as a query on the rollouts of an audit.

`numbers` takes a DuckDB connection that has the view `rollouts`, as `ponder.measure.audit` fills it. An answer is
accepted where its value is above .5. Answers that were not judged are in `not_judged` and in no other figure. The unit
of every interval is the problem, whose languages count as one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from ponder.measure import statistics
from ponder.measure.statistics import Estimate, ranking
from ponder.measure.tricks import TRICKS, Half, of_half
from ponder.runs.result import Number

PROBLEM = "coalesce(pair_id, content)"
"""What is drawn, in SQL."""
ACCEPTED = "(paid > 0.5)::int"
"""Whether an answer is accepted, in SQL."""
KIND = "[v.explanation for v in verdicts if v.role = 'gold'][1]"
"""`right`, or what is wrong with an answer, in SQL."""
ANSWERS = "stage = 'answers'"
FACETS = {"kind": KIND, "language": "language", "difficulty": "difficulty"}
"""What answers are told apart by, and its SQL."""
MOST = 12
"""Groups of a facet that are told, those with most answers; more difficulties than 8 are told in quarters."""

Columns = Mapping[str, NDArray]
"""Columns `[N]` over judged answers: problem, value, gold, length."""


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`audit.NAME` for `result.json`; what the data cannot tell is left out."""
    answers = _answers(con)
    found = {
        **rates(con, ANSWERS),
        **_whole(answers),
        **_strict(con, answers),
        **_tricks(con),
        **_same(con),
        "not_judged": share(con, "(paid is null)::int", "true"),
        "tokens": share(con, _said("tokens"), f"{ANSWERS} and paid is not null", unit="tokens"),
        **{f"by.{key}.{name}": number for key, where in groups(con) for name, number in rates(con, where).items()},
    }
    return {f"audit.{name}": number for name, number in found.items() if number}


def lost(con: DuckDBPyConnection) -> list[tuple[str, int, str]]:
    """Status, how many answers, and one of the reasons, of what was not judged; the most frequent status first."""
    told = f"select {_said('status')} as status, count(*) as n, min({_said('explanation')}) as reason"
    return con.execute(f"{told} from rollouts where paid is null group by status order by n desc, status").fetchall()


def _said(field: str) -> str:
    """A field of the audited verifier's verdict, in SQL."""
    return f"[v.{field} for v in verdicts if v.role = 'pay'][1]"


def share(
    con: DuckDBPyConnection, value: str, where: str, *, unit: str = "share", source: str = "rollouts"
) -> Number | None:
    """The mean of a value over problems; None where there is none."""
    chosen = f"select {PROBLEM} as problem, ({value})::double as v from {source} where ({where}) and v is not null"
    rows = con.execute(f"{chosen} order by all").fetchnumpy()
    if not len(rows["v"]):
        return None
    estimate = (statistics.proportion if unit == "share" else statistics.mean)(rows["v"], rows["problem"])
    by_problem = f"select avg({value}) as v from {source} where {where} group by {PROBLEM} having v is not null"
    return number(estimate, unit, f"select avg(v) from ({by_problem})")


def number(estimate: Estimate, unit: str, query: str) -> Number:
    """An estimate for `result.json`, where an end that the data do not set is None."""
    low, high = (end if math.isfinite(end) else None for end in (estimate.low, estimate.high))
    return Number(estimate.value, low, high, estimate.n, unit, query)


def rates(con: DuckDBPyConnection, where: str) -> dict[str, Number]:
    """`tpr`, `fpr` and, with both, `j` of these answers."""
    both = {
        name: share(con, ACCEPTED, f"{where} and gold = {label} and paid is not null")
        for name, label in (("tpr", 1), ("fpr", 0))
    }
    found = {name: rate for name, rate in both.items() if rate}
    if len(found) == 2:
        sides = [_side(con, f"{where} and gold = {label}") for label in (1, 0)]
        query = f"({found['tpr'].query}) - ({found['fpr'].query})"
        found["j"] = number(ranking.difference_of_shares(*sides[0], *sides[1]), "share", f"select {query}")
    return found


def _side(con: DuckDBPyConnection, where: str) -> tuple[NDArray, NDArray]:
    rows = con.execute(
        f"select {PROBLEM} as problem, {ACCEPTED} as v from rollouts where {where} and v is not null order by all"
    ).fetchnumpy()
    return rows["v"], rows["problem"]


def groups(con: DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """`FACET.GROUP` and which answers are in it, where a facet tells answers apart."""
    for facet, sql in FACETS.items():
        counted = f"select {sql} as g, count(*) as n from rollouts where {ANSWERS} and g is not null group by g"
        found = con.execute(f"{counted} order by n desc, g").fetchall()
        plain = {str(name) for name, _ in found} <= {"right", "wrong"}
        if facet == "difficulty" and len(found) > 8:
            yield from _quarters(con)
        elif len(found) > 1 and not plain:
            for name in sorted(name for name, _ in found[:MOST]):
                yield f"{facet}.{name:g}" if facet == "difficulty" else f"{facet}.{name}", _is(sql, name)


def _is(sql: str, name: str | float) -> str:
    quoted = "'" + name.replace("'", "''") + "'" if isinstance(name, str) else repr(name)
    return f"{ANSWERS} and {sql} = {quoted}"


def _quarters(con: DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    cuts = ", ".join(f"quantile_disc(difficulty, {cut})" for cut in (0, 0.25, 0.5, 0.75, 1))
    ends = con.execute(f"select {cuts} from rollouts where {ANSWERS} and difficulty is not null").fetchone()
    assert ends, "an aggregate has a row"
    lows = sorted(set(ends[:-1]))
    for low, high in zip(lows, [*lows[1:], None], strict=True):
        upper = "" if high is None else f" and difficulty < {high!r}"
        name = f"{low:g} up" if high is None else f"{low:g} to below {high:g}"
        yield f"difficulty.{name}", f"{ANSWERS} and difficulty >= {low!r}{upper}"


def _answers(con: DuckDBPyConnection) -> Columns:
    return con.execute(
        f"select {PROBLEM} as problem, paid as value, gold, length(answer) as length from rollouts "
        f"where {ANSWERS} and paid is not null order by all"
    ).fetchnumpy()


def _whole(answers: Columns) -> dict[str, Number]:
    """What is told of all values at once: area, calibration, and whether longer answers are worth more."""
    value, gold, problem = answers["value"], answers["gold"], answers["problem"]
    if len(np.unique(gold)) < 2:
        return {}
    found = {
        "auc": (ranking.auc(value, gold == 1, problem), "share"),
        "brier": (statistics.proportion((value - gold) ** 2, problem), "squared"),
        "ece": (ranking.calibration_error(value, gold, problem), "share"),
    }
    for name, label in (("right", 1), ("wrong", 0)):
        own = gold == label
        rho = ranking.rank_correlation(value[own], answers["length"][own], problem[own])
        if rho:
            found[f"length.{name}"] = (rho, "correlation")
    return {name: number(estimate, unit, _told(name)) for name, (estimate, unit) in found.items()}


def _told(name: str) -> str:
    return f"ponder.measure.trust.numbers(connection)['audit.{name}']"


def _strict(con: DuckDBPyConnection, answers: Columns) -> dict[str, Number | None]:
    """The threshold that at most 1% of wrong answers exceed, chosen on half of the problems; what it does on the other.

    A problem's half is decided by a hash of its content.
    """
    choosing, telling = (_in_half(answers, half) for half in (0, 1))
    wrong = choosing["value"][choosing["gold"] == 0]
    if not len(wrong) or len(np.unique(telling["gold"])) < 2:
        return {}
    threshold = ranking.strict_threshold(wrong)
    found: dict[str, Number | None] = {
        "strict.threshold": Number(threshold, None, None, len(wrong), "value", _told("strict.threshold"))
    }
    for name, label in (("tpr", 1), ("fpr", 0)):
        own = telling["gold"] == label
        told = statistics.proportion(telling["value"][own] > threshold, telling["problem"][own])
        found[f"strict.{name}"] = number(told, "share", _told(f"strict.{name}"))
    tried = _in_half(_held_out(con), 1)
    if len(tried["value"]):
        told = statistics.proportion(tried["value"] > threshold, tried["problem"])
        found["strict.trick_fpr"] = number(told, "share", _told("strict.trick_fpr"))
    return found


def _held_out(con: DuckDBPyConnection) -> Columns:
    return con.execute(
        f"select {PROBLEM} as problem, paid as value from rollouts "
        f"where {_any_of(of_half(Half.HELD_OUT))} and paid is not null order by all"
    ).fetchnumpy()


def _in_half(columns: Columns, half: int) -> Columns:
    own = np.array([hashlib.sha256(str(name).encode()).digest()[0] % 2 == half for name in columns["problem"]], bool)
    return {name: column[own] for name, column in columns.items()}


def _tricks(con: DuckDBPyConnection) -> dict[str, Number | None]:
    """False positive rate of each trick and of each half."""
    asked = {f"tricks.{half.value.replace(' ', '_')}": of_half(half) for half in Half}
    asked |= {f"trick.{name}": (name,) for name in TRICKS}
    return {
        f"{name}.fpr": share(con, ACCEPTED, f"{_any_of(tricks)} and paid is not null") for name, tricks in asked.items()
    }


def _any_of(names: tuple[str, ...]) -> str:
    return f"stage = 'tricks' and attack in ({', '.join(repr(name) for name in names)})"


def _same(con: DuckDBPyConnection) -> dict[str, Number | None]:
    """Share of pairs that get the same decision: in two languages, in other words, and with a spec backwards."""
    again = "one.stage = 'answers' and one.problem_id = other.problem_id and one.sample = other.sample"
    pairs = {
        "language": "one.stage = 'answers' and other.stage = 'answers' and one.language < other.language and "
        "one.pair_id = other.pair_id and one.sample = other.sample and one.kind = other.kind",
        "rephrased": f"{again} and other.stage = 'rephrased'",
        "order": f"{again} and other.stage = 'reordered'",
    }
    same, judged = "((first > 0.5) = (second > 0.5))::int", "first is not null and second is not null"
    return {f"same.{name}": share(con, same, judged, source=_joined(on)) for name, on in pairs.items()}


def _joined(on: str) -> str:
    told = f"(select *, {KIND} as kind from rollouts)"
    columns = "one.pair_id as pair_id, one.content as content, one.paid as first, other.paid as second"
    return f"(select {columns} from {told} one join {told} other on {on})"
