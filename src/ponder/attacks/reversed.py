"""Text written backwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ponder.attacks.encoding import Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversed(Encoding):
    """The last character first. Strength: the share of the words; at 1 the whole text is turned round."""

    ways: ClassVar[Mapping[str, str]] = {"en": "written backwards", "ja": "逆から書かれています"}
    practice: ClassVar[Mapping[str, str]] = {
        "en": "Read backwards: {text}",
        "ja": "逆から読んでください：{text}",
    }

    def encoded(self, text: str) -> str:
        """The last character first."""
        return text[::-1]
