"""Text whose letters are moved on in the alphabet: Caesar's cipher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ponder.attacks.encoding import HIRAGANA, Encoding
from ponder.attacks.text import Blow, check_within
from ponder.types import PonderError

ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    HIRAGANA,
    "".join(chr(ord(kana) + 0x60) for kana in HIRAGANA),
)
"""Each goes round; katakana lie 0x60 after hiragana. All other characters stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotN(Encoding):
    """Each letter is the one `n` places further on, from the end to the beginning. Strength: the share of the words."""

    n: int = 13
    """Places, 1 to 25; the lab practises 1."""
    ways: ClassVar[Mapping[str, str]] = {
        "en": "written with each letter moved on by {n} in the alphabet, from z to a",
        "ja": "かなと英字が{n}個ずつ後ろにずれています",
    }
    practice: ClassVar[Mapping[str, str]] = {
        "en": "Each letter was moved on by one, z to a. Read: {text}",
        "ja": "かなが一つずつ後ろにずれています。元は何ですか：{text}",
    }

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        Encoding.__post_init__(self)
        check_within(f"{self.name}.n", self.n, 1, 25)
        if self.wording == "lab" and self.n != 1:
            raise PonderError(f"{self.name}.n = {self.n}: must be 1 with wording = 'lab'")

    def way(self, blow: Blow) -> str:
        """How it is written, with the number."""
        return blow.words(self.ways).format(n=self.n)

    def encoded(self, text: str) -> str:
        """Each letter moved on."""
        moved = {ord(a): b for each in ALPHABETS for a, b in zip(each, each[self.n :] + each[: self.n], strict=True)}
        return text.translate(moved)
