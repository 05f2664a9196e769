"""Whether a completion has the form that a spec is to be learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ponder.specs.citing import cited
from ponder.types import Submission, Verdict

REPEATED = 24
"""Characters of a line of thinking that an answer may not repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formed:
    """1 for thinking that names a clause and an answer that is free of it, else 0; it reads the thinking."""

    clauses: tuple[str, ...]
    """Ids of which the thinking has to name one; none where it need not."""
    name: str = field(default="form", init=False)
    reads_thinking: bool = field(default=True, init=False)
    deterministic: bool = field(default=True, init=False)

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        reasons = [self.lacks(submission.thinking or "", submission.answer) for submission in submissions]
        return [Verdict(verifier=self.name, value=float(not why), explanation=why or "formed") for why in reasons]

    def lacks(self, thinking: str, answer: str) -> str:
        """What is wrong with it; nothing where it is well formed."""
        if not thinking.strip():
            return "it did not think"
        if self.clauses and not cited(thinking, self.clauses):
            return "its thinking names no clause"
        lines = [line.strip() for line in thinking.splitlines()]
        if any(len(line) >= REPEATED and line in answer for line in lines):
            return "its answer repeats its thinking"
        return ""
