"""Answers that no judge need be asked about, and rules that go before one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ponder.specs.asking import Guard
from ponder.types import Submission, Verdict, Verifier

OPENERS = re.compile(
    r"(?:thought process|thinking|reasoning|solution|analysis|answer|final answer|step[ -]by[ -]step|"
    r"let'?s (?:think|solve|go)[^.:\n]*|sure|okay|here is[^.:\n]*|解答|解説|答え|考え方|思考過程|回答)"
    r"(?:\s*\d*)\s*[:：.。…!！]*",
    re.IGNORECASE,
)
"""Openings that promise an answer and give none, which judges are known to pay (arXiv:2507.08794)."""
TALK = re.compile(
    r"\b(?:ignore|disregard|forget) (?:all |any |the |your |previous |above )+(?:instruction|rubric|rule|prompt)|"
    r"\b(?:give|award|assign|output|return|reply|respond|answer)\b[^.\n]{0,40}\b(?:full marks|full score|score of|"
    r"10/10|1\.0|verdict|yes)\b|"
    r"\b(?:dear|note to|attention,?) (?:the )?(?:judge|grader|verifier|evaluator)\b|"
    r"\bthis (?:answer|response|solution) (?:is|was|has been) (?:already )?(?:correct|verified|approved|right)\b|"
    r"(?:採点者|審査員|評価者|判定者)|(?:指示|ルール|規則|基準)を(?:無視|忘れ)|満点(?:を|に|です)|"
    r"(?:この)?(?:回答|答え|解答)は(?:正しい|正解|検証済み)",
    re.IGNORECASE,
)
"""Talk to whoever judges, in English and Japanese."""


def empty_of_content(question: str, answer: str) -> str:
    """Why an answer is none, whatever a judge would say of it, in a few words; nothing where it may be one."""
    said = Guard(escape=False, most=len(answer) + 1).clean(answer)
    if not any(c.isalnum() for c in said):
        return "nothing is said"
    if OPENERS.fullmatch(said):
        return "it opens and does not go on"
    if _plain(said) == _plain(question) or (len(said) > 20 and _plain(said) in _plain(question)):
        return "it repeats the question"
    if TALK.search(said) and not TALK.search(question):
        return "it talks to the judge"
    return ""


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A verifier that is not asked about answers that are none: they are paid 0."""

    verifier: Verifier
    """Who judges the others."""
    name: str = field(init=False)
    reads_thinking: bool = field(init=False)
    deterministic: bool = field(init=False)

    def __post_init__(self) -> None:
        for name in ("name", "reads_thinking", "deterministic"):
            object.__setattr__(self, name, getattr(self.verifier, name))

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        reasons = [empty_of_content(s.problem.question, s.answer) for s in submissions]
        asked = iter(self.verifier.verify([s for s, why in zip(submissions, reasons, strict=True) if not why]))
        return [Verdict(verifier=self.name, value=0.0, explanation=why) if why else next(asked) for why in reasons]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFirst:
    """A rule decides where it can: what it pays 0 is 0, and of the rest the judge is asked."""

    rule: Verifier
    """Cheap, and sure of its noes."""
    judge: Verifier
    """Asked about what the rule lets pass, or cannot judge."""
    name: str = field(init=False)
    reads_thinking: bool = field(init=False)
    deterministic: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.judge.name)
        object.__setattr__(self, "reads_thinking", self.rule.reads_thinking or self.judge.reads_thinking)
        object.__setattr__(self, "deterministic", self.rule.deterministic and self.judge.deterministic)

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        ruled = self.rule.verify([_seen(self.rule, s) for s in submissions])
        passed = [_seen(self.judge, s) for s, v in zip(submissions, ruled, strict=True) if v.value != 0.0]
        judged = iter(self.judge.verify(passed))
        return [
            replace(v, verifier=self.name, explanation=f"by rule: {v.explanation}") if v.value == 0.0 else next(judged)
            for v in ruled
        ]


def _seen(verifier: Verifier, submission: Submission) -> Submission:
    """What this verifier gets to see of it."""
    return submission if verifier.reads_thinking else replace(submission, thinking=None)
