"""What a suite may say of budgets of thinking."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ponder.recipes.strict import Strict
from ponder.types import Budget, PonderError


class BudgetConfig(Strict):
    """How many tokens of thinking: at least, at most, or, where both are equal, exactly so many."""

    at_least: int = Field(0, ge=0)
    """Fewest."""
    at_most: int | None = Field(None, ge=0)
    """Most; no bound where it is left out."""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"at_most: must be at least at_least = {self.at_least}")
        if self.at_most is None and not self.at_least:
            raise ValueError("at_most: missing; give at_most, at_least or both")
        return self

    @property
    def budget(self) -> Budget:
        """As the suite asks for it."""
        return Budget(at_least=self.at_least, at_most=self.at_most)


def _section(value: object) -> object:
    """A bare number is the most."""
    return {"at_most": value} if isinstance(value, int) and not isinstance(value, bool) else value


def _each_once(budgets: list[BudgetConfig]) -> list[BudgetConfig]:
    if len({each.budget for each in budgets}) < len(budgets):
        raise ValueError("give each budget once")
    return budgets


Budgets = Annotated[list[Annotated[BudgetConfig, BeforeValidator(_section)]], AfterValidator(_each_once)]
"""Numbers, each the most tokens, or sections."""


def check_fits(budget: BudgetConfig, max_tokens: int) -> None:
    """Raise ValueError for a budget that `max_tokens` of the whole completion leaves no room for."""
    for key, value in (("at_most", budget.at_most), ("at_least", budget.at_least)):
        if value is not None and value >= max_tokens:
            raise ValueError(
                f"budgets: {key} = {value} leaves no room for an answer in max_tokens = {max_tokens}; "
                "lower it or raise max_tokens"
            )


def check_context(field: str, max_tokens: int, context: int) -> None:
    """Raise PonderError for completions that are longer than a model's context, whatever the prompt."""
    if max_tokens >= context:
        raise PonderError(
            f"{field} = {max_tokens}: the model's context is {context} tokens, the prompt's included; lower it"
        )
