"""What all sections of a recipe share: no unknown keys, and names out of a list."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Weights = dict[str, Annotated[float, Field(gt=0)]]
"""Name of a domain -> its share of the problems."""
Temperature = Annotated[float, Field(ge=1)]
"""Of a mixture: 1 keeps the weights, a larger one evens them out."""


def one_of(names: Collection[str]) -> AfterValidator:
    """Accepts these names only."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return value

    return AfterValidator(check)


class Strict(BaseModel):
    """No unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
