"""Policies as others write them: headings with attributes, and numbered rules."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from ponder.specs.blocks import ID, Block, Draft, Head, cut, part_text, together
from ponder.specs.body import read_text
from ponder.specs.lines import Line, fault, quoted
from ponder.specs.words import Level

AUTHORITIES = {
    "root": Level.MUST,
    "system": Level.MUST,
    "developer": Level.SHOULD,
    "user": Level.SHOULD,
    "guideline": Level.SHOULD,
}
"""Level of authority in a heading's attributes -> level: what a conversation may override is a SHOULD."""

LONGEST_TITLE = 100
"""Characters of a first line that is taken for the title."""

_ATTRIBUTES = re.compile(rf"(?P<title>.*?)\{{#(?P<id>{ID})(?P<rest>[^}}]*)\}}")
_AUTHORITY = re.compile(r"\bauthority\s*=\s*[\"']?(?P<authority>[\w-]*)")
_RULE = re.compile(
    r"(?P<id>第\w{1,8}?条|[A-Za-z]{1,6}\d+(?:[.-]\w+)+|\d+(?:\.\d+)+(?=\s)|[A-Za-z]{0,6}\d+(?:\.\d+)*(?=[.):．）：]))"
    r"(?:[.):]?\s+|[．）：]\s*|(?<=条)\s*)(?P<title>\S.*)"
)
_GROUP = re.compile(r"(?P<title>\S.*?) ?\((?P<id>[A-Za-z]{1,6}\d+)\s*[–—:-]\s*(?P<rest>[^()]+)\)")
_CAPITALS = re.compile(r"[A-Z][A-Z0-9 &/,'()-]{3,60}:?")


def has_authority(line: Line) -> bool:
    """Whether a line is a heading with an id and an authority in its attributes."""
    found = _ATTRIBUTES.fullmatch(line.heading) if line.depth else None
    return bool(found and _AUTHORITY.search(found["rest"]))


def is_a_rule(line: Line) -> bool:
    """Whether a line begins with a rule's number."""
    return not line.code and bool(_RULE.fullmatch(line.heading))


def read_attributed(lines: Sequence[Line], where: str, name: str) -> Draft:
    """A file whose headings carry `{#id authority=level}`: each of them is a clause, all others are parts."""
    return _draft(lines, where, name, lambda line: _attributed(line, where))


def read_numbered(lines: Sequence[Line], where: str, name: str) -> Draft:
    """A file of numbered rules (`1. ...`, `SP0.a ...`, `第1条 ...`): each is a clause that has to be kept."""
    return _draft(lines, where, name, _numbered)


def _draft(lines: Sequence[Line], where: str, name: str, head_of: Callable[[Line], Head | None]) -> Draft:
    """Parts before the first clause that say something, and those after the last clause, are the preamble."""
    before, blocks = cut(lines, head_of)
    before, blocks = [_lower(line) for line in before], [_lowered(block) for block in blocks]
    read_text(before, where)  # refuses an example that would else become the title
    title, before, blocks = _title(before, blocks, name)
    start = next(number for number, block in enumerate(blocks) if block.head.id)
    if start and not any(line.text for line in blocks[start - 1].body):
        start -= 1  # "Forbidden" alone, right above the first clause, is said of that clause
    clauses, rest = together(blocks[start:], where)
    opening = [read_text(before, where), *(part_text(block, where) for block in blocks[:start]), rest]
    return Draft(title=title, preamble="\n\n".join(filter(None, opening)), clauses=clauses)


def _title(before: Sequence[Line], blocks: Sequence[Block], name: str) -> tuple[str, list[Line], list[Block]]:
    """The title, and what is left: a short first line, or a first heading of one # without an id, or else the name."""
    first = next((number for number, line in enumerate(before) if line.text), None)
    if first is None and blocks and blocks[0].head.depth == 1 and not blocks[0].head.id:
        head = blocks[0].head
        if not _ATTRIBUTES.fullmatch(head.title):
            return head.title, list(blocks[0].body), list(blocks[1:])
    if first is not None and not before[first].code and len(before[first].text) <= LONGEST_TITLE:
        return before[first].heading.strip(), list(before[first + 1 :]), list(blocks)
    return name, list(before), list(blocks)


def _lowered(block: Block) -> Block:
    return dataclasses.replace(block, body=tuple(_lower(line) for line in block.body))


def _lower(line: Line) -> Line:
    """A heading two steps deeper, as one and two # are for parts and clauses."""
    mark = "#" * min(line.depth + 2, 6)
    return dataclasses.replace(line, text=f"{mark} {line.heading}".rstrip()) if line.depth else line


def _attributed(line: Line, where: str) -> Head | None:
    if not line.depth:
        return None
    found = _ATTRIBUTES.fullmatch(line.heading)
    authority = _AUTHORITY.search(found["rest"]) if found else None
    if not found or not authority:
        return Head(line=line.number, depth=line.depth, title=line.heading)
    word = authority["authority"]
    if word not in AUTHORITIES:
        remedy = f"take one of {', '.join(AUTHORITIES)}"
        raise fault(where, line.number, f"authority = {quoted(word)}: no such level; {remedy}")
    title = found["title"].rstrip()
    if not title:
        raise fault(where, line.number, f"{quoted(found['id'])} has no title; say before the braces what it demands")
    level, note = AUTHORITIES[word], f"Authority: {word}."
    return Head(line=line.number, depth=line.depth, title=title, id=found["id"], level=level, note=note)


def _numbered(line: Line) -> Head | None:
    if line.code:
        return None
    depth, title = line.depth or 7, line.heading
    if rule := _RULE.fullmatch(title):
        return Head(line=line.number, depth=depth, title=rule["title"], id=rule["id"])
    if group := _GROUP.fullmatch(title):
        return Head(line=line.number, depth=depth, title=f"{group['title'].rstrip()} ({group['rest']})", id=group["id"])
    part = line.depth or _CAPITALS.fullmatch(title)
    return Head(line=line.number, depth=line.depth or 1, title=title) if part else None
