"""Straight-line programs of small whole numbers."""

from __future__ import annotations

from random import Random

from ponder.domains.generated import Generated
from ponder.domains.items import Item
from ponder.options import span
from ponder.types import PonderError, VerifierChoice

VARIABLES = "abcdefgh"


class Programs(Generated):
    """What a program prints; every statement reads what the one before it wrote, so none can be skipped."""

    def __init__(self, name: str, *, depth: int | tuple[int, int] = (2, 4), limit: int = 20) -> None:
        """`depth`: statements that compute, as a number or a range, 1 to 12; values stay within 0 to `limit` - 1."""
        if not 4 <= limit <= 100:
            raise PonderError(f"{name}.limit = {limit!r}: must lie within 4 and 100")
        self.depth, self.limit = span(f"{name}.depth", depth, least=1, most=12), limit
        super().__init__(name, key=f"programs {self.depth} {limit}", verifier=VerifierChoice(name="number"))

    def make(self, rng: Random) -> Item:
        """`a=4`, `b=a+3`, `a=b-5`, `print(a)`: two variables, of which the last one written is always read."""
        names = rng.sample(VARIABLES, 2)
        last, memory = names[0], {names[0]: rng.randrange(self.limit)}
        told, worked = [f"{last}={memory[last]}"], []
        for _ in range(rng.randint(*self.depth)):
            target, (operand, amount) = rng.choice(names), self._operand(rng, last, memory)
            value = memory[last] + amount
            sign = "-" if amount < 0 else "+"
            told.append(f"{target}={last}{sign}{operand}")
            worked.append(f"{target}={memory[last]}{sign}{abs(amount)}={value}")
            last, memory[target] = target, value
        return Item(
            question="\n".join([*told, f"print({last})", "What does this program print?"]),
            reference=str(memory[last]),
            difficulty=float(len(worked)),
            facts={"worked": "\n".join(worked)},
        )

    def _operand(self, rng: Random, last: str, memory: dict[str, int]) -> tuple[str, int]:
        """What the next statement adds: its text without a sign, and the signed amount, 1 to 9 or a variable's."""
        inside = range(-memory[last], self.limit - memory[last])
        others = [(n, s * v) for n, v in memory.items() for s in (1, -1) if n != last and v and s * v in inside]
        if others and rng.random() < 0.3:
            return rng.choice(others)
        amount = rng.choice([a for a in range(-9, 10) if a and a in inside])
        return str(abs(amount)), amount
