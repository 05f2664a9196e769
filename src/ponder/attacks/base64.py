"""Text in Base64."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ponder.attacks.encoding import Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Base64(Encoding):
    """The bytes of the text in UTF-8, in Base64. Strength: the share of the words, which are one stretch."""

    ways: ClassVar[Mapping[str, str]] = {"en": "written in Base64", "ja": "Base64で書かれています"}

    def encoded(self, text: str) -> str:
        """In Base64."""
        return b64encode(text.encode(errors="replace")).decode()
