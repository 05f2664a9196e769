"""What a recipe may say of the cost of thinking."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from ponder.objectives.costs import BELOW_ZERO, COSTS
from ponder.recipes.strict import Strict, one_of

KEYS: dict[str, tuple[str, ...]] = {
    "linear": ("price", "hold", "rate", "ceiling"),
    "target": ("target", "slope", "told"),
    "target_max": ("target", "slope", "offset", "told"),
    "group": ("slope",),
    "truncation": ("limit",),
}
"""What each cost reads."""
OPTIONAL = ("price", "hold", "rate", "ceiling", "offset", "told")
"""Keys that may be left out; of `price` and `hold`, one must be there."""
RATE, CEILING = 0.1, 1.0
"""Where the recipe says none."""
OFFSET = 0.5
"""The paper's, where the recipe says none."""


Length = Annotated[int, Field(ge=0)]
"""Of thinking, in tokens."""


class CostConfig(Strict):
    """What thinking tokens cost; see `ponder.objectives.costs`."""

    use: Annotated[str, one_of(COSTS)]
    """Key of `objectives.costs.COSTS`."""
    price: float | None = Field(None, ge=0)
    """Linear: reward that one thinking token costs; with `hold`, at the first step."""
    hold: float | None = Field(None, gt=0)
    """Linear: mean thinking tokens that are held, by moving the price."""
    rate: float | None = Field(None, gt=0)
    """With `hold`: how much dearer a thought of that many tokens becomes after a step of twice as long ones."""
    ceiling: float | None = Field(None, gt=0)
    """With `hold`: reward that a thought of that many tokens costs at most."""
    target: Length | Annotated[list[Length], Field(min_length=1)] | None = None
    """Thinking tokens aimed at; of several, one is drawn for each problem, and has to be told."""
    told: bool | None = None
    """Whether the question ends with the target."""
    slope: float | None = Field(None, gt=0, le=1)
    """Reward lost for each token off the target; of a group, at most this share of a right answer's."""
    offset: float | None = Field(None, gt=0, le=1)
    """Share of the reward that is left at the target of `target_max`."""
    limit: int | None = Field(None, ge=1)
    """Thinking tokens beyond which nothing is paid."""

    @model_validator(mode="after")
    def _own_keys(self) -> Self:
        given = {key for key in type(self).model_fields if key != "use" and getattr(self, key) is not None}
        for key in sorted(given - set(KEYS[self.use])):
            raise ValueError(f"{key}: is no key of {self.use!r}, which takes {', '.join(KEYS[self.use])}; leave it out")
        for key in KEYS[self.use]:
            if key not in given and key not in OPTIONAL:
                raise ValueError(f"{key}: missing; {self.use!r} needs it")
        if self.use == "linear" and self.price is None and self.hold is None:
            raise ValueError("price: missing; give a price, or with hold a mean length to be held")
        for key in ("rate", "ceiling"):
            if getattr(self, key) is not None and self.hold is None:
                raise ValueError(f"{key}: is of the price that holds a mean length; add hold, or leave it out")
        if len(self.targets) > 1 and not self.told:
            raise ValueError("told: nobody can keep to one of several targets unless it is told; add told = true")
        return self

    @property
    def targets(self) -> tuple[int, ...]:
        """All lengths that are aimed at."""
        return tuple(self.target) if isinstance(self.target, list) else () if self.target is None else (self.target,)

    @property
    def aims(self) -> list[tuple[str, float]]:
        """The keys and values of the lengths that it speaks of."""
        found = [("hold", self.hold), ("limit", self.limit), *(("target", length) for length in self.targets)]
        return [(key, value) for key, value in found if value is not None]


def check_cost(cost: CostConfig, *, normalise: str, at_least: int, at_most: int) -> None:
    """Raise ValueError for a cost that cannot be learned from; `at_least`, `at_most`: thinking tokens."""
    if cost.use == "truncation" and normalise != "batch":
        raise ValueError(
            f"cost: a limit makes a group's own deviation a poor measure, and normalise is {normalise!r}; "
            'add normalise = "batch"'
        )
    if cost.use in BELOW_ZERO and normalise == "mean":
        raise ValueError(
            f"cost: what divides by the mean reward takes none below 0, as {cost.use!r} makes; take another"
        )
    if at_least >= at_most:
        raise ValueError(f"cost: every rollout thinks {at_most} tokens, so none costs more than another; leave it out")
    for key, value in cost.aims:
        if not at_least < value < at_most:
            raise ValueError(
                f"cost.{key}: thinking is between {at_least} and {at_most} tokens long, so {value:g} is never crossed; "
                "take one in between"
            )
