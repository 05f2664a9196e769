"""Rollouts that were kept, as a domain whose worked thinking is what the policy thought."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ponder.specs.citing import cited
from ponder.types import Problem, Rollout, VerifierChoice

OTHER = "other"
"""Where a text names no clause, or says nothing."""


class Kept:
    """Problems with the thinking and the answer of the rollout that was kept of each; a finite domain."""

    verifier = VerifierChoice(name="exact")

    def __init__(self, name: str, kept: Sequence[tuple[Problem, Rollout]], *, restated: str | None = None) -> None:
        """`kept`: each problem, as it is to be asked, with its rollout; `restated`: see `Distil`."""
        self.name = name
        self._problems = [_taught(name, problem, rollout, restated) for problem, rollout in kept]

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        """Numbers `start` to `start + n - 1`, all of them of the train split."""
        return self._problems[start : start + n] if split == "train" else []

    def size(self, split: str) -> int | None:
        """How many there are."""
        return len(self._problems) if split == "train" else 0

    def worked(self, problem: Problem) -> str | None:
        """What the policy thought, after the question said again if it is to be."""
        return problem.facts.get("worked")


def _taught(name: str, problem: Problem, rollout: Rollout, restated: str | None) -> Problem:
    text = rollout.completion
    facts = {"worked": text.thinking or "", "concluded": text.answer}
    if restated:
        begun = restated.replace("{question}", problem.question)
        facts |= {"begun": begun, "worked": f"{begun}\n{text.thinking or ''}"}
    return replace(problem, domain=name, reference=text.answer, facts=facts)


def kind_of(problem: Problem, rollout: Rollout, clauses: Sequence[str]) -> str:
    """Domain, the clause that the thinking names last, and the first word of the answer: `requests k2 refuse`."""
    return f"{problem.domain} {clause_of(rollout, clauses)} {first_word(rollout.completion.answer)}"


def clause_of(rollout: Rollout, clauses: Sequence[str]) -> str:
    """The clause that the thinking names last, on which the answer rests."""
    named = cited(rollout.completion.thinking or "", clauses)
    return named[-1] if named else OTHER


def first_word(answer: str) -> str:
    """In lower case, without what surrounds it."""
    found = re.search(r"\w+", answer)
    return found[0].casefold() if found else OTHER
