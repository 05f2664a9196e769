"""Writers of worked thinking for tasks of reasoning-gym: as short as can be, and ending in the reference."""

from __future__ import annotations

from collections.abc import Callable

from ponder.domains.worked.arithmetic import write_expression, write_legs, write_letters
from ponder.types import Problem

WORKED: dict[str, Callable[[Problem], str]] = {
    "basic_arithmetic": write_expression,
    "chain_sum": write_expression,
    "leg_counting": write_legs,
    "letter_counting": write_letters,
}
"""By the name of the task."""
