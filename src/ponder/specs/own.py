"""Ponder's own manner of writing a spec: `## id (level) Title`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ponder.specs.blocks import ID, Block, Draft, Head, cut, together
from ponder.specs.body import read_text
from ponder.specs.lines import Line, fault, quoted
from ponder.specs.words import WEIGHTS, Level, meaning

HEAVIEST = 1000.0
"""Largest weight of a criterion, either way."""

_CLAUSE = re.compile(rf"(?P<id>{ID})\s*[(（](?P<level>[^()（）]*)[)）]\s*(?P<title>\S.*)")
_UNTITLED = re.compile(rf"(?P<id>{ID})\s*[(（][^()（）]*[)）]")
_LEVEL = re.compile(r"(?P<word>[^\s,、，]*)[\s,、，]*(?P<weight>.*)")


def looks_like_a_clause(line: Line) -> bool:
    """Whether a line is a heading of two # with an id, something in parentheses and a title."""
    return line.depth == 2 and bool(_CLAUSE.fullmatch(line.heading))


def is_a_clause(line: Line) -> bool:
    """Whether a line is a heading, of any depth, with an id, a level and a title."""
    found = _CLAUSE.fullmatch(line.heading) if line.depth else None
    return bool(found) and meaning(_split(found["level"])[0]) in list(Level)


def read_own(lines: Sequence[Line], where: str, name: str) -> Draft:
    """A file in which headings of two # are clauses, and those of one its title and its parts."""
    before, blocks = cut(lines, lambda line: _head(line, where))
    first = next((line.number for line in before if line.text), 0)
    if first or not blocks or blocks[0].head.id:
        number = first or (blocks[0].head.line if blocks else 1)
        raise fault(where, number, "the title is missing; begin the file with `# Title`")
    _check_depths(lines, blocks[0].head.line, where)
    _check_parts(blocks[1:], where)
    clauses, _ = together(blocks[1:], where)
    return Draft(title=blocks[0].head.title, preamble=read_text(blocks[0].body, where), clauses=clauses)


def _check_depths(lines: Sequence[Line], title: int, where: str) -> None:
    """Refuse what looks like a clause and has another number of # than two, but for the title."""
    for line in lines:
        if is_a_clause(line) and line.depth != 2 and line.number != title:
            what = f"{quoted(line.heading)} is a clause under {'#' * line.depth}; write it under ##"
            raise fault(where, line.number, what)


def _check_parts(blocks: Sequence[Block], where: str) -> None:
    """Refuse a part without a clause."""
    for number, block in enumerate(blocks):
        if not block.head.id and not any(below.head.id for below in blocks[number + 1 : number + 2]):
            remedy = "write one as `## id (must) Title`, or make it a ### heading"
            raise fault(where, block.head.line, f"part {quoted(block.head.title)} holds no clause; {remedy}")


def _head(line: Line, where: str) -> Head | None:
    """The heading of a clause or of a part; None for any other line."""
    if line.depth == 1:
        return Head(line=line.number, depth=1, title=line.heading)
    return _clause_head(line, where) if line.depth == 2 else None


def _clause_head(line: Line, where: str) -> Head:
    found = _CLAUSE.fullmatch(line.heading)
    if not found:
        untitled = _UNTITLED.fullmatch(line.heading)
        reason = "has no title; say after the level what it demands" if untitled else "is no clause"
        remedy = "write `## id (must) Title`, or make it a ### heading"
        raise fault(where, line.number, f"{quoted(line.heading)} {reason}; {remedy}")
    level, stated = _level(found["level"], where, line.number)
    return Head(line=line.number, depth=2, title=found["title"], id=found["id"], level=level, stated=stated)


def _split(written: str) -> tuple[str, str]:
    """Level and weight as they are written: `essential, 2`."""
    found = _LEVEL.fullmatch(written.strip())
    assert found, "the pattern takes any line"
    return found["word"], found["weight"]


def _level(written: str, where: str, line: int) -> tuple[Level, float | None]:
    word, weight = _split(written)
    if meaning(word) not in list(Level):
        remedy = "take must or should; in a rubric essential, important, optional or pitfall"
        raise fault(where, line, f"level = {quoted(word)}: no such level; {remedy}")
    level = Level(meaning(word))
    if weight and level not in WEIGHTS:
        raise fault(where, line, f"weight = {quoted(weight)}: a clause with the level {level} has none; leave it out")
    return level, _weight(weight, level, where, line) if weight else None


def _weight(written: str, level: Level, where: str, line: int) -> float:
    """A stated weight: below 0 for a pitfall, above 0 for anything else."""
    try:
        weight = float(written)
    except ValueError:
        remedy = f"write it as in ({level}, {WEIGHTS[level]})"
        raise fault(where, line, f"weight = {quoted(written)}: not a number; {remedy}") from None
    sign = -1 if level is Level.PITFALL else 1
    if not 0 < sign * weight <= HEAVIEST:
        bounds = f"below 0, and at least {-HEAVIEST:g}" if sign < 0 else f"above 0, and at most {HEAVIEST:g}"
        raise fault(where, line, f"weight = {weight:g}: that of {level} must be {bounds}; only a pitfall takes away")
    return weight
