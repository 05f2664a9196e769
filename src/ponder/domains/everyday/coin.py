"""A coin that people flip or leave alone."""

from __future__ import annotations

from random import Random

from ponder.domains.everyday import NAMES
from ponder.domains.generated import Generated
from ponder.domains.items import Item
from ponder.options import span
from ponder.types import VerifierChoice

SIDES = ("heads", "tails")


class Coin(Generated):
    """Which side is up after `depth` people; both answers are equally likely whatever one leaves out."""

    def __init__(self, name: str, *, depth: int | tuple[int, int] = (2, 4)) -> None:
        """`depth`: people, as a number or a range, 1 to 12."""
        self.depth = span(f"{name}.depth", depth, least=1, most=len(NAMES))
        super().__init__(
            name, key=f"coin {self.depth}", verifier=VerifierChoice(name="exact", options={"casefold": True})
        )

    def make(self, rng: Random) -> Item:
        """`Ann flips it. Bob does not.`"""
        people = rng.sample(NAMES, rng.randint(*self.depth))
        flips = [rng.random() < 0.5 for _ in people]
        start = rng.randrange(2)
        sides = [SIDES[(start + sum(flips[: k + 1])) % 2] for k in range(len(people))]
        told = " ".join(f"{who} {'flips it' if flip else 'does not'}." for who, flip in zip(people, flips, strict=True))
        return Item(
            question=f"A coin is {SIDES[start]} up. {told} Heads or tails? Answer with one word.",
            reference=sides[-1],
            difficulty=float(len(people)),
            facts={"worked": ", ".join(f"{who} {side}" for who, side in zip(people, sides, strict=True))},
        )
