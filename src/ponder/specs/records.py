"""Specs and rubrics as records, and how they are written out again."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from difflib import get_close_matches

from ponder.specs.words import WEIGHTS, Level, in_language
from ponder.types import PonderError

_BELOW = re.compile(r"[-*+#|>`~\d]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An answer that is wanted, or one that is not."""

    good: bool
    """Whether it is wanted."""
    text: str
    """The answer, with what it answers where that matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One demand of a spec, or one criterion of a rubric."""

    id: str
    """Unique in its file; verdicts cite it."""
    level: Level
    """How much it demands."""
    title: str
    """The demand in one line."""
    text: str = ""
    """What it means exactly, with its exceptions: Markdown, with headings of three # or more."""
    examples: tuple[Example, ...] = ()
    """Answers that keep to it and that do not, in the order of the file."""
    stated: float | None = None
    """Weight that the file states; None takes that of the level."""
    part: str = ""
    """Heading and introduction of the part of the file that begins with this clause; empty where none begins."""

    @property
    def weight(self) -> float:
        """What it weighs in a rubric, below 0 for a pitfall; 0 in a spec."""
        return WEIGHTS.get(self.level, 0.0) if self.stated is None else self.stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A written rule set with clause ids; a rubric where its clauses have weights."""

    name: str
    """Name, as verdicts and tables show it."""
    title: str
    """First heading of the file."""
    language: str
    """ISO 639-1 code."""
    preamble: str
    """What stands before the first clause, the title left out."""
    clauses: tuple[Clause, ...]
    """At least one, in the order of the file."""

    def __post_init__(self) -> None:
        assert self.clauses, "a spec has at least one clause"

    @property
    def is_rubric(self) -> bool:
        """Whether its clauses are weighed."""
        return self.clauses[0].level in WEIGHTS

    def clause(self, id: str) -> Clause:
        """The clause with this id; raises PonderError where there is none."""
        found = {clause.id: clause for clause in self.clauses}
        if id not in found:
            near = get_close_matches(id, found, n=1, cutoff=0.5) or [", ".join(found)]
            raise PonderError(f"clause = {id!r}: {self.name} has no such clause; take {near[0]}")
        return found[id]

    def backwards(self) -> Spec:
        """The same clauses from the last to the first; each part keeps its heading, and what is in no part goes first.

        No two clauses of a part, and no two parts, stand as they did to each other.
        """
        parts: list[list[Clause]] = [[]]
        for clause in self.clauses:
            if clause.part:
                parts.append([])
            parts[-1].append(clause)
        first, *others = map(_backwards, parts)
        return replace(self, clauses=tuple(clause for part in (first, *others[::-1]) for clause in part))

    def text(self) -> str:
        """All of it as Markdown: what a judge reads, and what parses to the same spec again."""
        blocks = [f"# {self.title}", self.preamble, *(_written(clause, self.language) for clause in self.clauses)]
        return "\n\n".join(filter(None, blocks)) + "\n"

    def brief(self) -> str:
        """What it demands on one line, then the last paragraph of its preamble: for models with a short context.

        Titles, levels and examples are left out: `k1: If it is sealed, refuse. k2: If a guest asks, refuse.`
        """
        told = [f"{clause.id}: {' '.join((clause.text or clause.title).split())}" for clause in self.clauses]
        return " ".join(filter(None, [*told, " ".join(self.preamble.split("\n\n")[-1].split())]))

    def detailed(self, ids: Collection[str]) -> str:
        """As Markdown, these clauses whole, and of the others one line each."""
        whole = {self.clause(id).id for id in ids}
        told = [
            _written(clause, self.language) if clause.id in whole else f"- {clause.id}: {clause.title}"
            for clause in self.clauses
        ]
        return "\n\n".join(filter(None, [f"# {self.title}", self.preamble, *told])) + "\n"

    def outline(self) -> str:
        """One line a clause: its id and its title."""
        return "\n".join(f"- {clause.id}: {clause.title}" for clause in self.clauses) + "\n"


def _backwards(part: list[Clause]) -> list[Clause]:
    """The clauses of a part, its heading above the one that is now the first."""
    turned = [replace(clause, part="") for clause in part[::-1]]
    return [replace(turned[0], part=part[0].part), *turned[1:]] if turned else []


def _written(clause: Clause, language: str) -> str:
    """A clause as the file has it, after the heading of the part it begins."""
    weight = "" if clause.stated is None else f", {clause.stated!r}".removesuffix(".0")
    level = in_language(clause.level, language)
    blocks = [f"## {clause.id} ({level}{weight}) {clause.title}", clause.text]
    blocks.append("\n".join(_example(example, language) for example in clause.examples))
    return "\n\n".join(filter(None, [clause.part and f"# {clause.part}", *blocks]))


def _example(example: Example, language: str) -> str:
    """An example as an item of a list; what is itself a list, a heading or code begins below the mark."""
    mark = in_language("good" if example.good else "bad", language)
    first, *others = example.text.split("\n")
    begun = f"- {mark}:\n  {first}" if others and _BELOW.match(first) else f"- {mark}: {first}"
    return "\n".join([begun, *(line and f"  {line}" for line in others)])
