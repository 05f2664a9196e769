"""One try at a question, and who makes them: a policy of this process, or somebody who answers conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ponder.rollout import Roller, stream_of
from ponder.types import Asking, Cell, Outcome, Problem, Reply, Respondent, Rollout, Status

STAGE = "solve"
"""Stage of the rollouts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What was said to a question, once."""

    answer: str
    """Text after the thinking."""
    thinking: str | None
    """None where there is none."""
    outcome: Outcome
    """Only what is ANSWERED can vote."""
    tokens: int
    """Written, thinking included."""
    thinking_tokens: int | None
    """Of those, inside the thinking block; None where a server does not say."""
    lost: str = ""
    """Why nobody answered, where that is not the model's doing; '' where somebody did."""
    rollout: Rollout | None = None
    """The whole record, where the model is a policy."""


class Source(Protocol):
    """Makes tries."""

    @property
    def longest(self) -> int:
        """Most tokens of a try."""
        ...

    def draw(self, problems: Sequence[Problem], samples: Sequence[Sequence[int]]) -> list[list[Try]]:
        """These samples of each problem, by their numbers and in that order; all are drawn together.

        What a sample says hangs on its number and not on what else is drawn.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySource:
    """A policy; a `Source`."""

    roller: Roller
    """Writes; its verdicts are kept in the rollouts and decide nothing."""
    cell: Cell
    """How: mode, budgets, temperature; domain, split and language are those of the problem."""
    version: int = 0
    """Updates the policy has had."""

    @property
    def longest(self) -> int:
        """Most tokens of a try."""
        return self.cell.budget

    def draw(self, problems: Sequence[Problem], samples: Sequence[Sequence[int]]) -> list[list[Try]]:
        """See `Source`."""
        cells = [replace(self.cell, domain=p.domain, split=p.split, language=p.language) for p in problems]
        found = iter(self.roller.roll_samples(problems, cells, samples, stage=STAGE, version=self.version))
        return [[_of_rollout(next(found)) for _ in numbers] for numbers in samples]


@dataclass(frozen=True, slots=True, kw_only=True)
class RespondentSource:
    """Somebody who answers conversations, such as a server; a `Source`."""

    respondent: Respondent
    """Who is asked."""
    asking: Asking
    """How; its temperature is above 0 where there is more than one sample."""
    seed: int = 0
    """First part of every stream."""

    @property
    def longest(self) -> int:
        """Most tokens of a try."""
        return self.asking.max_tokens

    def draw(self, problems: Sequence[Problem], samples: Sequence[Sequence[int]]) -> list[list[Try]]:
        """See `Source`."""
        asked = [(problem, number) for problem, numbers in zip(problems, samples, strict=True) for number in numbers]
        streams = [stream_of(self.seed, STAGE, 0, problem, number) for problem, number in asked]
        found = iter(self.respondent.respond([problem.messages for problem, _ in asked], self.asking, streams))
        return [[_of_reply(next(found), self.longest) for _ in numbers] for numbers in samples]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSource:
    """Tries that were made before, so that a rule of stopping can be tried on them; a `Source`."""

    tries: Mapping[str, Sequence[Try]]
    """By problem id; try number n is the n-th. A solver must not want more."""

    @property
    def longest(self) -> int:
        """Most tokens of a try."""
        return max((one.tokens for tries in self.tries.values() for one in tries), default=0)

    def draw(self, problems: Sequence[Problem], samples: Sequence[Sequence[int]]) -> list[list[Try]]:
        """See `Source`."""
        return [[self.tries[p.id][n] for n in numbers] for p, numbers in zip(problems, samples, strict=True)]


def _of_rollout(rollout: Rollout) -> Try:
    completion = rollout.completion
    return Try(
        answer=completion.answer,
        thinking=completion.thinking,
        outcome=completion.outcome,
        tokens=completion.written,
        thinking_tokens=completion.thinking_tokens,
        rollout=rollout,
    )


def _of_reply(reply: Reply, longest: int) -> Try:
    """A reply does not say how it ended: one of all the tokens that it could have was cut."""
    outcome = Outcome.ANSWERED if reply.answer.strip() else Outcome.NO_ANSWER
    return Try(
        answer=reply.answer,
        thinking=reply.thinking,
        outcome=Outcome.TRUNCATED if reply.tokens >= longest else outcome,
        tokens=reply.tokens,
        thinking_tokens=0 if reply.thinking is None else None,
        lost="" if reply.status is Status.JUDGED else reply.reason or reply.status,
    )
