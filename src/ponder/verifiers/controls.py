"""Rewards that know nothing of the answer: what training with them gains is not learned from being right."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from ponder.types import PonderError, Submission, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """Pays a share of completions that a hash of problem, thinking and answer picks (arXiv:2506.10947)."""

    share: float = 0.5
    """Of completions that are paid."""
    name: str = field(default="chance", init=False)
    reads_thinking: bool = field(default=True, init=False)
    deterministic: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise PonderError(f"chance.share = {self.share}: give a share from 0 to 1")

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        return [self._one(submission) for submission in submissions]

    def _one(self, submission: Submission) -> Verdict:
        told = "\0".join((submission.problem.id, submission.thinking or "", submission.answer))
        drawn = int.from_bytes(hashlib.sha256(told.encode(errors="replace")).digest()[:8]) / 2**64
        lucky = drawn < self.share
        return Verdict(verifier=self.name, value=float(lucky), explanation=f"drew {drawn:.3f} of {self.share:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Pays thinking of some length and an answer of one line after it, whatever either says."""

    least: float = 1.0
    """Words of thinking."""
    most: float = 20.0
    """Words of the answer."""
    name: str = field(default="format", init=False)
    reads_thinking: bool = field(default=True, init=False)
    deterministic: bool = field(default=True, init=False)

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        return [self._one(submission) for submission in submissions]

    def _one(self, submission: Submission) -> Verdict:
        thought, said = len((submission.thinking or "").split()), submission.answer.strip()
        keeps = thought >= self.least and 0 < len(said.split()) <= self.most and "\n" not in said
        return Verdict(
            verifier=self.name,
            value=float(keeps),
            explanation=f"{thought} words of thinking, {len(said.split())} of answer in {len(said.splitlines())} lines",
        )
