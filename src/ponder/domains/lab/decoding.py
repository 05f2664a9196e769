"""Words that were turned round or whose letters were moved on: harmless practice in reading them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

ALPHABETS = {
    "en": "abcdefghijklmnopqrstuvwxyz",
    "ja": "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわ",
}
LONGEST = 8
"""Letters of a word."""

WORDS: dict[str, Words] = {
    "en": {
        "backwards": "Read backwards: {text}",
        "shifted": "Each letter was moved on by one, z to a. Read: {text}",
        "doubled": "Each letter was written twice. Read: {text}",
    },
    "ja": {
        "backwards": "逆から読んでください：{text}",
        "shifted": "かなが一つずつ後ろにずれています。元は何ですか：{text}",
        "doubled": "かなが二つずつ書かれています。元は何ですか：{text}",
    },
}


class Decoding(Family):
    """A made-up word behind one of three codes; the steps are its letters, as places in the alphabet.

    The same item in another alphabet has the same places.
    """

    kind = "decoding"
    deepest = LONGEST
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """A word of so many letters and its code."""
        places = tuple(rng.randrange(len(ALPHABETS["en"])) for _ in range(depth))
        return Story(start="", steps=places, world=rng.choice(list(CODES)))

    def after(self, story: Story, state: State, step: int) -> State:
        """What has been read so far."""
        return f"{state}{self.letter(step)}"

    def ask(self, story: Story, words: Words) -> str:
        """The code, and the word in it."""
        return words[story.world].format(text=CODES[story.world](self, story.steps))

    def line(self, story: Story, before: State, step: int, state: State, words: Words) -> str:
        """What has been read so far."""
        return state

    def answer(self, state: State, words: Words) -> str:
        """The word."""
        return state

    def letter(self, place: int) -> str:
        """A letter of the language; the alphabet begins again after its end."""
        letters = ALPHABETS[self.language]
        return letters[place % len(letters)]


def backwards(family: Decoding, places: tuple[int, ...]) -> str:
    """Last letter first."""
    return "".join(family.letter(place) for place in reversed(places))


def shifted(family: Decoding, places: tuple[int, ...]) -> str:
    """The next letter for each."""
    return "".join(family.letter(place + 1) for place in places)


def doubled(family: Decoding, places: tuple[int, ...]) -> str:
    """Each letter twice."""
    return "".join(2 * family.letter(place) for place in places)


CODES: dict[str, Callable[[Decoding, tuple[int, ...]], str]] = {
    "backwards": backwards,
    "shifted": shifted,
    "doubled": doubled,
}
