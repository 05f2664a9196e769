"""A composition: a program whose numbers have to be looked up."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from ponder.domains.lab.family import State, Story, Words
from ponder.domains.lab.programs import WORDS as PROGRAM_WORDS
from ponder.domains.lab.programs import Programs

THINGS = ("pear", "plum", "fig", "nut")

WORDS: dict[str, Words] = {
    "en": dict(PROGRAM_WORDS["en"]) | {"prices": "{prices}.", "price": "{thing} = {n}"} | {t: t for t in THINGS},
    "ja": dict(PROGRAM_WORDS["ja"])
    | {"prices": "{prices}。", "price": "{thing} = {n}"}
    | dict(zip(THINGS, ("梨", "桃", "柿", "栗"), strict=True)),
}


class Shelf(Programs):
    """Straight-line programs over prices; the world is what each thing costs."""

    kind = "shelf"
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`a=b+plum`: a program, and what things cost."""
        return replace(super().draw(rng, depth), world=tuple(rng.sample(range(1, 10), len(THINGS))))

    def summand(self, rng: Random) -> str:
        """What a sum adds: a thing's price."""
        return rng.choice(THINGS)

    def amount(self, story: Story, state: State, step: Any) -> int:
        """The number that a step adds or multiplies by."""
        return story.world[THINGS.index(step[2])] if step[2] in THINGS else super().amount(story, state, step)

    def opening(self, story: Story, words: Words) -> str:
        """Prices, then how the variables begin."""
        prices = [words["price"].format(thing=words[t], n=n) for t, n in zip(THINGS, story.world, strict=True)]
        return f"{words['prices'].format(prices=', '.join(prices))} {super().opening(story, words)}"
