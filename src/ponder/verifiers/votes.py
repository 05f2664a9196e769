"""What an answer votes for: the same for all that say the same, however they write it."""

from __future__ import annotations

from string import ascii_uppercase

from ponder.types import Problem
from ponder.verifiers.choices import the_choice
from ponder.verifiers.extract import Kind, extract
from ponder.verifiers.numbers import parse_number

KINDS = {"number": Kind.NUMBER, "choice": Kind.CHOICE, "maths": Kind.MATHS, "exact": Kind.TEXT}
"""What answers look like where a domain names this verifier; else they are a line of text."""


def vote(answer: str, problem: Problem, *, kind: Kind = Kind.TEXT, lenient: bool = True) -> str | None:
    """What is extracted from an answer, normalised; None where there is nothing.

    Numbers count by value (`1,000`, `1000.0`), choices by name (`(A)`, `a`), text without case, spacing and a last
    period. The reference has no part in it.
    """
    given = tuple(problem.facts.get("choices", ()))
    choices = (*given, *ascii_uppercase[: len(given)])
    found = extract(answer, lenient=lenient, kind=kind, choices=choices)
    if found is None:
        return None
    value = parse_number(found.text)
    if value is not None and kind is not Kind.CHOICE:
        return str(value)
    if kind is Kind.CHOICE:
        return the_choice(found.text, choices)
    return " ".join(found.text.split()).rstrip(".").casefold() or None
