"""What came of a question: the answer, what it took and why it was no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ponder.solve.tries import Try
from ponder.types import Problem, Verdict


class Why(StrEnum):
    """Why no more samples were drawn."""

    AGREED = "agreed"
    """The votes agree, at the stated error."""
    VERIFIED = "verifier confident"
    """A verifier is sure enough of the answer that leads."""
    SETTLED = "settled"
    """The samples that were left could not have changed the vote."""
    SPENT = "budget spent"
    """The tokens that are left may not do for another sample."""
    MOST = "most samples"
    """There are no more samples to draw."""
    LOST = "nobody answered"
    """Every sample of a round failed, and not by the model's doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """An answer and what it took."""

    problem: Problem
    """What was asked."""
    tries: tuple[Try, ...]
    """All samples, in the order in which they were asked for."""
    votes: tuple[str | None, ...]
    """What each of them votes for; None for one that was cut, is empty or says nothing."""
    chosen: int | None
    """Index of the try whose answer is given; None where there is no vote."""
    why: Why
    """Why no more were drawn."""
    error: float
    """Largest chance that votes which AGREED do so on an answer that is not the model's commonest."""
    verified: Verdict | None
    """What the verifier says of the chosen answer; None where it was not asked."""
    spec: Verdict | None
    """Whether the chosen answer keeps to the spec; None where there is no spec."""
    verifier_tokens: int
    """That verifier and spec took."""
    seconds: float
    """Until it was decided; questions that are solved together share them."""

    @property
    def answer(self) -> str | None:
        """The text that is given; None where there is none."""
        return None if self.chosen is None else self.tries[self.chosen].answer

    @property
    def counts(self) -> dict[str, int]:
        """Votes of each answer, most first."""
        return dict(Counter(vote for vote in self.votes if vote is not None).most_common())

    @property
    def tokens(self) -> int:
        """That were written, verdicts aside."""
        return sum(one.tokens for one in self.tries)

    @property
    def thinking_tokens(self) -> int | None:
        """Of `tokens`, those inside thinking blocks; None where a server does not say."""
        found = [one.thinking_tokens for one in self.tries]
        return None if None in found else sum(filter(None, found))

    @property
    def answer_tokens(self) -> int | None:
        """Of `tokens`, all others, marks included; None where a server does not say."""
        thinking = self.thinking_tokens
        return None if thinking is None else self.tokens - thinking

    @property
    def kept(self) -> bool | None:
        """Whether the spec is kept; None where there is none, or nobody could tell."""
        return None if self.spec is None or self.spec.value is None else self.spec.value >= KEPT

    def lost(self) -> Iterator[str]:
        """Why tries failed that were not the model's doing."""
        return (one.lost for one in self.tries if one.lost)


KEPT = 0.5
"""Value from which on an answer keeps to a spec."""
