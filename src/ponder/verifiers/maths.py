"""Mathematics: is the answer equal to the reference, whatever form either is written in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from ponder.types import Submission, Verdict
from ponder.verifiers.extract import Extracted, Kind, clip, extract
from ponder.verifiers.numbers import parse_number
from ponder.verifiers.verdicts import judged
from ponder.verifiers.workers import LIMIT, Pool, Reply, Task, shared

LONGEST = 500
"""Characters; a longer answer is not read."""

_DELIMITERS = re.compile(r"\\?\$|\\[()\[\]]")
_SPACING = re.compile(r"\\[!,;:]|\\left(?![a-z])|\\right(?![a-z])|\s+")
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mbox)\{([^{}]*)\}")


class Maths:
    """Pays what math-verify, in worker processes, finds equal to the reference.

    Equal texts and equal plain numbers are paid, and unequal integers refused, without asking it.
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
        left = [i for i, verdict in enumerate(verdicts) if verdict is None]
        replies = self._pool.run([_task(submissions[i], found[i]) for i in left])
        asked = {i: self._verdict(submissions[i], found[i], reply) for i, reply in zip(left, replies, strict=True)}
        return [verdict or asked[i] for i, verdict in enumerate(verdicts)]

    def _at_sight(self, submission: Submission, found: Extracted | None) -> Verdict | None:
        """The verdict where no algebra is needed."""
        reference = submission.problem.reference
        if found is None or len(found.text) > LONGEST or not bare(found.text):
            return judged(self.name, found, False, reference)
        if bare(found.text) == bare(reference):
            return judged(self.name, found, True, reference)
        value, wanted = _plain_number(found.text), _plain_number(reference)
        if value is None or wanted is None or (value != wanted and not value.denominator == wanted.denominator == 1):
            return None
        return judged(self.name, found, value == wanted, reference)

    def _verdict(self, submission: Submission, found: Extracted | None, reply: Reply) -> Verdict:
        explanation = f"{found}: {reply.explanation}; wanted {clip(submission.problem.reference)}"
        return Verdict(verifier=self.name, value=reply.value, status=reply.status, explanation=explanation)


def bare(text: str) -> str:
    """`text` without delimiters, `\\text{}`, sizes, spaces and a trailing period."""
    text = _TEXT.sub(r"\1", _DELIMITERS.sub("", text))
    return _SPACING.sub("", text).rstrip(".").replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")


def _plain_number(text: str) -> Fraction | None:
    return None if "%" in text else parse_number(text)


def _task(submission: Submission, found: Extracted | None) -> Task:
    reference = _readable(submission.problem.reference)
    return Task(payload=(_readable(found.text if found else ""), reference), probe=(reference, reference))


def _readable(text: str) -> str:
    """On one line and without delimiters, so that math-verify sees one expression and never picks among several."""
    return " ".join(_DELIMITERS.sub("", text).split()).rstrip(".")
