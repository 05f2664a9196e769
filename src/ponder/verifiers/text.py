"""Verifiers that compare short texts in this process: exact, number and choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from string import ascii_uppercase

from ponder.types import PonderError, Problem, Submission, Verdict
from ponder.verifiers.choices import the_choice
from ponder.verifiers.extract import Kind, clip, extract
from ponder.verifiers.numbers import parse_number
from ponder.verifiers.verdicts import judged, unable


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Pays the reference's very text, whitespace aside."""

    lenient: bool = False
    """Also look for the answer in prose."""
    casefold: bool = False
    """Upper and lower case are the same."""
    name: str = field(default="exact", init=False)
    reads_thinking: bool = field(default=False, init=False)
    deterministic: bool = field(default=True, init=False)

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        return [self._one(submission) for submission in submissions]

    def _one(self, submission: Submission) -> Verdict:
        reference = submission.problem.reference
        kind = Kind.BLOCK if "\n" in reference.strip() else Kind.TEXT
        found = extract(submission.answer, lenient=self.lenient, kind=kind)
        right = found is not None and self._normal(found.text) == self._normal(reference)
        return judged(self.name, found, right, reference)

    def _normal(self, text: str) -> str:
        text = " ".join(text.split())
        return text.casefold() if self.casefold else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """Pays the reference's value, in exact arithmetic."""

    lenient: bool = False
    """Also look for the answer in prose."""
    tolerance: float = 0.0
    """Largest distance from the reference that is still paid."""
    name: str = field(default="number", init=False)
    reads_thinking: bool = field(default=False, init=False)
    deterministic: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < float("inf"):
            raise PonderError(f"number.tolerance = {self.tolerance}: give a number from 0 up")

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        return [self._one(submission) for submission in submissions]

    def _one(self, submission: Submission) -> Verdict:
        reference = submission.problem.reference
        wanted = parse_number(reference)
        if wanted is None:
            return unable(self.name, f"the reference {clip(reference)} is no number")
        found = extract(submission.answer, lenient=self.lenient, kind=Kind.NUMBER)
        value = None if found is None else parse_number(found.text)
        right = value is not None and abs(value - wanted) <= Fraction(self.tolerance)
        return judged(self.name, found, right, reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Pays the one right choice, and nothing that names several."""

    lenient: bool = False
    """Also look for the answer in prose."""
    choices: tuple[str, ...] = ()
    """The choices; where empty, those in the problem's facts under `choices`, or their letters A, B, C ... if the
    reference is one."""
    name: str = field(default="choice", init=False)
    reads_thinking: bool = field(default=False, init=False)
    deterministic: bool = field(default=True, init=False)

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        return [self._one(submission) for submission in submissions]

    def _one(self, submission: Submission) -> Verdict:
        reference = submission.problem.reference
        choices = self.choices or _given(submission.problem)
        wanted = the_choice(reference, choices)
        if wanted is None:
            return unable(self.name, f"the reference {clip(reference)} is none of the choices {list(choices)}")
        found = extract(submission.answer, lenient=self.lenient, kind=Kind.CHOICE, choices=choices)
        right = found is not None and the_choice(found.text, choices) == wanted
        return judged(self.name, found, right, reference)


def _given(problem: Problem) -> tuple[str, ...]:
    choices = tuple(problem.facts.get("choices", ()))
    letters = tuple(ascii_uppercase[: len(choices)])
    return letters if the_choice(problem.reference, letters) else choices
