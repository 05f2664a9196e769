"""Mathematics: is the answer equal to the reference, whatever form either is written in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ponder.types import Submission, Verdict
from ponder.verifiers.extract import Extracted, Kind, clip, extract
from ponder.verifiers.plain import same_number
from ponder.verifiers.verdicts import judged
from ponder.verifiers.workers import LIMIT, Pool, Reply, Task, shared

LONGEST = 500
"""Characters; a longer answer is not read."""

_DELIMITERS = re.compile(r"\\?\$|\\[()\[\]]")
_SPACING = re.compile(r"\\[!,;:]|\\left(?![a-z])|\\right(?![a-z])|\s+")
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mbox)\{([^{}]*)\}")


class Maths:
    """Pays what math-verify, in worker processes, finds equal to the reference.

    Equal texts are paid, and plain numbers compared, without asking it: most answers to word problems need no worker.
    """

    def __init__(self, *, lenient: bool = False, limit: float = LIMIT, pool: Pool | None = None) -> None:
        """`lenient` also looks for the answer in prose; `limit` is the seconds one answer may take."""
        self.name, self.reads_thinking, self.deterministic = "maths", False, True
        self.lenient = lenient
        self._pool = pool or shared("ponder.verifiers.maths_worker:judge", limit)

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        found = [extract(s.answer, lenient=self.lenient, kind=Kind.MATHS) for s in submissions]
        verdicts = [self._at_sight(s, f) for s, f in zip(submissions, found, strict=True)]
        tasks = {i: _task(submissions[i], found[i]) for i, verdict in enumerate(verdicts) if verdict is None}
        alike = {task.payload: task for task in tasks.values()}  # a group says the same thing again and again
        replies = dict(zip(alike, self._pool.run(list(alike.values())), strict=True))
        asked = {i: self._verdict(submissions[i], found[i], replies[task.payload]) for i, task in tasks.items()}
        return [verdict or asked[i] for i, verdict in enumerate(verdicts)]

    def _at_sight(self, submission: Submission, found: Extracted | None) -> Verdict | None:
        """The verdict where no algebra is needed."""
        reference = submission.problem.reference
        if found is None or len(found.text) > LONGEST or not bare(found.text):
            return judged(self.name, found, False, reference)
        if bare(found.text) == bare(reference):
            return judged(self.name, found, True, reference)
        right = same_number(readable(found.text), readable(reference))
        return None if right is None else judged(self.name, found, right, reference)

    def _verdict(self, submission: Submission, found: Extracted | None, reply: Reply) -> Verdict:
        explanation = f"{found}: {reply.explanation}; wanted {clip(submission.problem.reference)}"
        return Verdict(verifier=self.name, value=reply.value, status=reply.status, explanation=explanation)


def bare(text: str) -> str:
    """`text` without delimiters, `\\text{}`, sizes, spaces and a trailing period."""
    text = _TEXT.sub(r"\1", _DELIMITERS.sub("", text))
    return _SPACING.sub("", text).rstrip(".").replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")


def _task(submission: Submission, found: Extracted | None) -> Task:
    reference = readable(submission.problem.reference)
    return Task(payload=(readable(found.text if found else ""), reference), probe=(reference, reference))


def readable(text: str) -> str:
    """On one line and without delimiters, so that math-verify sees one expression and never picks among several."""
    return " ".join(_DELIMITERS.sub("", text).split()).rstrip(".")
