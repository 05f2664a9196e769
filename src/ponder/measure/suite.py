"""A suite: the same problems asked under several conditions, each giving the rollouts of one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ponder.measure.served import Interviewer
from ponder.rollout import Roller
from ponder.types import Attack, Budget, Cell, Domain, Message, Mode, PonderError, Problem, Rollout

UNBOUNDED = Budget()
"""No bounds of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """An attack at a strength."""

    attack: Attack
    """What is done to a problem."""
    strength: float
    """How much of it, above 0 and at most 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Which weights are asked, and how."""

    name: str
    """As tables show it; see `measure.transfer.CONDITIONS`."""
    checkpoint: str
    """`untouched`, or the stage that made the weights."""
    mode: Mode = Mode.FREE
    """How the policy is asked to think."""
    variant: Variant | None = None
    """What is done to the problems before they are asked, if anything."""
    budget: Budget = UNBOUNDED
    """How many tokens of thinking there may be."""

    @property
    def watched(self) -> bool:
        """Whether what is said may be watched besides: what trained weights say freely, asked without an attack."""
        return self.mode is Mode.FREE and self.checkpoint != "untouched" and self.variant is None

    def under(self, variant: Variant) -> Condition:
        """The same, attacked."""
        return replace(self, name=f"{self.name}-under-{variant.attack.name}-{variant.strength}", variant=variant)

    def posed(self, problem: Problem, *, seed: int) -> Problem:
        """The problem as it is asked: an attacked one keeps its id, and so its clean twin and its samples' streams."""
        if self.variant is None:
            return problem
        return self.variant.attack.apply(problem, strength=self.variant.strength, seed=seed)


CONDITIONS: dict[str, tuple[Condition, ...]] = {
    "untouched": (
        Condition(name="untouched", checkpoint="untouched"),
        Condition(name="fewshot", checkpoint="untouched", mode=Mode.FEWSHOT),
    ),
    "cold_start": (
        Condition(name="before", checkpoint="cold_start"),
        Condition(name="forced", checkpoint="cold_start", mode=Mode.FORCED),
    ),
    "distil": (Condition(name="distilled", checkpoint="distil"),),
    "reinforce": (Condition(name="after", checkpoint="reinforce"),),
}
"""What is measured of each checkpoint; `forced` is the control that was only made to think.

Where there is no cold start, the conditions of `cold_start` are asked of the model that reinforcement begins with.
"""
LABELS = {"cold_start": "before", "distil": "distilled", "reinforce": "after"}
"""What the names of a checkpoint's further conditions begin with."""


def named(checkpoint: str, mode: str, budget: Budget = UNBOUNDED) -> str:
    """Name of the condition of a checkpoint asked so, without an attack: `after`, `before-none`, `after-most-16`."""
    known = {(c.checkpoint, c.mode): c.name for group in CONDITIONS.values() for c in group}
    label = LABELS.get(checkpoint, checkpoint)
    return f"{label}-{budget.name}" if mode == Mode.BUDGET else known.get((checkpoint, Mode(mode)), f"{label}-{mode}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What is asked of every checkpoint."""

    name: str
    """As `--suite` names it."""
    domains: Mapping[str, Domain]
    """By name."""
    tiers: Mapping[str, str]
    """What training saw of each domain."""
    problems: int
    """Problems a domain, all different."""
    samples: int
    """Completions of each."""
    max_tokens: int
    """Most tokens of a completion."""
    temperature: float
    """Of every condition but the untouched model's, which are greedy: sampling would make it worse than it is."""
    shots: int
    """Solved examples in mode `fewshot`."""
    seed: int
    """Of the problems' stream."""
    split: str = "test"
    """Where they are from."""
    modes: tuple[str, ...] = ()
    """Ways of thinking that the model before and after reinforcement is asked in besides."""
    filler: int = 0
    """Marks of the thinking in mode `filler`."""
    judged_by: str | None = None
    """Name of the verifier that watches what is said in mode `free`."""
    moved: bool = False
    """Whether it is watched how far that is from the model that the run began with; see `measure.moved`."""
    variants: tuple[Variant, ...] = ()
    """How the same problems are asked besides, in every condition but few-shot."""
    budgets: tuple[Budget, ...] = ()
    """Budgets of thinking that every checkpoint is asked under besides."""
    price: tuple[float, float] | None = None
    """Money for a million tokens that the model reads, and for a million that it writes."""

    @property
    def with_examples(self) -> dict[str, Domain]:
        """The domains that have training problems to show; a file that is declared another split has none."""
        return {name: domain for name, domain in self.domains.items() if domain.size("train") != 0}

    def conditions(self, checkpoint: str) -> tuple[Condition, ...]:
        """Everything that a checkpoint is asked, each way once, and then under attack."""
        usual = [c for c in CONDITIONS[checkpoint] if c.mode is not Mode.FEWSHOT or self.with_examples]
        further = [mode for mode in map(Mode, self.modes) if mode not in [condition.mode for condition in usual]]
        asked = further if checkpoint in LABELS else ()
        more = [Condition(name=named(checkpoint, mode), checkpoint=checkpoint, mode=mode) for mode in asked]
        clean = (*usual, *more, *self._bounded(checkpoint))
        hit = [condition for condition in clean if condition.mode is not Mode.FEWSHOT]
        return (*clean, *(condition.under(variant) for condition in hit for variant in self.variants))

    def _bounded(self, checkpoint: str) -> list[Condition]:
        return [
            Condition(
                name=named(checkpoint, Mode.BUDGET, budget), checkpoint=checkpoint, mode=Mode.BUDGET, budget=budget
            )
            for budget in self.budgets
        ]

    def cell(self, problem: Problem, condition: Condition) -> Cell:
        """What a rollout of this problem is evidence about."""
        variant = condition.variant
        return Cell(
            checkpoint=condition.checkpoint,
            domain=problem.domain,
            split=problem.split,
            tier=self.tiers[problem.domain],
            language=problem.language,
            attack=variant.attack.name if variant else "none",
            strength=variant.strength if variant else 0.0,
            mode=condition.mode,
            budget=self.max_tokens,
            think_at_least=condition.budget.at_least,
            think_at_most=self.filler if condition.mode is Mode.FILLER else condition.budget.at_most,
            temperature=0.0 if condition.checkpoint == "untouched" else self.temperature,
        )

    def asked(self, domain: Domain) -> list[Problem]:
        """What is asked of a domain: the first different problems of the suite's stream; PonderError for too few."""
        return distinct(domain, self.problems, seed=self.seed, split=self.split)

    def ask(self, condition: Condition, roller: Roller | Interviewer, *, version: int = 0) -> list[Rollout]:
        """All rollouts of one condition; domains are sampled together unless each has examples of its own."""
        if condition.mode is not Mode.FEWSHOT:
            asked = [problem for domain in self.domains.values() for problem in self.asked(domain)]
            posed = [condition.posed(problem, seed=self.seed) for problem in asked]
            return self._roll(posed, condition, roller, version)
        found = []
        for domain in self.with_examples.values():
            shots = examples(domain, self.shots, seed=self.seed)
            found += self._roll([with_shots(p, shots) for p in self.asked(domain)], condition, roller, version)
        return found

    def _roll(
        self, problems: Sequence[Problem], condition: Condition, roller: Roller | Interviewer, version: int
    ) -> list[Rollout]:
        cells = [self.cell(problem, condition) for problem in problems]
        return roller.roll(problems, cells, group=self.samples, stage=self.name, version=version)


def distinct(domain: Domain, n: int, *, seed: int, split: str = "test") -> list[Problem]:
    """The first `n` problems of the stream whose questions differ."""
    found: dict[str, Problem] = {}
    for start in range(0, 50 * n, n):
        for problem in domain.problems(split, seed=seed, n=n, start=start):
            found.setdefault(problem.question, problem)
        if len(found) >= n:
            return list(found.values())[:n]
    raise PonderError(
        f"measure.problems = {n}: domain {domain.name!r} has only about {len(found)} different ones in its {split} "
        "split; ask for fewer or widen its options"
    )


def examples(domain: Domain, n: int, *, seed: int) -> tuple[Message, ...]:
    """`n` different solved training problems as turns of a conversation, answers bare."""
    turns = [
        (Message(role="user", content=problem.question), Message(role="assistant", content=problem.reference))
        for problem in distinct(domain, n, seed=seed, split="train")
    ]
    return tuple(message for turn in turns for message in turn)


def with_shots(problem: Problem, shots: Sequence[Message]) -> Problem:
    """The problem after solved ones; a system message stays first."""
    first = int(problem.messages[0].role == "system")
    return replace(problem, messages=(*problem.messages[:first], *shots, *problem.messages[first:]))
