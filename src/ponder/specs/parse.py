"""From the text of a file to a spec; what is wrong with it is said in a line, with its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ponder.specs.blocks import Draft
from ponder.specs.foreign import has_authority, is_a_rule, read_attributed, read_numbered
from ponder.specs.lines import Line, fault, quoted, read_lines
from ponder.specs.own import is_a_clause, looks_like_a_clause, read_own
from ponder.specs.records import Spec
from ponder.specs.words import WEIGHTS

MANNERS: tuple[tuple[Callable[[Line], bool], Callable[[Sequence[Line], str, str], Draft]], ...] = (
    (is_a_clause, read_own),
    (has_authority, read_attributed),
    (looks_like_a_clause, read_own),
    (is_a_rule, read_numbered),
)
"""What tells a manner of writing, and its reader: the first that any line shows is the file's."""


def parse(text: str, *, name: str, language: str = "en", where: str | None = None) -> Spec:
    """The spec or rubric that a text is; `where` names the text in errors, and is `name` if it is not given.

    `parse(spec.text(), name=spec.name, language=spec.language) == spec` for every spec that came from here.
    Raises PonderError, with the number of the line, for what is wrong with it.
    """
    where = where or name
    if not text.strip():
        raise fault(where, 1, "holds nothing; write a title and at least one clause")
    lines = read_lines(text, where)
    draft = _reader(lines)(lines, where, name)
    _check(draft, where)
    clauses = tuple(clause for _, clause in draft.clauses)
    return Spec(name=name, title=draft.title, language=language, preamble=draft.preamble, clauses=clauses)


def _reader(lines: Sequence[Line]) -> Callable[[Sequence[Line], str, str], Draft]:
    return next((reader for shows, reader in MANNERS if any(map(shows, lines))), read_own)


def _check(draft: Draft, where: str) -> None:
    """Refuse what is wrong with a file as a whole."""
    if not draft.clauses:
        raise fault(where, 1, "holds no clause; write one as `## id (must) Title`")
    _check_ids(draft, where)
    _check_levels(draft, where)


def _check_ids(draft: Draft, where: str) -> None:
    seen: dict[str, int] = {}
    for line, clause in draft.clauses:
        if clause.id in seen:
            raise fault(where, line, f"id = {quoted(clause.id)}: stands in line {seen[clause.id]} too; give it another")
        seen[clause.id] = line


def _check_levels(draft: Draft, where: str) -> None:
    """A file has the levels of a spec or those of a rubric, and a rubric has something to earn."""
    first_line, first = draft.clauses[0]
    for line, clause in draft.clauses:
        if (clause.level in WEIGHTS) != (first.level in WEIGHTS):
            levels = f"'{clause.level}': line {first_line} has '{first.level}'"
            raise fault(
                where, line, f"level = {levels}; levels of a spec and of a rubric do not mix, so keep to one kind"
            )
    if first.level in WEIGHTS and all(clause.weight < 0 for _, clause in draft.clauses):
        remedy = "add a criterion that is essential, important or optional"
        raise fault(where, first_line, f"every weight of the rubric is negative; {remedy}")
