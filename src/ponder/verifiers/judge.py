"""A generative verifier: a language model that reads a question, an answer and what is wanted, and gives a verdict.

It says yes or no, before which it may think; its value is the chance of yes at that place (arXiv:2408.15240), or the
score that it writes. Several votes are combined by their mean, their majority or the least of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from ponder.specs import Spec, score
from ponder.specs.asking import ALONE, NO, YES, Form
from ponder.specs.citing import cited
from ponder.types import Asking, Message, PonderError, Reply, Respondent, Status, Submission, Verdict
from ponder.verifiers.ensemble import COMBINED

SCORE = re.compile(r"(?<![\w.-])(\d+(?:\.\d+)?)\s*(?:/\s*(\d+(?:\.\d+)?))?(?![\w.]*\d)")
"""`0.8`, `8/10`."""
CLIP = 160
"""Characters of thinking that an explanation quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A respondent as a verifier."""

    respondent: Respondent
    """Who is asked."""
    form: Form = ALONE
    """How."""
    rules: str = ""
    """What a form with `{rules}` shows: the text of a spec."""
    clauses: tuple[str, ...] = ()
    """Ids that an explanation is searched for."""
    think: bool = False
    """Whether it thinks before its verdict."""
    think_at_most: int | None = None
    """Most tokens of its thinking; None for no bound of their own."""
    votes: int = 1
    """Times that it is asked; more than one only with a temperature."""
    combine: str = "mean"
    """Key of `COMBINED`."""
    read: str = "chance"
    """`chance` of yes, or the written `score`, which counts from 0 to 1 or to what it names."""
    temperature: float = 0.0
    """Of its thinking and its score."""
    max_tokens: int = 512
    """Of a vote."""
    reads_thinking: bool = False
    """Whether it sees the thinking too, where its form has a place for it."""
    name: str = "judge"
    deterministic: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        if self.combine not in COMBINED:
            raise PonderError(f"judge.combine = {self.combine!r}: there are {', '.join(COMBINED)}")
        if self.read not in ("chance", "score"):
            raise PonderError(f"judge.read = {self.read!r}: there are chance, score")
        if self.votes < 1 or (self.votes > 1 and self.temperature == 0):
            raise PonderError(f"judge.votes = {self.votes}: give 1, or more with a judge.temperature above 0")
        if "{rules}" in self.form.ask and not self.rules:
            raise PonderError("judge.rules: its form shows rules; give it a spec")

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order; a vote that fails is a status of the verdict."""
        asking = Asking(
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            think=self.think,
            think_at_most=self.think_at_most,
            choices=(YES, NO) if self.read == "chance" else (),
        )
        asked = [self.messages(s) for s in submissions for _ in range(self.votes)]
        streams = [f"{self.name}/{_hash(s)}/{vote}" for s in submissions for vote in range(self.votes)]
        replies = self.respondent.respond(asked, asking, streams) if asked else []
        rows = (replies[i : i + self.votes] for i in range(0, len(replies), self.votes))
        return [self._verdict(row) for row in rows]

    def messages(self, submission: Submission) -> tuple[Message, ...]:
        """What is asked about a submission."""
        return self.form.messages(
            submission.problem,
            submission.answer,
            thinking=submission.thinking or "",
            rules=self.rules,
        )

    def _verdict(self, replies: Sequence[Reply]) -> Verdict:
        tokens = sum(reply.tokens for reply in replies)
        lost = next((reply for reply in replies if reply.status is not Status.JUDGED), None)
        if lost:
            return Verdict(
                verifier=self.name, value=None, status=lost.status, explanation=lost.reason or "no reply", tokens=tokens
            )
        votes = [self._value(reply) for reply in replies]
        found = [vote for vote in votes if vote is not None]
        if len(found) < len(votes):
            unread = next(reply.answer for reply, vote in zip(replies, votes, strict=True) if vote is None)
            why = f"no verdict in {unread[:CLIP]!r}"
            return Verdict(verifier=self.name, value=None, status=Status.UNPARSEABLE, explanation=why, tokens=tokens)
        return Verdict(
            verifier=self.name,
            value=COMBINED[self.combine](found),
            explanation=self._explanation(replies, found),
            parts={f"vote {i}": value for i, value in enumerate(found, 1)} if len(found) > 1 else {},
            tokens=tokens,
        )

    def _value(self, reply: Reply) -> float | None:
        """A vote in [0, 1]; None where none can be read."""
        if self.read == "score":
            return _score(reply.answer)
        if reply.chances:
            return reply.chances[YES]
        word = next(iter(re.findall(r"[a-z]+", reply.answer.casefold())), "")
        return {YES: 1.0, NO: 0.0}.get(word)

    def _explanation(self, replies: Sequence[Reply], votes: Sequence[float]) -> str:
        told = " ".join(f"{vote:.2f}" for vote in votes)
        said = " ".join(f"{reply.thinking or ''} {reply.answer}" for reply in replies)
        named = cited(said, self.clauses)
        rests = f"; rests on {', '.join(clause for clause in self.clauses if clause in named)}" if named else ""
        thought = " ".join((replies[0].thinking or "").split())
        return f"{self.respondent.name}: {told}{rests}" + (f"; {thought[:CLIP]}" if thought else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricJudge:
    """A judge that is asked about each criterion of a rubric alone; the answers are weighed."""

    judge: Judge
    """Asked; its form has a place for the rules."""
    rubric: Spec
    """What it is asked about."""
    dropout: float = 0.0
    """Share of the criteria that a problem is not asked about: which ones hangs on the problem, so a group shares
    them, and no answer can count on one alone."""
    name: str = field(init=False)
    reads_thinking: bool = field(init=False)
    deterministic: bool = field(init=False)

    def __post_init__(self) -> None:
        for name in ("name", "reads_thinking", "deterministic"):
            object.__setattr__(self, name, getattr(self.judge, name))

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order; a criterion that could not be judged is a status of the verdict."""
        kept = [self._kept(submission.problem.id) for submission in submissions]
        found: list[dict[str, Verdict]] = [{} for _ in submissions]
        for clause in self.rubric.clauses:
            judge = replace(self.judge, rules=f"{clause.title}\n{clause.text}".strip(), name=f"{self.name}/{clause.id}")
            rows = [i for i, ids in enumerate(kept) if clause.id in ids]
            for i, verdict in zip(rows, judge.verify([submissions[i] for i in rows]), strict=True):
                found[i][clause.id] = verdict
        return [self._verdict(verdicts) for verdicts in found]

    def _kept(self, problem: str) -> set[str]:
        """Ids of the criteria that a problem is asked about: one that pays at least."""
        rng = Random(f"{self.name}/{problem}")
        kept = {clause.id for clause in self.rubric.clauses if rng.random() >= self.dropout}
        pays = [clause.id for clause in self.rubric.clauses if clause.weight > 0]
        return kept if kept.intersection(pays) else kept | {rng.choice(pays)}

    def _verdict(self, verdicts: Mapping[str, Verdict]) -> Verdict:
        tokens = sum(verdict.tokens for verdict in verdicts.values())
        lost = next((verdict for verdict in verdicts.values() if verdict.value is None), None)
        if lost:
            return replace(lost, verifier=self.name, tokens=tokens)
        met = {id: verdict.value or 0.0 for id, verdict in verdicts.items()}
        told = ", ".join(f"{id} {value:.2f}" for id, value in met.items())
        asked = replace(self.rubric, clauses=tuple(clause for clause in self.rubric.clauses if clause.id in met))
        return Verdict(verifier=self.name, value=score(asked, met), explanation=told, parts=met, tokens=tokens)


def _score(text: str) -> float | None:
    """The last score that a text names, as a share: `0.8`, `8/10`; None where there is none between 0 and 1."""
    found = SCORE.findall(text)
    if not found:
        return None
    value, whole = float(found[-1][0]), float(found[-1][1] or 1)
    return value / whole if whole and 0 <= value <= whole else None


def _hash(submission: Submission) -> str:
    """What a submission says, so that equal ones are judged alike."""
    told = "\0".join((submission.problem.id, submission.answer, submission.thinking or ""))
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()[:16]
