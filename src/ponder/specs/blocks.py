"""A file cut at its headings, and put together as clauses: what all manners of writing have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ponder.specs.body import read_body, read_text
from ponder.specs.lines import Line
from ponder.specs.records import Clause
from ponder.specs.words import Level

ID = r"\w[\w.-]*"
"""What an id looks like, as a regular expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A heading: of a clause, or of a part of the file."""

    line: int
    """Its line number."""
    depth: int
    """Number of #; 7 for a numbered rule that is no Markdown heading."""
    title: str
    """Its text, without id and level."""
    id: str = ""
    """Id of the clause; empty for a part."""
    level: Level = Level.MUST
    """Level of the clause."""
    stated: float | None = None
    """Weight that the heading states."""
    note: str = ""
    """What else the heading says, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A heading and the lines below it."""

    head: Head
    """The heading."""
    body: tuple[Line, ...]
    """Down to the next heading, which is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a reader found in a file, before it is checked as a whole."""

    title: str
    """First heading of the file."""
    preamble: str
    """What belongs to no clause."""
    clauses: tuple[tuple[int, Clause], ...]
    """Each with its line number."""


def cut(lines: Sequence[Line], head_of: Callable[[Line], Head | None]) -> tuple[list[Line], list[Block]]:
    """What stands before the first heading, and the blocks.

    A part's heading that is deeper than the clause it stands in is a line of that clause.
    """
    before: list[Line] = []
    found: list[tuple[Head, list[Line]]] = []
    for line in lines:
        head = head_of(line)
        above = found[-1][0] if found else None
        if head and (head.id or not above or not above.id or head.depth <= above.depth):
            found.append((head, []))
        else:
            (found[-1][1] if found else before).append(line)
    return before, [Block(head=head, body=tuple(body)) for head, body in found]


def together(blocks: Sequence[Block], where: str) -> tuple[tuple[tuple[int, Clause], ...], str]:
    """The clauses, each with its line number, and the parts at the end that hold none, as text."""
    clauses: list[tuple[int, Clause]] = []
    part: list[str] = []
    for block in blocks:
        if block.head.id:
            clauses.append((block.head.line, _clause(block, "\n\n".join(part).removeprefix("### "), where)))
            part = []
        else:
            part.append(part_text(block, where))
    return tuple(clauses), "\n\n".join(part)


def part_text(block: Block, where: str) -> str:
    """A part as text under a heading of three #."""
    return "\n\n".join(filter(None, [f"### {block.head.title}", read_text(block.body, where)]))


def _clause(block: Block, part: str, where: str) -> Clause:
    head = block.head
    text, examples = read_body(block.body, where)
    return Clause(
        id=head.id,
        level=head.level,
        title=head.title,
        text="\n\n".join(filter(None, [head.note, text])),
        examples=examples,
        stated=head.stated,
        part=part,
    )
