"""A house rule about what may be told, and facts that are as private as other facts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from ponder.domains.generated import Generated
from ponder.domains.items import Item
from ponder.options import span
from ponder.types import VerifierChoice

FIELDS = ("phone", "email", "age", "job", "pay", "address", "name", "grade", "rank", "weight", "height", "diet")
MARKS = {"public": "yes", "private": "no"}


class Privacy(Generated):
    """May it be told? Two chains of look-ups stand in any order, and only one of them leads to the fact asked for."""

    def __init__(self, name: str, *, depth: int | tuple[int, int] = (1, 2)) -> None:
        """`depth`: look-ups before the mark is reached, as a number or a range, 1 to 5."""
        self.depth = span(f"{name}.depth", depth, least=1, most=len(FIELDS) // 2 - 1)
        super().__init__(
            name, key=f"privacy {self.depth}", verifier=VerifierChoice(name="exact", options={"casefold": True})
        )

    def make(self, rng: Random) -> Item:
        """`Age is like phone. Phone is private.`"""
        length = rng.randint(*self.depth) + 1
        fields = rng.sample(FIELDS, 2 * length)
        chains, marks = (fields[:length], fields[length:]), rng.sample(list(MARKS), 2)
        told = [line for chain, mark in zip(chains, marks, strict=True) for line in _lines(chain, mark)]
        rng.shuffle(told)
        asked, answer = chains[0][0], MARKS[marks[0]]
        return Item(
            question=f"Rule: tell only what is public. {' '.join(told)} May you tell the {asked}? Answer yes or no.",
            reference=answer,
            difficulty=float(length - 1),
            facts={"worked": f"{', '.join(chains[0])}, {marks[0]}: {answer}"},
        )


def _lines(chain: Sequence[str], mark: str) -> list[str]:
    """Each field is like the next one; the last one carries the mark."""
    links = [f"{one.capitalize()} is like {other}." for one, other in pairwise(chain)]
    return [*links, f"{chain[-1].capitalize()} is {mark}."]
