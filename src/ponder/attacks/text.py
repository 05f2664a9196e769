"""What all attacks share: strength is checked, randomness has a name, and only the last question changes."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from ponder.streams import stream
from ponder.types import Message, PonderError, Problem

Said = TypeVar("Said")

KANA = "\u3041-\u3096\u30a1-\u30fa\u30fc"
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
PIECE = re.compile(rf"[{KANA}{HAN}]|[^\s{KANA}{HAN}]+")
"""A word with what is written onto it; a character of a script that leaves no space between words."""
LETTERS = re.compile(rf"[\u3041-\u3096]+|[\u30a1-\u30fa\u30fc]+|[{HAN}]+|[^\W\d_{KANA}{HAN}]+")
"""Letters of one script without anything between them."""


END = re.compile(r"[.?!](?=\s)|[。？！]|\n")
"""Where a sentence ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One use of an attack."""

    strength: float
    """Above 0, at most 1."""
    language: str
    """Of the problem."""
    reference: str
    """Its right answer."""
    rng: Random
    """Decided by the attack's kind, the problem and the seed: the same whatever the strength."""

    def count(self, most: int) -> int:
        """`strength` of `most`, at least 1, or 0 where there is nothing."""
        return min(most, max(1, round(self.strength * most)))

    def some(self, most: int) -> list[int]:
        """So many different ones of 0 to `most` - 1, in order."""
        return sorted(self.rng.sample(range(most), self.count(most)))

    def words(self, known: Mapping[str, Said]) -> Said:
        """What is said in the problem's language, or else in English."""
        return known.get(self.language, known["en"])


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAttack(ABC):
    """Puts something else in the place of the last question, but for what stays plain; an `Attack`.

    Rules that a question tells are whose question it is, and not the attacker's.
    """

    name: str
    """As cells and tables show it."""

    def apply(self, problem: Problem, *, strength: float, seed: int) -> Problem:
        """The problem under attack; PonderError for a strength outside 0 to 1."""
        if not 0 <= strength <= 1:
            raise PonderError(f"{self.name}.strength = {strength}: must lie within 0 and 1")
        at = max((i for i, message in enumerate(problem.messages) if message.role == "user"), default=None)
        if strength == 0 or at is None:
            return problem
        rng = stream(type(self).__name__, problem.id, seed)
        blow = Blow(strength=strength, language=problem.language, reference=problem.reference, rng=rng)
        text = problem.messages[at].content
        plain = problem.plain if text.startswith(problem.plain) else ""
        first, *rest = self.turns(text.removeprefix(plain), blow)
        said = [f"{plain}{first}", *rest]
        turns = [Message(role=("user", "assistant")[i % 2], content=text) for i, text in enumerate(said)]
        return replace(problem, messages=(*problem.messages[:at], *turns, *problem.messages[at + 1 :]))

    @abstractmethod
    def turns(self, text: str, blow: Blow) -> list[str]:
        """What is said in the question's place: user and assistant in turn, the user last."""


def places(text: str) -> list[int]:
    """Where a sentence can stand: before the first, between two, after the last."""
    return sorted({0, len(text), *(end.end() for end in END.finditer(text))})


def among(text: str, said: Sequence[tuple[int, str]]) -> str:
    """The text with sentences at these places; those of one place in the order given."""
    sentences: dict[int, list[str]] = {}
    for place, sentence in said:
        sentences.setdefault(place, []).append(sentence)
    parts, at = list[str](), 0
    for place in sorted(sentences):
        parts += [text[at:place].strip(), *sentences[place]]
        at = place
    return " ".join(part for part in (*parts, text[at:].strip()) if part)


def check_within(field: str, value: int, least: int, most: int) -> None:
    """Refuse a number outside its bounds."""
    if not least <= value <= most:
        raise PonderError(f"{field} = {value}: must lie within {least} and {most}")


def stretch(text: str, blow: Blow) -> tuple[int, int]:
    """Where a stretch of `strength` of the text's words begins and ends; the seed says where it lies."""
    pieces = list(PIECE.finditer(text))
    if not pieces:
        return 0, 0
    count = blow.count(len(pieces))
    first = blow.rng.randrange(len(pieces) - count + 1)
    return pieces[first].start(), pieces[first + count - 1].end()
