"""Answers to reasoning-gym's tasks: full marks or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ponder.types import Submission, Verdict
from ponder.verifiers.extract import Extracted, Kind, extract
from ponder.verifiers.gym_rules import EQUAL, LONGEST, RULES, looks_right
from ponder.verifiers.numbers import parse_number
from ponder.verifiers.verdicts import judged, unable
from ponder.verifiers.workers import LIMIT, Pool, Reply, Task, shared

FACTS = ("task", "config", "entry")
"""What a problem's facts must hold: reasoning-gym's name, the task's options, the item as the task made it."""


class GymScore:
    """Pays what the task that made a problem gives full marks to; partial credit counts nothing.

    The reference's text is paid at sight; `gym_rules` decides what else may be, here or by the task's own scorer.
    """

    def __init__(self, *, lenient: bool = False, limit: float = LIMIT, pool: Pool | None = None) -> None:
        """`lenient` also looks for the answer in prose; `limit` is the seconds one answer may take."""
        self.name, self.reads_thinking, self.deterministic = "gym", False, True
        self.lenient = lenient
        self._pool = pool or shared("ponder.verifiers.gym_worker:score", limit)

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        found = [self._found(submission) for submission in submissions]
        verdicts = [self._at_sight(s, f) for s, f in zip(submissions, found, strict=True)]
        left = [i for i, verdict in enumerate(verdicts) if verdict is None]
        replies = self._pool.run([_task(submissions[i], found[i]) for i in left])
        asked = {i: self._verdict(found[i], reply) for i, reply in zip(left, replies, strict=True)}
        return [verdict or asked[i] for i, verdict in enumerate(verdicts)]

    def _found(self, submission: Submission) -> Extracted | None:
        kind = _kind(submission.problem.reference) if self.lenient else Kind.BLOCK
        return extract(submission.answer, lenient=self.lenient, kind=kind)

    def _at_sight(self, submission: Submission, found: Extracted | None) -> Verdict | None:
        """The verdict where the task's own scorer is not needed."""
        facts, reference = submission.problem.facts, submission.problem.reference.strip()
        missing = [fact for fact in FACTS if fact not in facts]
        if missing:
            return unable(self.name, f"the problem's facts lack {', '.join(missing)}")
        if found is None or found.text == reference:
            return judged(self.name, found, found is not None, reference)
        task, _ = _source(facts)
        if len(found.text) > LONGEST or task in EQUAL or not looks_right(task, found.text):
            return judged(self.name, found, False, reference)
        if task in RULES:
            right = RULES[task](found.text, reference, facts["entry"]["metadata"])
            return judged(self.name, found, right, reference)
        return None

    def _verdict(self, found: Extracted | None, reply: Reply) -> Verdict:
        return Verdict(
            verifier=self.name, value=reply.value, status=reply.status, explanation=f"{found}: {reply.explanation}"
        )


def _kind(reference: str) -> Kind:
    if parse_number(reference) is not None:
        return Kind.NUMBER
    return Kind.BLOCK if "\n" in reference.strip() else Kind.TEXT


def _task(submission: Submission, found: Extracted | None) -> Task:
    """The probe is the reference; a task that gives none has no probe."""
    facts, reference = submission.problem.facts, submission.problem.reference.strip()
    probe = _payload(facts, reference) if reference else None
    return Task(payload=_payload(facts, found.text if found else ""), probe=probe)


def _payload(facts: Mapping[str, Any], answer: str) -> tuple[str, Mapping[str, Any], str, Mapping[str, Any]]:
    task, config = _source(facts)
    return task, config, answer, dict(facts["entry"])


def _source(facts: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Task and configuration; of an item of `composite`, those of the part that made it."""
    if facts["task"] != "composite":
        return facts["task"], dict(facts["config"])
    name = facts["entry"]["metadata"]["source_dataset"]
    return name, next(dict(part.config) for part in facts["config"]["datasets"] if part.name == name)
