"""From rollouts with their rewards to lessons: who is compared with whom, and what each token then counts.

Shapes: P problems a step, G rollouts of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ponder.objectives import ADVANTAGES, BASELINES, WEIGHTINGS, has_variance, overlong, token_cost
from ponder.types import Branch, Lesson, LossChoice, Outcome, Rollout, Scorer


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """How rollouts teach."""

    normalise: str = "batch"
    """Key of `objectives.ADVANTAGES`."""
    weighting: str = "token"
    """Key of `objectives.WEIGHTINGS`."""
    loss: LossChoice = field(default_factory=lambda: LossChoice(name="reinforce"))
    """What is minimised."""
    cost: float = 0.0
    """Paid less for each token of a right answer."""
    overlong: int = 0
    """Tokens before the limit over which a rollout loses up to 1; 0 for none."""
    drop_truncated: bool = False
    """Leave truncated rollouts out of the loss; they are in the baseline all the same."""
    minibatches: int = 1
    """Updates that the groups of a step are spread over."""
    epochs: int = 1
    """Times each group is learned from."""

    @property
    def updates(self) -> int:
        """Updates a step, where there are groups enough."""
        return self.minibatches * self.epochs


def rewards_of(rollouts: Sequence[Rollout], teaching: Teaching, *, group: int, limit: int) -> tuple[Tensor, Tensor]:
    """Rewards and which could be judged, both [P,G]; `limit`: most tokens of a completion."""
    paid = [rollout.paid for rollout in rollouts]
    judged_PG = torch.tensor([value is not None for value in paid]).view(-1, group)
    rewards_PG = torch.tensor([value or 0.0 for value in paid]).view(-1, group)
    lengths_PG = torch.tensor([float(len(rollout.completion.tokens)) for rollout in rollouts]).view(-1, group)
    if teaching.cost:
        rewards_PG = token_cost(rewards_PG, lengths_PG, cost=teaching.cost)
    if teaching.overlong:
        rewards_PG = overlong(rewards_PG, lengths_PG, limit=limit, buffer=teaching.overlong)
    return rewards_PG, judged_PG


def lessons_of(rollouts: Sequence[Rollout], rewards_PG: Tensor, judged_PG: Tensor, teaching: Teaching) -> list[Lesson]:
    """A lesson for each group that teaches, its branches not weighted yet.

    Compared with a baseline, those are the groups whose rewards differ; without one, every rollout that was paid.
    """
    group = rewards_PG.shape[1]
    if teaching.normalise in BASELINES:
        kept_P = has_variance(rewards_PG, judged_PG)
    else:
        judged_PG = judged_PG & (rewards_PG > 0)
        kept_P = judged_PG.any(-1)
    advantages_PG = ADVANTAGES[teaching.normalise](rewards_PG, judged_PG & kept_P[:, None]).tolist()
    lessons = []
    for p in kept_P.nonzero()[:, 0].tolist():
        siblings = rollouts[p * group : (p + 1) * group]
        taught = [g for g, rollout in enumerate(siblings) if judged_PG[p, g] and _teaches(rollout, teaching)]
        branches = tuple(_branch(siblings[g], advantages_PG[p][g]) for g in taught)
        if branches:
            lessons.append(Lesson(prompt=siblings[0].completion.prompt, branches=branches))
    return lessons


def minibatches(lessons: Sequence[Lesson], teaching: Teaching, *, limit: int) -> Iterator[list[Lesson]]:
    """The lessons of each update, their tokens weighted within it; fewer where there are fewer groups."""
    count = min(teaching.minibatches, len(lessons))
    for _ in range(teaching.epochs):
        for number in range(count):
            part = lessons[len(lessons) * number // count : len(lessons) * (number + 1) // count]
            yield _weighted(part, teaching.weighting, limit)


def with_old(lessons: Sequence[Lesson], learner: Scorer, temperature: float) -> list[Lesson]:
    """The lessons with the learner's log probabilities of now, for updates after the first."""
    found = learner.logprobs(lessons, temperature=temperature)
    return _filled(lessons, found, lambda branch, logprobs: replace(branch, old=logprobs))


def with_reference(lessons: Sequence[Lesson], reference: Scorer, temperature: float) -> list[Lesson]:
    """The lessons with the reference policy's log probabilities."""
    found = reference.logprobs(lessons, temperature=temperature)
    return _filled(lessons, found, lambda branch, logprobs: replace(branch, reference=logprobs))


def _filled(
    lessons: Sequence[Lesson],
    found: Sequence[Sequence[tuple[float, ...]]],
    fill: Callable[[Branch, tuple[float, ...]], Branch],
) -> list[Lesson]:
    return [
        replace(lesson, branches=tuple(map(fill, lesson.branches, logprobs)))
        for lesson, logprobs in zip(lessons, found, strict=True)
    ]


def _teaches(rollout: Rollout, teaching: Teaching) -> bool:
    text = rollout.completion
    dropped = teaching.drop_truncated and text.outcome is Outcome.TRUNCATED
    return len(text.tokens) > len(text.forced) and not dropped


def _branch(rollout: Rollout, advantage: float) -> Branch:
    text = rollout.completion
    return Branch(tokens=text.tokens, weight=0.0, advantage=advantage, logprobs=text.logprobs, forced=text.forced)


def _weighted(lessons: Sequence[Lesson], weighting: str, limit: int) -> list[Lesson]:
    lengths = [float(len(b.tokens) - len(b.forced)) for lesson in lessons for b in lesson.branches]
    weights = iter(WEIGHTINGS[weighting](torch.tensor(lengths, dtype=torch.float64), limit).tolist())
    return [
        replace(lesson, branches=tuple(replace(branch, weight=next(weights)) for branch in lesson.branches))
        for lesson in lessons
    ]
