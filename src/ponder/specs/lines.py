"""The lines of a Markdown file: their numbers, which of them are code, which are headings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ponder.types import PonderError

_HEADING = re.compile(r" ?(#(?=\s)|#{2,6}(?!#))\s*(.+)")
_FENCE = re.compile(r"\s*(?P<mark>`{3,}|~{3,})(?P<rest>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file."""

    number: int
    """From 1."""
    text: str
    """Without the white space at its end."""
    code: bool = False
    """Whether it belongs to a fenced block of code, its fences included."""

    @property
    def depth(self) -> int:
        """Number of # of a heading; 0 for any other line."""
        found = None if self.code else _HEADING.fullmatch(self.text)
        return len(found[1]) if found else 0

    @property
    def heading(self) -> str:
        """A heading's text; any other line as it is."""
        found = None if self.code else _HEADING.fullmatch(self.text)
        return found[2] if found else self.text


def fault(where: str, line: int, what: str) -> PonderError:
    """The error for a mistake in a file: `file:line: what it is and what to do`."""
    return PonderError(f"{where}:{line}: {what}")


def quoted(text: str, most: int = 60) -> str:
    """A text in quotes, cut where it is too long for an error."""
    return repr(text if len(text) <= most else f"{text[:most]}…")


def fence_of(text: str) -> str:
    """The mark with which a line of this text opens a block of code; empty where it opens none."""
    found = _FENCE.fullmatch(text)
    inline = found and found["mark"][0] == "`" and "`" in found["rest"]
    return found["mark"] if found and not inline else ""


def read_lines(text: str, where: str) -> list[Line]:
    """A file's lines; raises PonderError for a block of code without an end."""
    lines: list[Line] = []
    fence, opened = "", 0
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = raw.rstrip()
        code = bool(fence or fence_of(line))
        lines.append(Line(number=number, text=line, code=code))
        if not fence:
            fence, opened = fence_of(line), number
        elif _closes(line, fence):
            fence = ""
    if fence:
        raise fault(where, opened, f"{fence} opens a block of code without an end; close it with {fence}")
    return lines


def joined(lines: Iterable[Line]) -> str:
    """Lines as text, without the empty ones at its ends."""
    return "\n".join(line.text for line in lines).strip("\n")


def _closes(text: str, fence: str) -> bool:
    mark = text.strip()
    return len(mark) >= len(fence) and not mark.strip(fence[0])
