"""The words of ponder as frozen records, and the four seams as protocols.

Standard library only: everything else may import this, and this imports nothing of ponder.
Shapes in docstrings: P prompt tokens, T completion tokens, G rollouts of one problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


class PonderError(ValueError):
    """A user's mistake: one line that names the field, the value and the remedy.

    The command line prints it without a traceback and exits with status 2.
    """


class Outcome(StrEnum):
    """How a completion ended: the policy's own doing."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    TRUNCATED = "truncated"


class Status(StrEnum):
    """How a verification ended: the verifier's own doing."""

    JUDGED = "judged"
    UNPARSEABLE = "unparseable"
    TIMEOUT = "timeout"
    ERROR = "error"


class Role(StrEnum):
    """What a verdict is for: only PAY becomes reward."""

    PAY = "pay"
    GOLD = "gold"
    WATCH = "watch"
    FILTER = "filter"


class Mode(StrEnum):
    """How the policy is asked to think."""

    FREE = "free"
    """It thinks or not, as it likes."""
    FORCED = "forced"
    """The thinking block is opened for it."""
    FEWSHOT = "fewshot"
    """Solved examples stand before the question; it thinks or not, as it likes."""


class Tier(StrEnum):
    """What training saw of a domain."""

    TRAINED = "trained"
    """Reinforcement learning saw it."""
    SHOWN = "shown"
    """Only the cold start saw it."""
    UNSEEN = "unseen"
    """No stage saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str
    """The text of the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing asked."""

    id: str
    """Unique for ever: `domain/split/seed/index`."""
    domain: str
    """Name of the domain it comes from."""
    split: str
    """`train`, `validation` or `test`."""
    messages: tuple[Message, ...]
    """What the policy reads."""
    reference: str
    """A right answer, as a person would write it."""
    language: str = "en"
    """ISO 639-1 code."""
    difficulty: float | None = None
    """Grows with the work a problem takes; comparable within a domain only."""
    pair_id: str | None = None
    """The same item in another language carries the same `pair_id`."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a verifier or a worked solution needs besides; it is not written to the run folder."""

    @property
    def question(self) -> str:
        """The last user turn."""
        return next(m.content for m in reversed(self.messages) if m.role == "user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the policy wrote."""

    prompt: tuple[int, ...]
    """Token ids `[P]` that it continued, an opened thinking block included."""
    tokens: tuple[int, ...]
    """Token ids `[T]` as sampled, the end-of-turn token included."""
    logprobs: tuple[float, ...]
    """Natural log probability `[T]` of each token at the sampling temperature."""
    policy_version: int
    """Updates the policy had had."""
    thinking: str | None
    """Text inside the thinking block; None where there is no block."""
    thinking_tokens: int
    """Tokens from the sampled start to the end of the thinking block; 0 without one."""
    answer: str
    """Text after the thinking block."""
    outcome: Outcome
    """ANSWERED, NO_ANSWER or TRUNCATED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a verifier gets to see."""

    problem: Problem
    """What was asked."""
    answer: str
    """What was answered."""
    thinking: str | None = None
    """Only for a verifier that declares `reads_thinking`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verifier says of one answer."""

    verifier: str
    """Name of who says it."""
    value: float | None
    """In [0, 1]; None unless `status` is JUDGED."""
    role: Role = Role.PAY
    """PAY, GOLD, WATCH or FILTER: only PAY becomes reward."""
    status: Status = Status.JUDGED
    """JUDGED, UNPARSEABLE, TIMEOUT or ERROR: the verifier's own fate, never the answer's."""
    explanation: str = ""
    """For people: why; for an extracted answer, the rule that matched and what it found."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """Named components of the value, where it has any."""
    tokens: int = 0
    """Tokens a generative verifier spent."""

    def __post_init__(self) -> None:
        judged = self.status is Status.JUDGED
        assert judged == (self.value is not None), "a verdict has a value exactly when it is judged"
        assert self.value is None or 0.0 <= self.value <= 1.0, "a verdict's value lies in [0, 1]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one rollout is evidence about."""

    checkpoint: str
    """Name of the weights: `untouched`, or the stage that made them."""
    domain: str
    """Name of the domain."""
    split: str
    """Split the problem is from."""
    tier: str = ""
    """What training saw of the domain; empty in training itself."""
    language: str = "en"
    """ISO 639-1 code."""
    attack: str = "none"
    """Name of the attack."""
    strength: float = 0.0
    """Strength of the attack."""
    mode: str = Mode.FREE
    """How the policy was asked to think."""
    budget: int = 0
    """Most tokens a completion could have."""
    temperature: float = 1.0
    """Sampling temperature; 0 is greedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Problem, completion and verdicts: the one record of everything ponder does."""

    stage: str
    """Stage or suite that made it."""
    step: int
    """Step of the stage; 0 when measuring."""
    sample: int
    """Index within the group, 0 to G - 1."""
    cell: Cell
    """What it is evidence about."""
    problem: Problem
    """What was asked."""
    completion: Completion
    """What the policy wrote."""
    verdicts: tuple[Verdict, ...]
    """Every verdict on it, in the order given."""

    def verdict(self, role: Role) -> Verdict | None:
        """The first verdict with this role, or None."""
        return next((v for v in self.verdicts if v.role is role), None)

    @property
    def paid(self) -> float | None:
        """The paying verdict's value; None where the verifier failed."""
        verdict = self.verdict(Role.PAY)
        return None if verdict is None else verdict.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How to draw completions."""

    max_tokens: int
    """Most tokens of a completion, end-of-turn included."""
    temperature: float = 1.0
    """0 takes the likeliest token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One finished continuation, as the sampler returns it."""

    prompt: int
    """Index into the prompts asked for."""
    sample: int
    """Index into that prompt's streams."""
    tokens: tuple[int, ...]
    """Token ids `[T]`, the end-of-turn token included where it came."""
    logprobs: tuple[float, ...]
    """Natural log probability `[T]` of each token at the sampling temperature."""
    ended: bool
    """False where `max_tokens` cut it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierChoice:
    """A verifier by name, as a domain asks for it."""

    name: str
    """Key of `ponder.verifiers.VERIFIERS`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of its constructor."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One continuation of a prompt to learn from."""

    tokens: tuple[int, ...]
    """Token ids `[T]`."""
    weight: float
    """Share of each of its tokens in the loss of the whole batch."""
    advantage: float = 1.0
    """Of the whole continuation; 1 in supervised learning."""
    logprobs: tuple[float, ...] | None = None
    """`[T]` as the sampler recorded them; None in supervised learning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A prompt with the continuations to learn from: one for an example, G for a group."""

    prompt: tuple[int, ...]
    """Token ids `[P]`, computed once and shared by all branches."""
    branches: tuple[Branch, ...]
    """Its continuations."""

    @property
    def length(self) -> int:
        """Positions to compute: the last token of a branch predicts nothing and is left out."""
        return len(self.prompt) + sum(len(branch.tokens) - 1 for branch in self.branches)


@runtime_checkable
class Learner(Protocol):
    """Turns lessons into updates of the policy."""

    def step(self, lessons: Sequence[Lesson], *, loss: str, learning_rate: float) -> dict[str, float]:
        """One update by the loss of that name in `ponder.objectives.LOSSES`; returns the step's metrics."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that the next step depends on."""
        ...

    def load(self, folder: Path) -> None:
        """Continue as if the step after `save` were the next one."""
        ...
