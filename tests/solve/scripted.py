"""A source by script: sample g of a problem says the g-th of its lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ponder.solve.tries import Try
from ponder.types import Outcome, Problem, Status, Submission, Verdict

CUT, LOST = "…", "!"
"""What ends a line that was cut, and what is said where nobody answers."""


def said(line: str) -> Try:
    """Ten tokens of thinking and two of an answer."""
    outcome = Outcome.ANSWERED if line else Outcome.NO_ANSWER
    return Try(
        answer=line.removesuffix(CUT),
        thinking="so",
        outcome=Outcome.TRUNCATED if line.endswith(CUT) else outcome,
        tokens=12,
        thinking_tokens=10,
        lost="no reply within 1 s" if line == LOST else "",
    )


@dataclass(kw_only=True)
class ScriptedSource:
    """A `Source`; the last line is repeated without end."""

    lines: Callable[[Problem], Sequence[str]]
    longest: int = 20
    rounds: list[list[list[int]]] = field(default_factory=list)
    """Numbers of the samples of each problem, round by round."""

    def draw(self, problems: Sequence[Problem], samples: Sequence[Sequence[int]]) -> list[list[Try]]:
        self.rounds.append([list(numbers) for numbers in samples])
        return [
            [said(self.lines(problem)[min(number, len(self.lines(problem)) - 1)]) for number in numbers]
            for problem, numbers in zip(problems, samples, strict=True)
        ]


@dataclass(kw_only=True)
class ScriptedJudge:
    """Says what a function says of an answer, None for one that it cannot judge; a `Verifier` of 3 tokens a verdict."""

    say: Callable[[str], float | None]
    name: str = "judge"
    reads_thinking: bool = False
    deterministic: bool = True
    seen: list[str] = field(default_factory=list)

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        self.seen += [submission.answer for submission in submissions]
        return [self._verdict(self.say(submission.answer)) for submission in submissions]

    def _verdict(self, value: float | None) -> Verdict:
        status = Status.UNPARSEABLE if value is None else Status.JUDGED
        return Verdict(verifier=self.name, value=value, status=status, tokens=3)
