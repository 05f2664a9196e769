"""What a suite may say about its attacks."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Strength = Annotated[float, Field(gt=0, le=1)]
"""How much is changed; at 0 it would be the problem itself, which is asked anyway."""


def _each_once(strengths: list[float]) -> list[float]:
    if len(set(strengths)) < len(strengths):
        raise ValueError("give each strength once")
    return strengths


Strengths = Annotated[
    list[Strength],
    Field(min_length=1),
    BeforeValidator(lambda value: value if isinstance(value, list) else [value]),
    AfterValidator(_each_once),
]
"""One strength, or a list of them."""


def _checked_name(name: str) -> str:
    if name == "none" or not re.fullmatch(r"[\w-]+", name):
        raise ValueError("call it something of letters, digits, - and _, other than none")
    return name


class AttackConfig(BaseModel):
    """An attack: its kind, how strong it is, and the options of that kind, which the attack checks itself."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    use: str
    """Key of `ponder.attacks.ATTACKS`."""
    strength: Strengths = [1.0]
    """Each is asked."""

    @property
    def options(self) -> dict[str, Any]:
        """Everything but the kind and the strength."""
        return dict(self.model_extra or {})


Attacks = dict[Annotated[str, AfterValidator(_checked_name)], AttackConfig]
"""By the name that cells and tables show."""
