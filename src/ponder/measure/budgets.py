"""Whether budgets of thinking were held, and what accuracy they left, as counted in the rollouts."""

from __future__ import annotations

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from ponder.measure.cells import number
from ponder.measure.suite import LABELS
from ponder.measure.transfer import MEASURES, Measure
from ponder.runs.query import quoted
from ponder.runs.result import Number
from ponder.types import Budget, Rollout

OVER = "coalesce(thinking_tokens > think_at_most, false)::int"
UNDER = "(thinking is not null and thinking_tokens < think_at_least)::int"
TOLD: dict[str, Measure] = {
    "over": Measure(OVER, "share"),
    "under": Measure(UNDER, "share"),
    **{name: MEASURES[name] for name in ("accuracy", "thinking_tokens", "truncated")},
}
"""What is told of each budget. `over` is a fault of whoever wrote; `under` is one too, unless a completion was cut
before it could think so long."""
ASKED = """select distinct checkpoint, domain, think_at_least, think_at_most from rollouts
  where mode = 'budget' and attack = 'none' order by all"""


def outside(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Shares of rollouts that thought more and less than they were allowed to; nothing where nothing was bounded.

    The least holds for those that opened their block.
    """
    cells = [rollout.cell for rollout in rollouts]
    if not any(cell.think_at_least or cell.think_at_most is not None for cell in cells):
        return {}
    return {
        "over_budget": sum(map(_over, rollouts)) / len(rollouts),
        "under_budget": sum(map(_under, rollouts)) / len(rollouts),
    }


def _over(rollout: Rollout) -> bool:
    most = rollout.cell.think_at_most
    return most is not None and rollout.completion.thinking_tokens > most


def _under(rollout: Rollout) -> bool:
    text = rollout.completion
    return text.thinking is not None and text.thinking_tokens < rollout.cell.think_at_least


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`budget.LABEL.DOMAIN.NAME.KEY`, `all` for the average of the domains; nothing where none was asked."""
    found: dict[str, Number] = {}
    places = dict.fromkeys(
        (checkpoint, name, Budget(at_least=least, at_most=most))
        for checkpoint, domain, least, most in con.execute(ASKED).fetchall()
        for name in (domain, "all")
    )
    for checkpoint, domain, budget in places:
        where = f"{under(checkpoint, budget)} and attack = 'none'"
        where += "" if domain == "all" else f" and domain = {quoted(domain)}"
        for key, measure in TOLD.items():
            told = number(con, where, measure.sql, measure.unit)
            if told:
                found[f"budget.{LABELS.get(checkpoint, checkpoint)}.{domain}.{budget.name}.{key}"] = told
    return found


def under(checkpoint: str, budget: Budget) -> str:
    """SQL that tells the rollouts of a checkpoint that were asked under a budget."""
    most = "is null" if budget.at_most is None else f"= {budget.at_most}"
    bounds = f"think_at_least = {budget.at_least} and think_at_most {most}"
    return f"checkpoint = {quoted(checkpoint)} and mode = 'budget' and {bounds}"
