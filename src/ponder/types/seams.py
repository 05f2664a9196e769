"""The seams: what a domain, a verifier, a sampler, a learner and an attack must be able to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ponder.types.records import (
    Asking,
    Lesson,
    LossChoice,
    Message,
    Problem,
    Reply,
    Sample,
    SamplingParams,
    Submission,
    Verdict,
    VerifierChoice,
)


@runtime_checkable
class Domain(Protocol):
    """A source of problems, and which verifier checks their answers.

    The same (split, seed, index) gives the same problem for ever, and no content stands in two splits.
    """

    @property
    def name(self) -> str:
        """Name, as verdicts and tables show it."""
        ...

    @property
    def verifier(self) -> VerifierChoice:
        """Who checks its answers."""
        ...

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        """Problems number `start` to `start + n - 1` of the stream (split, seed)."""
        ...

    def size(self, split: str) -> int | None:
        """Problems that the split has; None where they are made on demand, without end."""
        ...

    def worked(self, problem: Problem) -> str | None:
        """Thinking that leads to the reference, or None where nobody has written it."""
        ...


@runtime_checkable
class Verifier(Protocol):
    """Checks submissions, many at a time; its own failure is a status, never a value."""

    @property
    def name(self) -> str:
        """Name, as verdicts and tables show it."""
        ...

    @property
    def reads_thinking(self) -> bool:
        """Whether submissions must carry the thinking."""
        ...

    @property
    def deterministic(self) -> bool:
        """Whether the same submission always gets the same verdict."""
        ...

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Continues token sequences."""

    def sample(
        self, prompts: Sequence[Sequence[int]], params: SamplingParams, streams: Sequence[Sequence[str]]
    ) -> Iterator[Sample]:
        """`len(streams[i])` continuations of `prompts[i]`, each yielded when it is finished.

        A stream names the randomness of one continuation: which batch drew it does not matter.
        """
        ...

    def refit(self, weights: Mapping[str, Any], version: int) -> None:
        """Continue with these weights."""
        ...


@runtime_checkable
class Respondent(Protocol):
    """Answers conversations: a model that is talked to, whether it is here or behind a network."""

    @property
    def name(self) -> str:
        """Name, as verdicts and tables show it."""
        ...

    def respond(
        self, conversations: Sequence[Sequence[Message]], asking: Asking, streams: Sequence[str]
    ) -> list[Reply]:
        """One reply a conversation, in order; what fails is a status of its reply and never raises.

        A stream names the randomness of one reply: which others were asked for beside it does not matter.
        """
        ...


@runtime_checkable
class Scorer(Protocol):
    """Says how likely given continuations are."""

    def logprobs(self, lessons: Sequence[Lesson], *, temperature: float = 1.0) -> list[list[tuple[float, ...]]]:
        """Natural log probability `[T]` of every token of every branch of every lesson, in order."""
        ...


@runtime_checkable
class Learner(Scorer, Protocol):
    """Turns lessons into updates of the policy."""

    def step(
        self, lessons: Sequence[Lesson], *, loss: LossChoice, learning_rate: float, temperature: float = 1.0
    ) -> dict[str, float]:
        """One update; returns the step's metrics. `temperature`: what the continuations were sampled at."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that the next step depends on."""
        ...

    def load(self, folder: Path) -> None:
        """Continue as if the step after `save` were the next one."""
        ...


@runtime_checkable
class Attack(Protocol):
    """A seeded change to a problem that tries to make the policy fail; the right answer stays what it was."""

    @property
    def name(self) -> str:
        """Name, as cells and tables show it."""
        ...

    def apply(self, problem: Problem, *, strength: float, seed: int) -> Problem:
        """The problem under attack at a strength in [0, 1]; at 0 the problem itself.

        The same (problem, strength, seed) gives the same attacked problem for ever.
        """
        ...
