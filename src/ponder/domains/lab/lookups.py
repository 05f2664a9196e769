"""Rooms that coloured doors lead out of."""

from __future__ import annotations

from random import Random
from typing import Any

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

ROOMS: tuple[str, ...] = ("hall", "kitchen", "attic", "cellar", "garden")
COLOURS = ("red", "blue")

WORDS: dict[str, Words] = {
    "en": {
        "door": "{room} {colour} to {end}",
        "ask": "Doors: {doors}. Start in the {start}. Go through {steps}. Which room is it?",
        "comma": ", ",
    }
    | {word: word for word in (*ROOMS, *COLOURS)},
    "ja": {
        "door": "{room}の{colour}は{end}",
        "ask": "扉：{doors}。{start}から{steps}の順に通ります。どの部屋に着きますか。",
        "comma": "、",
        "hall": "玄関",
        "kitchen": "台所",
        "attic": "屋根裏",
        "cellar": "地下室",
        "garden": "庭",
        "red": "赤",
        "blue": "青",
    },
}


class Lookups(Family):
    """Where a walk ends; where a door leads is told once, in any order, and must be looked up at every step."""

    kind = "lookups"
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """Each colour leads into every room from one other; the rooms are told in any order."""
        doors = [(room, *ends) for room, *ends in zip(ROOMS, self._ends(rng), self._ends(rng), strict=True)]
        rng.shuffle(doors)
        steps = tuple(rng.choice(COLOURS) for _ in range(depth))
        return Story(start=rng.choice(ROOMS), steps=steps, world=tuple(doors))

    def after(self, story: Story, state: State, step: Any) -> State:
        """The room behind the door."""
        ends = next(ends for room, *ends in story.world if room == state)
        return ends[COLOURS.index(step)]

    def ask(self, story: Story, words: Words) -> str:
        """All doors, then the walk."""
        doors = [
            self.door(room, colour, end, words)
            for room, *ends in story.world
            for colour, end in zip(COLOURS, ends, strict=True)
        ]
        steps = words["comma"].join(words[step] for step in story.steps)
        return words["ask"].format(doors=words["comma"].join(doors), start=words[story.start], steps=steps)

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`hall red to attic`."""
        return self.door(before, step, state, words)

    @staticmethod
    def door(room: str, colour: str, end: str, words: Words) -> str:
        """Where a door leads."""
        return words["door"].format(room=words[room], colour=words[colour], end=words[end])

    def answer(self, state: State, words: Words) -> str:
        """A room."""
        return words[state]

    @staticmethod
    def _ends(rng: Random) -> list[str]:
        """Where a colour leads from each room: a permutation without a room that leads to itself."""
        while True:
            ends = rng.sample(ROOMS, len(ROOMS))
            if all(room != end for room, end in zip(ROOMS, ends, strict=True)):
                return ends
