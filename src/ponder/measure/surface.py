"""How often an attack succeeds, by its strength and by how much may be thought: a surface, as queries on the rollouts.

An attack succeeds on a completion that is wrong where its clean twin (the same sample of the same problem, asked with
the same weights in the same way) is right. A completion that says nothing or was cut is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from ponder.measure.cells import number
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
class Cell:
    """A point of the surface."""

    checkpoint: str
    """Whose."""
    mode: str
    """How it was asked to think."""
    budget: Budget
    """How much it might think, in mode `budget`."""
    attack: str
    """Name of the attack."""
    strength: float
    """How strong."""

    @property
    def thinking(self) -> str:
        """Name of its amount of thinking."""
        return self.budget.name if self.mode == Mode.BUDGET else self.mode

    @property
    def name(self) -> str:
        """`LABEL.ATTACK@STRENGTH.THINKING`."""
        return f"{LABELS.get(self.checkpoint, self.checkpoint)}.{self.attack}@{self.strength}.{self.thinking}"

    @property
    def where(self) -> str:
        """SQL that tells its rollouts."""
        found = f"checkpoint = {quoted(self.checkpoint)} and mode = {quoted(self.mode)}"
        if self.mode == Mode.BUDGET:
            most = "is null" if self.budget.at_most is None else f"= {self.budget.at_most}"
            found += f" and think_at_least = {self.budget.at_least} and think_at_most {most}"
        return f"{found} and attack = {quoted(self.attack)} and strength = {self.strength}"


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
        bounds = Budget(at_least=least, at_most=most) if mode == Mode.BUDGET else Budget()
        yield Cell(checkpoint=checkpoint, mode=mode, budget=bounds, attack=attack, strength=strength)


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`surface.LABEL.ATTACK@STRENGTH.THINKING.KEY`, each the average of the domains that have it.

    THINKING is `free`, `none`, `forced` or a budget's name; KEY one of `TOLD`.
    """
    found = {}
    for cell in cells(con):
        for key, (sql, unit) in TOLD.items():
            told = number(con, cell.where, sql, unit, source=f"({PAIRS})")
            if told:
                found[f"surface.{cell.name}.{key}"] = told
    return found
