"""Rooms that each have a door into another."""

from __future__ import annotations

from random import Random
from typing import Any

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

ROOMS = ("hall", "kitchen", "attic", "cellar", "garden", "study", "bedroom", "library", "porch", "garage")

WORDS: dict[str, Words] = {
    "en": {
        "door": "{room} to {end}",
        "ask": "Doors: {doors}. Start in the {start}. Doors to pass: {depth}. Which room is it?",
        "comma": ", ",
    }
    | dict(zip(ROOMS, ROOMS, strict=True)),
    "ja": {
        "door": "{room}から{end}",
        "ask": "扉：{doors}。{start}から始めます。通る扉の数：{depth}。どの部屋に着きますか。",
        "comma": "、",
    }
    | dict(
        zip(
            ROOMS,
            ("玄関", "台所", "屋根裏", "地下室", "庭", "書斎", "寝室", "図書室", "縁側", "車庫"),
            strict=True,
        )
    ),
}


class Lookups(Family):
    """Where a walk ends; where a door leads is told once, in any order, and must be looked up at every step."""

    kind = "lookups"
    deepest = 9
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """One way round through all rooms, so that no walk of fewer steps than rooms comes back to where it was."""
        ring = rng.sample(ROOMS, len(ROOMS))
        doors = list(zip(ring, (*ring[1:], ring[0]), strict=True))
        rng.shuffle(doors)
        return Story(start=ring[0], steps=(None,) * depth, world=tuple(doors))

    def after(self, story: Story, state: State, step: Any) -> State:
        """The room behind the door; of a step that slips, which names its room, that room."""
        return step or dict(story.world)[state]

    def ask(self, story: Story, words: Words) -> str:
        """All doors, and how many to pass."""
        doors = words["comma"].join(self.door(room, end, words) for room, end in story.world)
        return words["ask"].format(doors=doors, start=words[story.start], depth=len(story.steps))

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`hall to attic`."""
        return self.door(before, state, words)

    @staticmethod
    def door(room: str, end: str, words: Words) -> str:
        """Where a door leads."""
        return words["door"].format(room=words[room], end=words[end])

    def answer(self, state: State, words: Words) -> str:
        """A room."""
        return words[state]

    def other_step(self, rng: Random) -> Any:
        """Some room, whether a door leads there or not."""
        return rng.choice(ROOMS)
