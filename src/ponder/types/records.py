"""The words of ponder that are records: what is asked, written, judged, learned from.

Shapes in docstrings: P prompt tokens, T completion tokens, G rollouts of one problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ponder.types.words import Mode, Outcome, Role, Status

PLAIN = "plain"
"""Fact of a problem: see `Problem.plain`."""


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

    @property
    def plain(self) -> str:
        """What the question begins with that is never written another way, such as rules that it tells: a fact."""
        return str(self.facts.get(PLAIN, ""))

    def asking(self, text: str) -> Problem:
        """The same problem with another text as its last message."""
        *before, last = self.messages
        return replace(self, messages=(*before, replace(last, content=text)))


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
    """Tokens inside the thinking block, its marks left out: the budget realised; 0 without a block."""
    answer: str
    """Text after the thinking block."""
    outcome: Outcome
    """ANSWERED, NO_ANSWER or TRUNCATED."""
    forced: tuple[int, ...] = ()
    """Indices of tokens that were put there and not drawn; nobody learns from them."""
    counted: int | None = None
    """How many tokens it wrote, where somebody else counted them and does not tell which they are."""

    @property
    def written(self) -> int:
        """How many tokens it wrote."""
        return len(self.tokens) if self.counted is None else self.counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a verifier gets to see."""

    problem: Problem
    """What was asked, without what only the policy was shown."""
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
class Budget:
    """How many tokens of thinking there may be."""

    at_least: int = 0
    """Fewest."""
    at_most: int | None = None
    """Most; None for no bound."""

    @property
    def name(self) -> str:
        """As conditions and tables show it: `most-16`, `least-16`, `exactly-16`, `8-to-16`."""
        if self.at_most is None:
            return f"least-{self.at_least}"
        if self.at_most == self.at_least:
            return f"exactly-{self.at_most}"
        return f"{self.at_least}-to-{self.at_most}" if self.at_least else f"most-{self.at_most}"


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
    think_at_least: int = 0
    """Fewest tokens of thinking it had to have."""
    think_at_most: int | None = None
    """Most tokens of thinking it could have; None for no bound of their own."""
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
    """What the policy read, a spec before it included."""
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
class ThinkingLimits:
    """How long a completion thinks: at most, at least, or, where both are equal, exactly that many tokens.

    At the most, the closing mark is put there for the policy (budget forcing, arXiv:2501.19393); a closing mark that
    comes too early is taken back, and `resume` stands in its place.
    """

    at_least: int = 0
    """Fewest tokens inside the block, if it is ever opened."""
    at_most: int | None = None
    """Most tokens inside the block; None for no bound but `max_tokens`."""
    opened: bool = False
    """Whether the prompt has opened the block already."""
    open: str = "<think>"
    """Text of the opening mark."""
    close: str = "</think>"
    """Text of the closing mark."""
    closing: tuple[int, ...] = ()
    """Token ids put there to close the block."""
    resume: tuple[int, ...] = ()
    """Token ids put there in place of a closing mark that came too early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How to draw completions.

    Recorded logprobs are those of softmax(logits / temperature) over the whole vocabulary, whatever `top_p` and
    `min_p` leave out: they are what a learner computes.
    """

    max_tokens: int
    """Most tokens of a completion, end-of-turn and forced ones included."""
    temperature: float = 1.0
    """0 takes the likeliest token."""
    top_p: float = 1.0
    """Draw from the fewest tokens that hold this share of the probability (arXiv:1904.09751); 1 draws from all."""
    min_p: float = 0.0
    """Draw from tokens at least this share as likely as the likeliest (arXiv:2407.01082); 0 draws from all."""
    stop: tuple[str, ...] = ()
    """Texts that end a completion once they stand in it, besides the end of turn."""
    thinking: ThinkingLimits | None = None
    """How long to think; None leaves it to the policy."""


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
    stop: str = ""
    """The text of `SamplingParams.stop` that ended it; its tokens are kept."""
    forced: tuple[int, ...] = ()
    """Indices of tokens that were put there and not drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a conversation is to be answered."""

    max_tokens: int
    """Most tokens of a reply, its thinking included."""
    temperature: float = 0.0
    """0 takes the likeliest token."""
    think: bool = False
    """Whether it is to think before it answers."""
    choices: tuple[str, ...] = ()
    """Words, of which the chance of each to be the answer is asked for."""
    think_at_least: int = 0
    """Fewest tokens of thinking, where it thinks."""
    think_at_most: int | None = None
    """Most tokens of thinking, where it thinks; None for no bound of their own."""

    @property
    def bounded(self) -> bool:
        """Whether it is to think within a budget."""
        return self.think and (self.think_at_least > 0 or self.think_at_most is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was said to a conversation."""

    answer: str = ""
    """Text after the thinking; empty where there is none."""
    thinking: str | None = None
    """Text of the thinking; None where there is none."""
    tokens: int = 0
    """Tokens written, thinking included."""
    thinking_tokens: int | None = None
    """Tokens of the thinking, as counted or, where nobody counts them, by its share of the text; None if unknown."""
    held_by: str = ""
    """Who held the budget of thinking: `server`, or `closing` where the thinking was closed for it; '' without one."""
    chances: Mapping[str, float] = field(default_factory=dict)
    """Probability of each of `Asking.choices` to be the answer, which add up to 1; empty where it is not known."""
    status: Status = Status.JUDGED
    """JUDGED where there is a reply; TIMEOUT or ERROR where nobody replied; UNPARSEABLE where it cannot be read."""
    reason: str = ""
    """Why there is none, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierChoice:
    """A verifier by name, as a domain asks for it."""

    name: str
    """Key of `ponder.verifiers.VERIFIERS`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of its constructor."""


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
    old: tuple[float, ...] | None = None
    """`[T]` by the learner's own computation, when the batch was drawn; None where its first update is this one."""
    reference: tuple[float, ...] | None = None
    """`[T]` under the reference policy of a KL penalty."""
    forced: tuple[int, ...] = ()
    """Indices of tokens that were put there and not drawn: they are read and not learned from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossChoice:
    """A loss by name, as a learner is asked for it."""

    name: str
    """Key of `ponder.objectives.LOSSES`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its keyword arguments."""


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
