"""An attacker that learns on half of the problems what to try first, and has so many tries at the others.

It is tried on what was measured: every attack at every strength was asked of every problem, and a completion's text
hangs on nothing else, so what the attacker would have been answered is known. On the problems that it learns from it
sees every answer (problems times variants times samples: its search); at the others it has a stated number of queries,
and stops when one succeeds. Both halves take both parts, so no luck is taken for skill.

A problem counts whose clean twin is right in every sample. A query is an attack at a strength and the number of a
sample, so where a suite has several samples, asking again is one of its attacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from ponder.measure import cells, statistics
from ponder.measure.statistics import Array, Estimate
from ponder.measure.statistics.searching import learned_order, tries_until
from ponder.measure.suite import LABELS
from ponder.measure.surface import RIGHT, WAY
from ponder.runs.result import Number
from ponder.types import Budget, Mode

ASKED = f"""select {WAY}, domain, problem_id, attack, strength, sample, ({RIGHT}) as v from rollouts
  where mode in ('free', 'none', 'forced', 'budget') and v is not null order by all"""
QUERY = "ponder.measure.adaptive.numbers(connection)['{name}']"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A checkpoint, asked to think in one way, and what each query does to it."""

    name: str
    """`LABEL.THINKING`."""
    problems: NDArray
    """Ids `[J]`, those that are right without an attack."""
    domains: NDArray
    """Of each `[J]`."""
    broken_JQ: Array
    """1 where query q of problem j makes it wrong, else 0; a query that could not be judged has not succeeded."""

    @property
    def tries(self) -> Array:
        """Queries until one succeeds on each problem `[J]`, in the order learned on the other half; inf for none."""
        found = np.full(len(self.problems), np.inf)
        for part in (0, 1):
            own = np.arange(len(self.problems)) % 2 == part
            found[own] = tries_until(self.broken_JQ[own], learned_order(self.broken_JQ[~own]))
        return found


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`adaptive.LABEL.THINKING.success@Q`: share of problems broken within Q queries, the average of the domains.

    Q is 1, 2, 4 and so on, and as many as there are. None where fewer than two problems are right clean.
    """
    told = {}
    for target in targets(con):
        tries, most = target.tries, target.broken_JQ.shape[1]
        for queries in (*(2**k for k in range(most.bit_length()) if 2**k < most), most):
            name = f"adaptive.{target.name}.success@{queries}"
            estimate = _by_domain(target, tries <= queries)
            told[name] = cells.told(estimate, "share", QUERY.format(name=name))
    return told


def targets(con: DuckDBPyConnection) -> Iterator[Target]:
    """Every checkpoint and way of thinking that was attacked."""
    asked: dict[tuple, dict[tuple, dict[tuple, float]]] = {}
    for checkpoint, mode, least, most, domain, problem, attack, strength, sample, right in con.execute(
        ASKED
    ).fetchall():
        way = asked.setdefault((checkpoint, mode, least, most), {})
        way.setdefault((domain, problem), {})[attack, strength, sample] = right
    for (checkpoint, mode, least, most), problems in asked.items():
        queries = sorted({query for own in problems.values() for query in own if query[0] != "none"})
        sound = {key: own for key, own in problems.items() if _sound(own)}
        if queries and len(sound) > 1:
            thinking = Budget(at_least=least, at_most=most).name if mode == Mode.BUDGET else mode
            yield Target(
                name=f"{LABELS.get(checkpoint, checkpoint)}.{thinking}",
                problems=np.array([problem for _, problem in sound]),
                domains=np.array([domain for domain, _ in sound]),
                broken_JQ=np.array([[float(own.get(query, 1.0) < 1) for query in queries] for own in sound.values()]),
            )


def _sound(own: dict[tuple, float]) -> bool:
    """Whether a problem is right as it is, every time."""
    clean = [right for (attack, _, _), right in own.items() if attack == "none"]
    return bool(clean) and min(clean) == 1


def _by_domain(target: Target, broken: NDArray[np.bool_]) -> Estimate:
    parts = [target.domains == domain for domain in np.unique(target.domains)]
    return statistics.average([statistics.proportion(broken[own].astype(float), target.problems[own]) for own in parts])
