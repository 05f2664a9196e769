"""How often an attack succeeds, by its strength and by how much may be thought: a surface, as queries on the rollouts.

An attack succeeds on a completion that is wrong where its clean twin (the same sample of the same problem, asked with
the same weights in the same way) is right. A completion that says nothing or was cut is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from ponder.measure.cells import estimate, number
from ponder.measure.statistics import Estimate
from ponder.measure.suite import LABELS
from ponder.measure.transfer import MEASURES
from ponder.runs.query import quoted
from ponder.runs.result import Number
from ponder.types import Budget, Mode

RIGHT = f"({MEASURES['accuracy'].sql})::double"
WAY = "checkpoint, mode, think_at_least, think_at_most"
ASKED = f"""select distinct {WAY}, attack, strength from rollouts
  where attack <> 'none' and mode in ('free', 'none', 'forced', 'budget') order by all"""
"""Those modes are amounts of thinking: as it likes, none, opened, and within a budget."""
PAIRS = f"""select a.*, c.right as clean, a.thinking_tokens - c.tokens as more from rollouts a join (
  select {WAY}, domain, problem_id, sample, {RIGHT} as right, thinking_tokens as tokens
  from rollouts where attack = 'none') c
  on a.checkpoint = c.checkpoint and a.mode = c.mode and a.think_at_least = c.think_at_least
  and a.think_at_most is not distinct from c.think_at_most
  and a.domain = c.domain and a.problem_id = c.problem_id and a.sample = c.sample
  where a.attack <> 'none'"""
"""Attacked rollouts, each with how right its clean twin is, and how many thinking tokens it took more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """How much a model may think."""

    mode: str
    """How it is asked to think."""
    budget: Budget
    """Its bounds, in mode `budget`."""

    @property
    def name(self) -> str:
        """`free`, `none`, `forced` or a budget's name."""
        return self.budget.name if self.mode == Mode.BUDGET else self.mode

    @property
    def order(self) -> tuple[float, ...]:
        """From none over the budgets, least first, to as it likes."""
        most = math.inf if self.budget.at_most is None else self.budget.at_most
        place = {Mode.NONE: 0, Mode.BUDGET: 1, Mode.FORCED: 2, Mode.FREE: 3}[Mode(self.mode)]
        return place, most, self.budget.at_least

    @property
    def where(self) -> str:
        """SQL that tells its rollouts."""
        found = f"mode = {quoted(self.mode)}"
        if self.mode == Mode.BUDGET:
            most = "is null" if self.budget.at_most is None else f"= {self.budget.at_most}"
            found += f" and think_at_least = {self.budget.at_least} and think_at_most {most}"
        return found


def thinking_of(mode: str, least: int, most: int | None) -> Thinking:
    """As the columns of `WAY` tell it."""
    return Thinking(mode=mode, budget=Budget(at_least=least, at_most=most) if mode == Mode.BUDGET else Budget())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A point of the surface."""

    checkpoint: str
    """Whose."""
    thinking: Thinking
    """How much it might think."""
    attack: str
    """Name of the attack."""
    strength: float
    """How strong."""

    @property
    def label(self) -> str:
        """The checkpoint, as numbers are named after it."""
        return LABELS.get(self.checkpoint, self.checkpoint)

    @property
    def name(self) -> str:
        """`LABEL.ATTACK@STRENGTH.THINKING`."""
        return f"{self.label}.{self.attack}@{self.strength}.{self.thinking.name}"

    @property
    def where(self) -> str:
        """SQL that tells its rollouts."""
        own = f"checkpoint = {quoted(self.checkpoint)} and {self.thinking.where}"
        return f"{own} and attack = {quoted(self.attack)} and strength = {self.strength}"


TOLD = {
    "success": (f"case when clean = 1 then ({RIGHT} < 1)::int end", "share"),
    "accuracy": (RIGHT, "share"),
    "thinking_tokens": ("thinking_tokens", "tokens"),
    "more_thinking": ("more", "tokens"),
}
"""Key -> SQL on `PAIRS` and unit. Where a twin could not be judged, success is not known."""


def cells(con: DuckDBPyConnection) -> Iterator[Cell]:
    """Every point that was asked; none where a suite has no attacks."""
    for checkpoint, mode, least, most, attack, strength in con.execute(ASKED).fetchall():
        thinking = thinking_of(mode, least, most)
        yield Cell(checkpoint=checkpoint, thinking=thinking, attack=attack, strength=strength)


def successes(con: DuckDBPyConnection) -> list[tuple[Cell, Estimate]]:
    """How often an attack succeeds at every point where that is known."""
    sql, unit = TOLD["success"]
    asked = ((cell, estimate(con, cell.where, sql, unit, source=f"({PAIRS})")) for cell in cells(con))
    return [(cell, found) for cell, found in asked if found]


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`surface.LABEL.ATTACK@STRENGTH.THINKING.KEY`, each the average of the domains that have it.

    THINKING is a `Thinking.name`; KEY one of `TOLD`.
    """
    found = {}
    for cell in cells(con):
        for key, (sql, unit) in TOLD.items():
            told = number(con, cell.where, sql, unit, source=f"({PAIRS})")
            if told:
                found[f"surface.{cell.name}.{key}"] = told
    return found
