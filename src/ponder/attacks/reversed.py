"""Text written backwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ponder.attacks.encoding import Encoding
from ponder.attacks.text import LETTERS, Blow
from ponder.types import PonderError

BY_WORD = {"en": "written with each word backwards", "ja": "単語ごとに逆から書かれています"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversed(Encoding):
    """The last character first. Strength: the share of the words; at 1 the whole text is turned round.

    `by = "word"` leaves words where they are and turns each of them round; signs and digits stay.
    """

    by: str = "text"
    """`text` or `word`."""

    ways: ClassVar[Mapping[str, str]] = {"en": "written backwards", "ja": "逆から書かれています"}
    practice: ClassVar[Mapping[str, str]] = {
        "en": "Read backwards: {text}",
        "ja": "逆から読んでください：{text}",
    }

    def __post_init__(self) -> None:
        """Refuse what cannot be turned round."""
        Encoding.__post_init__(self)
        if self.by not in ("text", "word"):
            raise PonderError(f"{self.name}.by = {self.by!r}: must be text or word")

    def way(self, blow: Blow) -> str:
        """How it is written."""
        return blow.words(self.ways if self.by == "text" else BY_WORD)

    def encoded(self, text: str) -> str:
        """The last character first, of all or of each word."""
        return text[::-1] if self.by == "text" else LETTERS.sub(lambda word: word[0][::-1], text)
