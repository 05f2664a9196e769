"""What stands below a heading: text, and examples as items of a list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ponder.specs.lines import Line, fault, fence_of, joined
from ponder.specs.records import Example
from ponder.specs.words import MEANINGS, meaning

_MARKS = "|".join(["good", "bad", *(written for written, word in MEANINGS.items() if word in ("good", "bad"))])
_EXAMPLE = re.compile(
    rf"[-*+]\s+(?P<bold>\**)(?P<mark>{_MARKS})(?:(?P=bold)\s*[:：]|\s*[:：](?P=bold))\s*(?P<text>.*)", re.IGNORECASE
)
_ITEM = re.compile(r"([-*+]|\d+[.)])\s")
_INDENT = re.compile(r"^(\t| {1,2})")


def read_body(lines: Sequence[Line], where: str) -> tuple[str, tuple[Example, ...]]:
    """The text of these lines and the examples among them."""
    runs = _runs(lines)
    text = "\n\n".join(filter(None, (joined(run) for run in runs if not _mark(run[0]))))
    return text, tuple(_example(run, where) for run in runs if _mark(run[0]))


def read_text(lines: Sequence[Line], where: str) -> str:
    """The text of lines outside any clause, where no example may stand."""
    for line in lines:
        if _mark(line):
            raise fault(where, line.number, "an example outside a clause; put it below the clause it belongs to")
    return joined(lines)


def _mark(line: Line) -> re.Match[str] | None:
    return None if line.code else _EXAMPLE.fullmatch(line.text)


def _runs(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines cut where an example begins and where one ends."""
    runs: list[list[Line]] = []
    for line in lines:
        if not runs or _mark(line) or (_mark(runs[-1][0]) and not _goes_on(runs[-1][-1], line)):
            runs.append([])
        runs[-1].append(line)
    return runs


def _goes_on(previous: Line, line: Line) -> bool:
    """Whether a line belongs to the example that the line before belongs to: what is indented, or follows at once."""
    if previous.code and line.code:
        return True
    if not line.text or line.text[0] == "\t" or line.text[:2].isspace():
        return True
    begins = line.code or line.depth or _ITEM.match(line.text)
    return bool(previous.text) and not previous.code and not begins


def _example(run: Sequence[Line], where: str) -> Example:
    """An example out of its lines, the indentation of a list item taken off."""
    first = _mark(run[0])
    assert first, "a run of an example begins with its mark"
    if fence_of(first["text"]):
        remedy = "begin it on the next line, indented by two"
        raise fault(where, run[0].number, f"a block of code on the line of an example's mark; {remedy}")
    text = "\n".join([first["text"], *(_INDENT.sub("", line.text) for line in run[1:])]).strip()
    if not text:
        raise fault(where, run[0].number, "an example that says nothing; write it after the colon, or leave it out")
    return Example(good=meaning(first["mark"]) == "good", text=text)
