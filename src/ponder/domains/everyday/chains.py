"""Chains of + and - over small whole numbers."""

from __future__ import annotations

from random import Random

from ponder.domains.generated import Generated
from ponder.domains.items import Item
from ponder.options import span
from ponder.types import PonderError, VerifierChoice


class Chains(Generated):
    """What a chain of sums comes to; every running total stays small, so that only the number of steps is hard."""

    def __init__(self, name: str, *, depth: int | tuple[int, int] = (2, 4), limit: int = 20) -> None:
        """`depth`: operations, as a number or a range, 1 to 64; running totals stay within 0 to `limit` - 1."""
        if not 4 <= limit <= 100:
            raise PonderError(f"{name}.limit = {limit!r}: must lie within 4 and 100")
        self.depth, self.limit = span(f"{name}.depth", depth, least=1, most=64), limit
        super().__init__(name, key=f"chains {self.depth} {limit}", verifier=VerifierChoice(name="number"))

    def make(self, rng: Random) -> Item:
        """`4+3-5=?`, worked as `4+3=7`, `7-5=2`."""
        total = rng.randrange(self.limit)
        asked, worked = str(total), []
        for _ in range(rng.randint(*self.depth)):
            amount = rng.choice([a for a in range(-9, 10) if a and 0 <= total + a < self.limit])
            asked += f"{amount:+d}"
            worked.append(f"{total}{amount:+d}={total + amount}")
            total += amount
        return Item(
            question=f"{asked}=?",
            reference=str(total),
            difficulty=float(len(worked)),
            facts={"worked": "\n".join(worked)},
        )
