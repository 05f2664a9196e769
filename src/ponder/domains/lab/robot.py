"""A robot on a board that has no edge."""

from __future__ import annotations

from random import Random
from typing import Any

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

SIZE = 5
WAYS = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}
TURNS = {"left": -1, "ahead": 0, "right": 1}

WORDS: dict[str, Words] = {
    "en": {
        "ask": "A board has columns 0 to 4 and rows 0 to 4, and after 4 comes 0. Rows grow to the north, columns "
        "to the east. A robot at column {column}, row {row} faces {way}. {steps} At which column and row is it?",
        "left": "Turn left, go {n}.",
        "ahead": "Go {n}.",
        "right": "Turn right, go {n}.",
        "gap": " ",
    }
    | {way: way for way in WAYS},
    "ja": {
        "ask": "盤は列が0から4、行が0から4で、4の次は0です。行は北へ、列は東へ増えます。ロボットは列{column}、"
        "行{row}にいて{way}を向いています。{steps}どの列とどの行にいますか。",
        "left": "左を向いて{n}進みます。",
        "ahead": "{n}進みます。",
        "right": "右を向いて{n}進みます。",
        "gap": "",
        "north": "北",
        "east": "東",
        "south": "南",
        "west": "西",
    },
}


class Robot(Family):
    """Where it stands in the end; how a step counts depends on all the turns before it.

    A state is (column, row, where it faces).
    """

    kind = "robot"
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`Turn left, go 2.`"""
        steps = tuple((rng.choice(list(TURNS)), rng.randint(1, SIZE - 1)) for _ in range(depth))
        return Story(start=(rng.randrange(SIZE), rng.randrange(SIZE), rng.choice(list(WAYS))), steps=steps)

    def after(self, story: Story, state: State, step: Any) -> State:
        """Where it stands and faces."""
        column, row, way = state
        turn, n = step
        ways = list(WAYS)
        way = ways[(ways.index(way) + TURNS[turn]) % len(ways)]
        east, north = WAYS[way]
        return (column + n * east) % SIZE, (row + n * north) % SIZE, way

    def ask(self, story: Story, words: Words) -> str:
        """The board, the robot, and what it is told."""
        column, row, way = story.start
        steps = words["gap"].join(self.numbered([words[turn].format(n=n) for turn, n in story.steps]))
        return words["ask"].format(column=column, row=row, way=words[way], steps=steps)

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`west 0 3`."""
        return f"{words[state[2]]} {self.answer(state, words)}"

    def answer(self, state: State, words: Words) -> str:
        """Column and row."""
        return f"{state[0]} {state[1]}"
