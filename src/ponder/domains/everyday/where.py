"""A key in one of three bags, and people who swap bags."""

from __future__ import annotations

from random import Random

from ponder.domains.everyday import NAMES
from ponder.domains.generated import Generated
from ponder.domains.items import Item
from ponder.options import span
from ponder.types import VerifierChoice

THINGS = ("key", "ring", "ball", "book", "pen", "card", "cup", "map")


class Where(Generated):
    """Who has it after `depth` swaps; each of the three people is equally likely, whatever swap one leaves out."""

    def __init__(self, name: str, *, depth: int | tuple[int, int] = (2, 4)) -> None:
        """`depth`: swaps, as a number or a range, 1 to 12."""
        self.depth = span(f"{name}.depth", depth, least=1, most=12)
        super().__init__(
            name, key=f"where {self.depth}", verifier=VerifierChoice(name="exact", options={"casefold": True})
        )

    def make(self, rng: Random) -> Item:
        """`Ann and Bob swap bags.`"""
        people, thing = rng.sample(NAMES, 3), rng.choice(THINGS)
        swaps = [rng.sample(people, 2) for _ in range(rng.randint(*self.depth))]
        holders = [people[0]]
        for one, other in swaps:
            holders.append({one: other, other: one}.get(holders[-1], holders[-1]))
        told = " ".join(f"{one} and {other} swap bags." for one, other in swaps)
        return Item(
            question=f"The {thing} is in {people[0]}'s bag. {told} Who has the {thing}? Answer with one word.",
            reference=holders[-1],
            difficulty=float(len(swaps)),
            facts={"worked": ", ".join(holders)},
        )
