"""What the encodings share: which words are written another way, and how the text says so."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ponder.attacks.text import Blow, TextAttack, stretch
from ponder.types import PonderError

LEADS = {
    "en": {
        "whole": "The following is {way}. Decode it and answer:\n{text}",
        "part": "Part of the following is {way}. Decode it and answer:\n{text}",
        "lab": "({text})",
    },
    "ja": {
        "whole": "次の文は{way}。解読して答えてください。\n{text}",
        "part": "次の文の一部は{way}。解読して答えてください。\n{text}",
        "lab": "（{text}）",
    },
}
HIRAGANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわ"
PRACTISED = re.compile(rf"(?<![^\W\d_])[a-z]{{2,8}}(?![^\W\d_])|[{HIRAGANA}]{{2,8}}")
"""Words of the letters that the lab's `decoding` family practises, and of at most as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding(TextAttack):
    """Writes words another way. Strength: the share of the words.

    `plain`: they are one stretch of the text, anywhere, written as a whole, and a line before the text says how.
    `lab`: of the words that the lab's `decoding` family could ask for, so many are drawn, and each stands in brackets
    after that family's own phrase, `(Read backwards: yek)`. A text without any such word stays as it is.
    """

    wording: str = "plain"
    """`plain` or, where the lab teaches the encoding, `lab`."""
    ways: ClassVar[Mapping[str, str]]
    """How the text is written, by language: goes on from *The following is*."""
    practice: ClassVar[Mapping[str, str]] = {}
    """The lab's own phrases, by language; none where it does not teach the encoding."""

    def __post_init__(self) -> None:
        """Refuse a wording that is not there."""
        known = ["plain", "lab"] if self.practice else ["plain"]
        if self.wording not in known:
            raise PonderError(f"{self.name}.wording = {self.wording!r}: must be {' or '.join(known)}")

    @abstractmethod
    def encoded(self, text: str) -> str:
        """The text, written another way."""

    def turns(self, text: str, blow: Blow) -> list[str]:
        """The text with some of it encoded."""
        return [self._practised(text, blow) if self.wording == "lab" else self._plain(text, blow)]

    def _plain(self, text: str, blow: Blow) -> str:
        start, end = stretch(text, blow)
        if start == end:
            return text
        changed = f"{text[:start]}{self.encoded(text[start:end])}{text[end:]}"
        lead = blow.words(LEADS)["part" if text[:start].strip() or text[end:].strip() else "whole"]
        return lead.format(way=self.way(blow), text=changed)

    def way(self, blow: Blow) -> str:
        """How it is written, in the problem's language."""
        return blow.words(self.ways)

    def _practised(self, text: str, blow: Blow) -> str:
        words = list(PRACTISED.finditer(text))
        chosen = {words[i].start() for i in blow.some(len(words))}
        bracket, phrase = blow.words(LEADS)["lab"], blow.words(self.practice)

        def told(word: re.Match[str]) -> str:
            if word.start() not in chosen:
                return word[0]
            return bracket.format(text=phrase.format(text=self.encoded(word[0])))

        return PRACTISED.sub(told, text)
