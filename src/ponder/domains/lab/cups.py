"""Permutation chains: a row of letters, two of which change places at every step."""

from __future__ import annotations

from random import Random
from typing import Any

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

LETTERS = "ABCDE"

WORDS: dict[str, Words] = {
    "en": {
        "ask": "Cups in a row: {start}. {steps} How is the row now?",
        "step": "swap {one} and {other}.",
        "gap": " ",
    },
    "ja": {
        "ask": "カップの列：{start}。{steps}今の列はどうなっていますか。",
        "step": "{one}番と{other}番を入れ替えます。",
        "gap": "",
    },
}


class Cups(Family):
    """How the row stands at the end; products of five things' permutations are the hardest chain there is.

    A transformer of fixed depth cannot compose them in one go whatever its width (arXiv:2210.10749).
    """

    kind = "cups"
    deepest = 64
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`swap 1 and 4.`: places, not letters; never the same two twice in a row."""
        steps: list[tuple[int, int]] = []
        while len(steps) < depth:
            one, other = sorted(rng.sample(range(len(LETTERS)), 2))
            if steps[-1:] != [(one, other)]:
                steps.append((one, other))
        return Story(start="".join(rng.sample(LETTERS, len(LETTERS))), steps=tuple(steps))

    def after(self, story: Story, state: State, step: Any) -> State:
        """The row."""
        one, other = step
        row = list(state)
        row[one], row[other] = row[other], row[one]
        return "".join(row)

    def ask(self, story: Story, words: Words) -> str:
        """The row, and who changes places."""
        steps = self.numbered([self.told(step, words) for step in story.steps])
        return words["ask"].format(start=" ".join(story.start), steps=words["gap"].join(steps))

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`swap 1 and 4. D B C A E`."""
        return f"{self.told(step, words)}{words['gap']}{self.answer(state, words)}"

    @staticmethod
    def told(step: Any, words: Words) -> str:
        """Who changes places."""
        one, other = step
        return words["step"].format(one=one + 1, other=other + 1)

    def answer(self, state: State, words: Words) -> str:
        """The row."""
        return " ".join(state)
