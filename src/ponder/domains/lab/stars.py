"""A composition: lamps whose state has to be counted first."""

from __future__ import annotations

from random import Random

from ponder.domains.lab.family import State, Story, Words
from ponder.domains.lab.lamps import LAMPS, Lamps
from ponder.domains.lab.lamps import WORDS as LAMP_WORDS

ENOUGH = 3
"""Stars that light a lamp."""

WORDS: dict[str, Words] = {
    "en": dict(LAMP_WORDS["en"]) | {"start": "A lamp with 3 stars or more is on, with fewer it is off. {counts}."},
    "ja": dict(LAMP_WORDS["ja"]) | {"start": "星が3個以上のランプはオン、少なければオフです。{counts}。"},
}


class Stars(Lamps):
    """Boolean chains over counts; the world is how many stars each lamp has."""

    kind = "stars"
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`A ***, B *, C ****`."""
        counts = tuple(rng.randint(1, 2 * ENOUGH - 2) for _ in LAMPS)
        return Story(start=tuple(n >= ENOUGH for n in counts), steps=self.drawn_steps(rng, depth), world=counts)

    def opening(self, story: Story, words: Words) -> str:
        """The stars of each lamp."""
        counts = ", ".join(f"{lamp} {'*' * n}" for lamp, n in zip(LAMPS, story.world, strict=True))
        return words["start"].format(counts=counts)

    def worked_lines(self, story: Story, states: list[State], words: Words) -> list[str]:
        """How the lamps are at the start, then step by step."""
        return [self.answer(states[0], words), *super().worked_lines(story, states, words)]
