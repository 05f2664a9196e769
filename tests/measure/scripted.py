"""A verifier by script, and labelled answers that it is asked about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fakes import ask
from ponder.measure.labelled import Labelled
from ponder.types import Status, Submission, Verdict


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """Says what a function says of a submission, None for one that it cannot judge; a `Verifier`."""

    say: Callable[[Submission], float | None]
    name: str = "script"
    reads_thinking: bool = False
    deterministic: bool = True

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        return [self._verdict(self.say(each)) for each in submissions]

    def _verdict(self, value: float | None) -> Verdict:
        status = Status.UNPARSEABLE if value is None else Status.JUDGED
        return Verdict(verifier=self.name, value=value, status=status, tokens=3)


def right(submission: Submission) -> bool:
    """What a verifier says that knows the answer and takes it in any words."""
    said = submission.answer.removeprefix("The answer is ").removeprefix("It is ").rstrip(".")
    return said == submission.problem.reference


def eight() -> list[Labelled]:
    """Four right answers and four wrong ones, each to a problem of its own."""
    said = [("right", True)] * 4 + [("slip", False), ("slip", False), ("other", False), ("other", False)]
    problems = [replace(ask(f"{i}?", "7", index=i, split="test"), difficulty=float(i % 2)) for i in range(8)]
    return [
        Labelled(problem=p, answer="x" * (i % 4 + 1), right=r, kind=k)
        for i, (p, (k, r)) in enumerate(zip(problems, said, strict=True))
    ]
