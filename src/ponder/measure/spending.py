"""What thinking is spent on, and what it buys: by difficulty, and by way of thinking, as queries on measured rollouts.

Every function takes a DuckDB connection that has the view `rollouts`. Nothing that was attacked is among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from ponder.measure import statistics
from ponder.measure.comparison import FREE
from ponder.measure.statistics import Estimate
from ponder.measure.suite import LABELS
from ponder.measure.transfer import CONDITIONS, MEASURES
from ponder.types import Mode, Tier

LEVELS = 8
"""Levels of difficulty that are told apart at most; of more, neighbours are put together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Problems of one difficulty, or of a range of it, in one condition."""

    condition: str
    """One of `FREE`."""
    lowest: float
    """Least difficulty among them."""
    highest: float
    """Greatest."""
    tokens: Estimate
    """Of thinking, a completion; one that does not think has 0."""
    accuracy: Estimate
    """As everywhere."""

    @property
    def name(self) -> str:
        """`5`, or `6 to 8`."""
        ends = [f"{end:g}" for end in dict.fromkeys((self.lowest, self.highest))]
        return " to ".join(ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of thinking in one tier: what it spends and what it gets."""

    tier: str
    """Of the domains that were asked in every way."""
    name: str
    """`before`, `forced`, `after-none`, `before, at most 16 tokens`."""
    condition: str
    """The condition whose weights they are, for its colour: `before` for all ways of these."""
    tokens: Estimate
    """Of thinking, a completion."""
    accuracy: Estimate
    """As everywhere."""


def by_difficulty(con: DuckDBPyConnection) -> list[Level]:
    """Conditions by levels, over domains whose problems differ in difficulty; empty where none do.

    The levels are the same for all conditions, and a condition has every level or is left out.
    """
    cases = " ".join(f"when checkpoint = '{CONDITIONS[name][0]}' then '{name}'" for name in FREE)
    columns = con.execute(
        f"""with clean as (
          select domain, difficulty, case {cases} end as condition, domain || problem_id as problem,
            thinking_tokens::double as tokens, ({MEASURES["accuracy"].sql})::double as score
          from rollouts where attack = 'none' and mode = 'free' and think_at_most is null and difficulty is not null
        ) select * from clean where condition is not null and score is not null and domain in
          (select domain from clean group by domain having count(distinct difficulty) > 1) order by all"""
    ).fetchnumpy()
    edges = _edges(columns["difficulty"])
    levels = [level for name in FREE for level in _levels(columns, name, edges)]
    whole = [name for name in FREE if sum(level.condition == name for level in levels) == len(edges)]
    return [level for level in levels if level.condition in whole] if len(edges) > 1 else []


def _edges(difficulty: NDArray) -> list[tuple[float, float]]:
    """Ends of each level: every difficulty by itself, or as many neighbours as leave `LEVELS` of about equal size."""
    known = np.unique(difficulty)
    if len(known) <= LEVELS:
        return [(float(each), float(each)) for each in known]
    ranks = np.searchsorted(np.sort(difficulty), known) / len(difficulty)
    groups = np.minimum((ranks * LEVELS).astype(int), LEVELS - 1)
    return [(float(known[groups == each].min()), float(known[groups == each].max())) for each in np.unique(groups)]


def _levels(columns: dict[str, NDArray], condition: str, edges: Sequence[tuple[float, float]]) -> Iterator[Level]:
    for low, high in edges:
        at = columns["difficulty"]
        own = (columns["condition"] == condition) & (at >= low) & (at <= high)
        if own.any():
            problems = columns["problem"][own]
            yield Level(
                condition=condition,
                lowest=low,
                highest=high,
                tokens=statistics.mean(columns["tokens"][own], problems),
                accuracy=statistics.proportion(columns["score"][own], problems),
            )


def by_way(con: DuckDBPyConnection) -> list[Way]:
    """Every way of thinking that was measured, by tier, over the domains that were asked in all of them.

    Thinking that somebody else changed is none of them. Empty where no weights were asked in more than one way. A tier
    without such domains is left out.
    """
    rows = con.execute(
        f"""select tier, domain, checkpoint, mode, think_at_most, domain || problem_id as problem,
          thinking_tokens::double as tokens, ({MEASURES["accuracy"].sql})::double as score
          from rollouts where attack = 'none' and mode not in ('fewshot', 'corrupted', 'translated')
          and score is not null order by all"""
    ).fetchall()
    asked: dict[tuple[str, str, int | None], dict[str, list[tuple]]] = {}
    for tier, domain, checkpoint, mode, most, *measured in rows:
        asked.setdefault((checkpoint, mode, most), {}).setdefault(domain, []).append((tier, *measured))
    if len({checkpoint for checkpoint, _, _ in asked}) == len(asked):
        return []
    shared = set.intersection(*(set(domains) for domains in asked.values()))
    found = (way for key, domains in asked.items() for way in _ways(key, domains, shared))
    tiers = [*Tier]
    return sorted(found, key=lambda way: (tiers.index(Tier(way.tier)) if way.tier in tiers else 9, way.tokens.value))


def _ways(key: tuple[str, str, int | None], domains: dict[str, list[tuple]], shared: set[str]) -> Iterator[Way]:
    kept = [row for domain in sorted(shared) for row in domains[domain]]
    for tier in dict.fromkeys(row[0] for row in kept):
        problems, tokens, right = zip(*(row[1:] for row in kept if row[0] == tier), strict=True)
        yield Way(
            tier=tier,
            name=_name(*key),
            condition=_condition(key[0]),
            tokens=statistics.mean(tokens, problems),
            accuracy=statistics.proportion(right, problems),
        )


def _condition(checkpoint: str) -> str:
    return LABELS.get(checkpoint, checkpoint)


def _name(checkpoint: str, mode: str, most: int | None) -> str:
    known = {pair: name for name, pair in CONDITIONS.items()}
    name = known.get((checkpoint, mode), f"{_condition(checkpoint)}, {mode}")
    return name if most is None or mode == Mode.FILLER else f"{name}, at most {most} tokens"
