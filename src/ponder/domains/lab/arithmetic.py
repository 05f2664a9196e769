"""Chains of sums and products of which only the last digit is kept."""

from __future__ import annotations

from random import Random
from typing import Any

from ponder.domains.lab.family import Family, State, Story, Words

FACTORS = (3, 7, 9)
"""They lose no digit: every product can be told from every other."""

WORDS: dict[str, Words] = {
    "en": {
        "ask": "Start with {start}. {steps} Keep only the last digit each time. What is left?",
        "+": "Add {n}.",
        "*": "Multiply by {n}.",
        "line +": "{before} plus {n} is {state}",
        "line *": "{before} times {n} is {state}",
        "gap": " ",
    },
    "ja": {
        "ask": "{start}から始めます。{steps}毎回一の位だけ残します。何が残りますか。",
        "+": "{n}を足します。",
        "*": "{n}を掛けます。",
        "line +": "{before}足す{n}は{state}",
        "line *": "{before}掛ける{n}は{state}",
        "gap": "",
    },
}


class Arithmetic(Family):
    """Additions and multiplications in turn; what is added counts differently by what comes after it."""

    kind = "arithmetic"
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`Start with 4. 1: Add 3. 2: Multiply by 7.`"""
        first = rng.randrange(2)
        steps = [("+", rng.randint(1, 9)) if (k + first) % 2 else ("*", rng.choice(FACTORS)) for k in range(depth)]
        return Story(start=rng.randrange(10), steps=tuple(steps))

    def after(self, story: Story, state: State, step: Any) -> State:
        """The last digit."""
        sign, n = step
        return (state + n if sign == "+" else state * n) % 10

    def ask(self, story: Story, words: Words) -> str:
        """Every step a sentence."""
        steps = words["gap"].join(self.numbered([words[sign].format(n=n) for sign, n in story.steps]))
        return words["ask"].format(start=story.start, steps=steps)

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`4 plus 3 is 7`."""
        sign, n = step
        return words[f"line {sign}"].format(before=before, n=n, state=state)

    def answer(self, state: State, words: Words) -> str:
        """A digit."""
        return str(state)
