"""Lists that are turned round, cut and shifted."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

OPERATIONS: dict[str, Callable[[State], State]] = {
    "reverse": lambda x: x[::-1],
    "to the end": lambda x: (*x[1:], x[0]),
    "to the front": lambda x: (x[-1], *x[:-1]),
    "first two": lambda x: (x[1], x[0], *x[2:]),
    "last two": lambda x: (*x[:-2], x[-1], x[-2]),
}
UNDONE = {("to the end", "to the front"), ("to the front", "to the end")} | {
    (name, name) for name in ("reverse", "first two", "last two")
}
"""Pairs in a row that do nothing."""

WORDS: dict[str, Words] = {
    "en": {
        "ask": "A list: {start}. {steps} What is the list now?",
        "reverse": "Reverse it.",
        "to the end": "Move the first to the end.",
        "to the front": "Move the last to the front.",
        "first two": "Swap the first two.",
        "last two": "Swap the last two.",
        "line": "now {list}",
        "gap": " ",
    },
    "ja": {
        "ask": "リスト：{start}。{steps}今のリストは何ですか。",
        "reverse": "逆順にします。",
        "to the end": "先頭を末尾に移します。",
        "to the front": "末尾を先頭に移します。",
        "first two": "先頭の二つを入れ替えます。",
        "last two": "末尾の二つを入れ替えます。",
        "line": "今は{list}",
        "gap": "",
    },
}


class Lists(Family):
    """Four digits; every operation moves what the one before it has moved."""

    kind = "lists"
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`Reverse it. Swap the first two.`"""
        steps: list[str] = []
        while len(steps) < depth:
            step = rng.choice(list(OPERATIONS))
            if not steps or (steps[-1], step) not in UNDONE:
                steps.append(step)
        return Story(start=tuple(rng.sample(range(10), 4)), steps=tuple(steps))

    def after(self, story: Story, state: State, step: Any) -> State:
        """The list."""
        return OPERATIONS[step](state)

    def ask(self, story: Story, words: Words) -> str:
        """The list, and what is done to it."""
        steps = words["gap"].join(self.numbered([words[step] for step in story.steps]))
        return words["ask"].format(start=self.answer(story.start, words), steps=steps)

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`now 8 3 5 1`."""
        return words["line"].format(list=self.answer(state, words))

    def answer(self, state: State, words: Words) -> str:
        """The list."""
        return " ".join(map(str, state))
