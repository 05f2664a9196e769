"""Words to be said again: how a small model gets to know those of families that it is never shown."""

from __future__ import annotations

import re
from random import Random

from ponder.domains.lab import calendar, lists, robot, shelf, stars
from ponder.domains.lab.family import TEXT, Family, State, Story, Words

LONGEST = 8
"""Words of an item."""
BLANK = re.compile(r"\{\w+\}")
RUNS = {"en": re.compile(r"[A-Za-z]+"), "ja": re.compile(r"[一-龠]+|[ぁ-ん]+|[ァ-ヶー]+")}
"""What a word is: English has spaces, Japanese changes its script."""


def vocabulary(language: str) -> tuple[str, ...]:
    """All words of the unseen families, in the order of the alphabet: no sentence of theirs is left."""
    told = (family.WORDS[language].values() for family in (lists, calendar, robot, shelf, stars))
    texts = (BLANK.sub(" ", text) for family in told for text in family)
    return tuple(sorted({word for text in texts for word in RUNS[language].findall(text)}))


VOCABULARY = {language: vocabulary(language) for language in RUNS}
MANY = max(map(len, VOCABULARY.values()))

WORDS: dict[str, Words] = {
    "en": {"ask": "Say again: {text}", "gap": " "},
    "ja": {"ask": "繰り返してください：{text}", "gap": "、"},
}


class Echo(Family):
    """Words in no order that means anything; a step is the number of a word."""

    kind = "echo"
    deepest = LONGEST
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`depth` words."""
        return Story(start=(), steps=tuple(rng.randrange(MANY) for _ in range(depth)))

    def after(self, story: Story, state: State, step: int) -> State:
        """The words so far."""
        return (*state, step)

    def ask(self, story: Story, words: Words) -> str:
        """All of them."""
        return words["ask"].format(text=self.said(story.steps, words, self.language))

    def line(self, story: Story, before: State, step: int, state: State, words: Words) -> str:
        """The words so far."""
        return self.said(state, words, self.language)

    def answer(self, state: State, words: Words) -> str:
        """All of them."""
        return self.said(state, words, self.language)

    @staticmethod
    def said(numbers: State, words: Words, language: str) -> str:
        """The words of these numbers; a language that has fewer begins again."""
        known = VOCABULARY[language]
        return words["gap"].join(known[number % len(known)] for number in numbers)
