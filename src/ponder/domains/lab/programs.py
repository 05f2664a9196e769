"""Straight-line programs over last digits: what does it print?"""

from __future__ import annotations

from random import Random
from typing import Any

from ponder.domains.lab.arithmetic import FACTORS
from ponder.domains.lab.family import Family, State, Story, Words

VARIABLES = "ab"

WORDS: dict[str, Words] = {
    "en": {
        "ask": "Every value keeps only its last digit. {start} {steps} print({last}) What is printed?",
        "line": "{target} is {before} {sign} {amount}, {state}",
    },
    "ja": {
        "ask": "値は一の位だけ残します。{start} {steps} print({last}) 何が表示されますか。",
        "line": "{target}は{before} {sign} {amount}で{state}",
    },
}


class Programs(Family):
    """Two variables; every statement reads what the one before it wrote, so none can be skipped.

    A state is (the variable written last, value of a, value of b).
    """

    kind = "programs"
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`a=4; b=7; 1: b=a*3; 2: a=b+a; print(a)`: products and sums in turn."""
        first = rng.randrange(2)
        steps = tuple(
            (rng.choice(VARIABLES), "+", self.summand(rng))
            if (k + first) % 2
            else (rng.choice(VARIABLES), "*", str(rng.choice(FACTORS)))
            for k in range(depth)
        )
        return Story(start=(rng.choice(VARIABLES), rng.randrange(10), rng.randrange(10)), steps=steps)

    def summand(self, rng: Random) -> str:
        """What a sum adds: the other variable or a digit."""
        return "other" if rng.random() < 0.3 else str(rng.randint(1, 9))

    def after(self, story: Story, state: State, step: Any) -> State:
        """The variable written, and both values."""
        last, *values = state
        target, sign, _ = step
        value, amount = values[VARIABLES.index(last)], self.amount(story, state, step)
        values[VARIABLES.index(target)] = (value + amount if sign == "+" else value * amount) % 10
        return target, *values

    def amount(self, story: Story, state: State, step: Any) -> int:
        """The number that a step adds or multiplies by."""
        last, a, b = state
        return (b if last == "a" else a) if step[2] == "other" else int(step[2])

    def ask(self, story: Story, words: Words) -> str:
        """The program."""
        last, told = story.start[0], []
        for target, sign, by in story.steps:
            operand = ("b" if last == "a" else "a") if by == "other" else words.get(by, by)
            told.append(f"{target}={last}{sign}{operand};")
            last = target
        return words["ask"].format(start=self.opening(story, words), steps=" ".join(self.numbered(told)), last=last)

    def opening(self, story: Story, words: Words) -> str:
        """How the variables begin."""
        _, a, b = story.start
        return f"a={a}; b={b};"

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`b is 4 * 3, 2`."""
        target, sign, _ = step
        return words["line"].format(
            target=target,
            before=self.answer(before, words),
            sign=sign,
            amount=self.amount(story, before, step),
            state=self.answer(state, words),
        )

    def answer(self, state: State, words: Words) -> str:
        """The value of the variable written last."""
        last, *values = state
        return str(values[VARIABLES.index(last)])
