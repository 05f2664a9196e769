"""A counter that taps, claps and stamps move on."""

from __future__ import annotations

from random import Random
from typing import Any

from ponder.domains.lab.family import Family, State, Story, Words

SIZES = (5, 7, 9)
"""How many numbers a counter shows: odd, so that doubling loses none."""
MOVES = ("tap", "clap", "stamp")

WORDS: dict[str, Words] = {
    "en": {
        "ask": "A counter has {size} numbers: after {top} comes 0. A tap adds {more}, a clap doubles, a stamp turns "
        "0 into {top}, 1 into {second} and so on. It shows {start}. Then: {steps}. What does it show?",
        "plus": "{move}, {before} plus {n} is {state}",
        "around": "{move}, {before} plus {n} is {sum}, less {size} is {state}",
        "stamped": "{move}, {top} minus {before} is {state}",
        "tap": "tap",
        "clap": "clap",
        "stamp": "stamp",
        "gap": ", ",
    },
    "ja": {
        "ask": "計器の数は{size}個で、{top}の次は0です。「トン」で{more}増え、「パン」で2倍、「ドン」で0は{top}に、"
        "1は{second}にと裏返ります。今は{start}です。{steps}。今いくつですか。",
        "plus": "{move}、{before}足す{n}は{state}",
        "around": "{move}、{before}足す{n}は{sum}、引く{size}は{state}",
        "stamped": "{move}、{top}引く{before}は{state}",
        "tap": "トン",
        "clap": "パン",
        "stamp": "ドン",
        "gap": "、",
    },
}


class Counting(Family):
    """One more, twice as many, or counted from the other end: what a tap is worth hangs on what follows."""

    kind = "counting"
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`tap, clap, clap, stamp`; no two stamps in a row, which undo each other."""
        size, steps = rng.choice(SIZES), list[str]()
        for _ in range(depth):
            steps.append(rng.choice(MOVES[:2] if steps[-1:] == ["stamp"] else MOVES))
        return Story(start=rng.randrange(size), steps=tuple(steps), world=(size, rng.randrange(1, size)))

    def after(self, story: Story, state: State, step: Any) -> State:
        """What it shows then."""
        size, more = story.world
        return {"tap": (state + more) % size, "clap": 2 * state % size, "stamp": size - 1 - state}[step]

    def ask(self, story: Story, words: Words) -> str:
        """What each move does, and the moves."""
        size, more = story.world
        steps = words["gap"].join(self.numbered([words[step] for step in story.steps]))
        return words["ask"].format(size=size, top=size - 1, second=size - 2, more=more, start=story.start, steps=steps)

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`tap, 5 plus 4 is 9, less 7 is 2`."""
        size, more = story.world
        n = more if step == "tap" else before
        told = {"move": words[step], "before": before, "n": n, "sum": before + n, "size": size, "state": state}
        kind = "stamped" if step == "stamp" else "plus" if before + n < size else "around"
        return words[kind].format(**told, top=size - 1)

    def answer(self, state: State, words: Words) -> str:
        """A number."""
        return str(state)
