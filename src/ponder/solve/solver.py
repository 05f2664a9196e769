"""The solver: samples until the answers agree or a verifier is sure, checks the answer, and says what that took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ponder.solve.agreement import agreed, needed, settled
from ponder.solve.solution import KEPT, Solution, Why
from ponder.solve.tries import Source, Try
from ponder.types import Outcome, PonderError, Problem, Submission, Verdict, Verifier
from ponder.verifiers.extract import Kind
from ponder.verifiers.votes import vote

FIRST = 4
"""Samples of a round where the votes cannot say how many it will take."""
SURE = (Why.AGREED, Why.VERIFIED, Why.SETTLED)
"""Reasons after which there may be samples left."""


@dataclass(slots=True, kw_only=True)
class Case:
    """A question that is being solved."""

    problem: Problem
    tries: list[Try] = field(default_factory=list)
    votes: list[str | None] = field(default_factory=list)
    verified: dict[str, Verdict] = field(default_factory=dict)
    """What the verifier says, by vote."""
    spec: dict[str, Verdict] = field(default_factory=dict)
    """What the spec's judge says, by vote."""
    why: Why | None = None
    seconds: float = 0.0

    @property
    def valid(self) -> list[str]:
        """The votes there are."""
        return [each for each in self.votes if each is not None]

    @property
    def counts(self) -> dict[str, int]:
        """Votes of each answer that may be given, in the order in which they were first seen."""
        valid = self.valid
        return {each: valid.count(each) for each in dict.fromkeys(valid) if not self.refused(each)}

    def refused(self, answer: str) -> bool:
        """Whether it breaks the spec."""
        verdict = self.spec.get(answer)
        return verdict is not None and verdict.value is not None and verdict.value < KEPT

    @property
    def leading(self) -> list[str]:
        """The answers with most votes, those that the verifier likes best first."""
        counts = self.counts
        most = max(counts.values(), default=0)
        tied = [answer for answer, count in counts.items() if count == most]
        return sorted(tied, key=lambda answer: -_value(self.verified.get(answer)))

    @property
    def chosen(self) -> int | None:
        """The first try of the answer that leads; where the spec refuses all, of the one with most votes."""
        valid = self.valid
        best = next(iter(self.leading), None) or max(dict.fromkeys(valid), key=valid.count, default=None)
        return None if best is None else self.votes.index(best)

    def submission(self, answer: str, verifier: Verifier) -> Submission:
        """The first try with this vote, as a verifier sees it."""
        one = self.tries[self.votes.index(answer)]
        return Submission(
            problem=self.problem, answer=one.answer, thinking=one.thinking if verifier.reads_thinking else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Solver:
    """Answers questions with as few samples as a stated error allows; see `ponder.solve.agreement`."""

    source: Source
    """Who makes the tries."""
    error: float = 0.05
    """Largest chance that votes agree on an answer that is not the model's commonest; what a verifier must be surer
    than 1 minus."""
    samples: int = 32
    """Most of a question."""
    spend: int | None = None
    """Most tokens written to a question, all samples together, verdicts aside; None for no bound."""
    verifier: Verifier | None = None
    """Asked about whoever leads; as sure as that, its word ends the sampling. It is as good as it is calibrated."""
    spec: Verifier | None = None
    """Asked about the answer that is to be given; one that it refuses is not given as long as there is another."""
    kind: Kind = Kind.TEXT
    """What answers look like."""
    lenient: bool = True
    """Whether votes are looked for in prose, too."""

    def __post_init__(self) -> None:
        check_error(self.error)
        if self.samples < 1:
            raise PonderError(f"samples = {self.samples}: must be at least 1")
        if self.spend is not None and self.spend < self.source.longest:
            raise PonderError(
                f"spend = {self.spend}: below what a question needs: one sample may take {self.source.longest} tokens; "
                "raise it or lower the budget"
            )

    def solve(
        self, problems: Sequence[Problem], *, heard: Callable[[Sequence[Case]], None] = lambda cases: None
    ) -> list[Solution]:
        """Solutions in order. A round draws for all problems that are open; `heard` is told of all after each."""
        began, cases = time.monotonic(), [Case(problem=problem) for problem in problems]
        while opened := [case for case in cases if case.why is None]:
            self._draw(opened)
            self._look(opened)
            self._check([case for case in opened if case.why])
            for case in opened:
                case.seconds = time.monotonic() - began
            heard(cases)
        return [self._solution(case) for case in cases]

    def _draw(self, cases: Sequence[Case]) -> None:
        """A round: what each could not do without."""
        numbers = [range(len(case.tries), len(case.tries) + self._wanted(case)) for case in cases]
        for case, tries in zip(cases, self.source.draw([case.problem for case in cases], numbers), strict=True):
            case.tries += tries
            case.votes += [self._vote(case.problem, one) for one in tries]
            if all(one.lost for one in tries):
                case.why = Why.LOST

    def _vote(self, problem: Problem, one: Try) -> str | None:
        if one.lost or one.outcome is not Outcome.ANSWERED:
            return None
        return vote(one.answer, problem, kind=self.kind, lenient=self.lenient)

    def _wanted(self, case: Case) -> int:
        """Samples of the next round: as many as agreement takes at least, but one where a verifier may do with it."""
        left = self._left(case)
        if self.verifier and not case.tries:
            return 1
        if any(case.refused(answer) for answer in case.spec):
            return min(FIRST, left)
        return min(needed(case.valid, self.error, left), left)

    def _left(self, case: Case) -> int:
        """Samples that may still be drawn."""
        left = self.samples - len(case.tries)
        if self.spend is None:
            return left
        return min(left, (self.spend - sum(one.tokens for one in case.tries)) // self.source.longest)

    def _look(self, cases: Sequence[Case]) -> None:
        """Decide which have an end."""
        if self.verifier:
            asked = [(case, answer) for case in cases for answer in case.leading if answer not in case.verified]
            for (case, answer), verdict in zip(asked, _verdicts(self.verifier, asked), strict=True):
                case.verified[answer] = verdict
        for case in cases:
            case.why = case.why or self._why(case)

    def _why(self, case: Case) -> Why | None:
        best, left = next(iter(case.leading), None), self._left(case)
        if best is not None and agreed(case.valid, self.error) == best:
            return Why.AGREED
        if best is not None and _value(case.verified.get(best)) >= 1 - self.error:
            return Why.VERIFIED
        if left and settled(case.counts, left):
            return Why.SETTLED
        if left:
            return None
        return Why.MOST if len(case.tries) == self.samples else Why.SPENT

    def _check(self, cases: Sequence[Case]) -> None:
        """Ask about the answers that are to be given, and go on where one is refused and there is another way."""
        while self.spec and (asked := list(_unchecked(cases))):
            for (case, answer), verdict in zip(asked, _verdicts(self.spec, asked), strict=True):
                case.spec[answer] = verdict
                if case.refused(answer) and case.why in SURE:
                    case.why = self._why(case)

    def _solution(self, case: Case) -> Solution:
        assert case.why, "a question is solved when there is a reason to end"
        chosen = case.chosen
        answer = None if chosen is None else case.votes[chosen]
        return Solution(
            problem=case.problem,
            tries=tuple(case.tries),
            votes=tuple(case.votes),
            chosen=chosen,
            why=case.why,
            error=self.error,
            verified=case.verified.get(answer or ""),
            spec=case.spec.get(answer or ""),
            verifier_tokens=sum(verdict.tokens for verdict in (*case.verified.values(), *case.spec.values())),
            seconds=case.seconds,
        )


def check_error(error: float) -> None:
    """Raise PonderError for an error that no rule can hold."""
    if not 0 < error < 0.5:
        raise PonderError(f"error = {error:g}: must lie between 0 and 0.5, such as 0.05")


def _value(verdict: Verdict | None) -> float:
    """0 where nobody judged."""
    return 0.0 if verdict is None or verdict.value is None else verdict.value


def _unchecked(cases: Sequence[Case]) -> Iterator[tuple[Case, str]]:
    """What is to be given and was not checked, of those that have an end."""
    for case in cases:
        best = next(iter(case.leading), None)
        if case.why and best is not None and best not in case.spec:
            yield case, best


def _verdicts(verifier: Verifier, asked: Sequence[tuple[Case, str]]) -> list[Verdict]:
    return verifier.verify([case.submission(answer, verifier) for case, answer in asked]) if asked else []
