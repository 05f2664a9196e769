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
from ponder.measure.surface import RIGHT, WAY, Thinking, thinking_of
from ponder.runs.result import Number

ASKED = f"""select {WAY}, domain, problem_id, attack, strength, sample, ({RIGHT}) as v from rollouts
  where mode in ('free', 'none', 'forced', 'budget') and v is not null order by all"""
QUERY = "ponder.measure.adaptive.numbers(connection)['{name}']"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A checkpoint, asked to think in one way, and what each query does to it."""

    checkpoint: str
    """Whose."""
    thinking: Thinking
    """How much it might think."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What so many tries come to."""

    checkpoint: str
    """Whose."""
    thinking: Thinking
    """How much it might think."""
    queries: int
    """Tries at each problem, at most."""
    success: Estimate
    """Share of problems that one of them breaks, the average of the domains."""

    @property
    def label(self) -> str:
        """The checkpoint, as numbers are named after it."""
        return LABELS.get(self.checkpoint, self.checkpoint)


def successes(con: DuckDBPyConnection) -> Iterator[Broken]:
    """For 1, 2, 4 and so on tries, and as many as there are. None where fewer than two problems are right clean."""
    for target in _targets(con):
        tries, most = target.tries, target.broken_JQ.shape[1]
        parts = [target.domains == domain for domain in np.unique(target.domains)]
        for queries in (*(2**k for k in range(most.bit_length()) if 2**k < most), most):
            broken = (tries <= queries).astype(float)
            found = [statistics.proportion(broken[own], target.problems[own]) for own in parts]
            yield Broken(
                checkpoint=target.checkpoint,
                thinking=target.thinking,
                queries=queries,
                success=statistics.average(found),
            )


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`adaptive.LABEL.THINKING.success@Q`: share of problems broken within Q tries."""
    told = {}
    for each in successes(con):
        name = f"adaptive.{each.label}.{each.thinking.name}.success@{each.queries}"
        told[name] = cells.told(each.success, "share", QUERY.format(name=name))
    return told


def _targets(con: DuckDBPyConnection) -> Iterator[Target]:
    """Every checkpoint and way of thinking that was attacked."""
    asked: dict[tuple, dict[tuple, dict[tuple, float]]] = {}
    for checkpoint, mode, least, most, domain, problem, attack, strength, sample, right in con.execute(
        ASKED
    ).fetchall():
        way = asked.setdefault((checkpoint, thinking_of(mode, least, most)), {})
        way.setdefault((domain, problem), {})[attack, strength, sample] = right
    for (checkpoint, thinking), problems in asked.items():
        queries = sorted({query for own in problems.values() for query in own if query[0] != "none"})
        sound = {key: own for key, own in problems.items() if _sound(own)}
        if queries and len(sound) > 1:
            yield Target(
                checkpoint=checkpoint,
                thinking=thinking,
                problems=np.array([problem for _, problem in sound]),
                domains=np.array([domain for domain, _ in sound]),
                broken_JQ=np.array([[float(own.get(query, 1.0) < 1) for query in queries] for own in sound.values()]),
            )


def _sound(own: dict[tuple, float]) -> bool:
    """Whether a problem is right as it is, every time."""
    clean = [right for (attack, _, _), right in own.items() if attack == "none"]
    return bool(clean) and min(clean) == 1
