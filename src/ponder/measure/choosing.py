"""What a judge's choice among a problem's samples is worth: best of n, votes, and votes that it weighs.

Only where measured rollouts carry a judge's watch verdict: `measure.judged_by` of a recipe. Means are over problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import hypot

from duckdb import DuckDBPyConnection

from ponder.measure import statistics
from ponder.measure.statistics.best_of import best_of, oracle_best_of, vote_of
from ponder.measure.suite import LABELS
from ponder.runs.result import Number

DRAWS = 64
"""Seeded draws of n samples for each vote."""
SURE = 0.5
"""Chance of yes from which on a verdict counts as yes."""
JUDGED = """select domain, problem_id, answer, paid, judge from (
  select *, [v.value for v in verdicts if v.role = 'watch' and v.verifier not in ('lenient', 'moved')][1] as judge
  from rollouts
  where checkpoint = '{checkpoint}' and mode = 'free' and attack = 'none')
  where judge is not null and paid is not null order by all"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A problem's samples, each with the judge's value and gold."""

    problem: str
    """Id."""
    answers: tuple[str, ...]
    """What was answered."""
    values: tuple[float, ...]
    """What the judge says."""
    gold: tuple[float, ...]
    """What the domain's own verifier says."""


CHOICES: dict[str, Callable[[Asked, int], float]] = {
    "judge": lambda asked, n: best_of(asked.values, asked.gold, n),
    "oracle": lambda asked, n: oracle_best_of(asked.gold, n),
    "majority": lambda asked, n: vote_of(asked.answers, asked.gold, n, draws=DRAWS),
    "weighted": lambda asked, n: vote_of(asked.answers, asked.gold, n, weights=asked.values, draws=DRAWS),
}
"""Ways to choose among n samples; one sample is what all of them are for n = 1."""


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`choose.LABEL.DOMAIN.WAY.N` and `judge.LABEL.DOMAIN.{tpr,fpr,j}`, `all` for every domain; else nothing."""
    found: dict[str, Number] = {}
    for checkpoint, label in LABELS.items():
        query = JUDGED.format(checkpoint=checkpoint)
        rows = con.execute(query).fetchall()
        domains = dict.fromkeys(row[0] for row in rows)
        for name in (*domains, "all") if rows else ():
            own = [row[1:] for row in rows if name in ("all", row[0])]
            told = f"ponder.measure.choosing, on: {' '.join(query.split())}"
            found |= {f"choose.{label}.{name}.{key}": number for key, number in _chosen(own, told)}
            found |= {f"judge.{label}.{name}.{key}": number for key, number in _trust(own, told)}
    return found


def _chosen(rows: Sequence[tuple], told: str) -> Iterator[tuple[str, Number]]:
    asked = _asked(rows)
    most = min(len(one.gold) for one in asked)
    sizes = [2**k for k in range(most.bit_length()) if 2**k <= most]
    for n in sizes if most > 1 else ():
        for way, worth in CHOICES.items():
            e = statistics.mean([worth(one, n) for one in asked], [one.problem for one in asked])
            yield f"{way}.{n}", Number(e.value, e.low, e.high, e.n, "share", f"{way} of {n}: {told}")


def _asked(rows: Sequence[tuple]) -> list[Asked]:
    samples: dict[str, list[tuple]] = {}
    for problem, *rest in rows:
        samples.setdefault(problem, []).append(tuple(rest))
    return [
        Asked(problem, *(tuple(column) for column in (answers, values, gold)))
        for problem, own in samples.items()
        for answers, gold, values in [zip(*own, strict=True)]
    ]


def _trust(rows: Sequence[tuple], told: str) -> Iterator[tuple[str, Number]]:
    """True and false positive rate, clustered by problem, and their difference by Newcombe's square of halves.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions" (Stat. Med. 17, 1998).
    """
    rates = {}
    for key, wanted in (("tpr", True), ("fpr", False)):
        own = [(float(value >= SURE), problem) for problem, _, gold, value in rows if (gold == 1) is wanted]
        if own:
            e = rates[key] = statistics.proportion(*zip(*own, strict=True))
            yield key, Number(e.value, e.low, e.high, e.n, "share", f"{key}: {told}")
    if len(rates) == 2:
        t, f = rates["tpr"], rates["fpr"]
        low, high = hypot(t.value - t.low, f.high - f.value), hypot(t.high - t.value, f.value - f.low)
        j = t.value - f.value
        yield "j", Number(j, j - low, j + high, t.n + f.n, "difference", f"tpr - fpr: {told}")
