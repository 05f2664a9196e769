"""Reinforcement learning with verifiers: sample, judge, compare within the group, learn; on-policy.

Shapes: P problems a step, G rollouts of each.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from ponder.objectives import ADVANTAGES, has_variance, token_cost
from ponder.rollout import Roller
from ponder.stages.drive import Step
from ponder.stages.mixture import draw
from ponder.types import Branch, Cell, Domain, Learner, Lesson, Outcome, Role, Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinforce:
    """The stage; step i asks problems number i * P to (i + 1) * P - 1 of the mixture."""

    learner: Learner
    """Who learns."""
    roller: Roller
    """Who makes rollouts; its sampler shares the learner's weights."""
    domains: Mapping[str, Domain]
    """By name; at least those of `weights`."""
    weights: Mapping[str, float]
    """Share of each domain."""
    steps: int
    """Updates."""
    problems: int
    """P."""
    group: int
    """G."""
    max_tokens: int
    """Most tokens of a completion."""
    learning_rate: float
    """Reached after `warmup` steps."""
    warmup: int
    """Steps to the full learning rate."""
    normalise: str
    """Key of `objectives.ADVANTAGES`."""
    cost: float
    """Paid less for each token of a right answer."""
    max_not_judged: float
    """Largest share of rollouts that the verifier may fail on before the stage stops."""
    seed: int
    """Of the problems' stream."""
    before: int
    """Updates the policy had when the stage began."""
    name: str = "reinforce"
    """Name of the stage."""

    def step(self, index: int) -> Step:
        """Roll out, judge and learn once."""
        began = time.perf_counter()
        rollouts = self._roll(index)
        sampled = time.perf_counter()
        rewards_PG, judged_PG = self._rewards(rollouts)
        halt = self._too_few_judged(judged_PG)
        lessons = [] if halt else self._lessons(rollouts, rewards_PG, judged_PG)
        rate = min(1.0, (index + 1) / max(1, self.warmup)) * self.learning_rate
        learned = self.learner.step(lessons, loss="reinforce", learning_rate=rate) if lessons else {}
        learning = time.perf_counter() - sampled
        metrics = summary(rollouts) | learned | {"learning_rate": rate, "groups_learned": float(len(lessons))}
        tokens = sum(len(rollout.completion.tokens) for rollout in rollouts)
        timings = {"sample_seconds": sampled - began, "learn_seconds": learning}
        timings["sample_tokens_per_second"] = tokens / timings["sample_seconds"]
        return Step(metrics=metrics, timings=timings, rollouts=rollouts, halt=halt)

    def _roll(self, index: int) -> list[Rollout]:
        problems = draw(self.domains, self.weights, seed=self.seed, start=index * self.problems, n=self.problems)
        cells = [Cell(checkpoint=self.name, domain=p.domain, split=p.split, budget=self.max_tokens) for p in problems]
        version = self.before + index
        return self.roller.roll(problems, cells, group=self.group, stage=self.name, step=index, version=version)

    def _rewards(self, rollouts: Sequence[Rollout]) -> tuple[Tensor, Tensor]:
        """Rewards and which could be judged, both [P,G]."""
        paid = [rollout.paid for rollout in rollouts]
        judged_PG = torch.tensor([value is not None for value in paid]).view(-1, self.group)
        rewards_PG = torch.tensor([value or 0.0 for value in paid]).view(-1, self.group)
        if self.cost:
            lengths = [float(len(rollout.completion.tokens)) for rollout in rollouts]
            rewards_PG = token_cost(rewards_PG, torch.tensor(lengths).view(-1, self.group), cost=self.cost)
        return rewards_PG, judged_PG

    def _too_few_judged(self, judged_PG: Tensor) -> str:
        """Why the stage must stop, or nothing."""
        share = judged_PG.logical_not().double().mean().item()
        if share <= self.max_not_judged:
            return ""
        return (
            f"rl.max_not_judged = {self.max_not_judged:g}: the verifier failed on {share:.0%} of the rollouts of "
            "this step; read their verdicts in rollouts/, mend the verifier and go on with --resume"
        )

    def _lessons(self, rollouts: Sequence[Rollout], rewards_PG: Tensor, judged_PG: Tensor) -> list[Lesson]:
        """Groups whose rewards differ, with the token mean of the batch as loss."""
        kept_P = has_variance(rewards_PG, judged_PG)
        advantages_PG = ADVANTAGES[self.normalise](rewards_PG, judged_PG & kept_P[:, None]).tolist()
        groups = [rollouts[start : start + self.group] for start in range(0, len(rollouts), self.group)]
        taught = [
            (r, advantages_PG[p][g])
            for p in kept_P.nonzero()[:, 0].tolist()
            for g, r in enumerate(groups[p])
            if judged_PG[p, g]
        ]
        share = 1.0 / max(1, sum(len(rollout.completion.tokens) for rollout, _ in taught))
        branches: dict[str, list[Branch]] = {}
        for rollout, advantage in taught:
            text = rollout.completion
            branch = Branch(tokens=text.tokens, weight=share, advantage=advantage, logprobs=text.logprobs)
            branches.setdefault(rollout.problem.id, []).append(branch)
        prompts = {rollout.problem.id: rollout.completion.prompt for rollout, _ in taught}
        return [Lesson(prompt=prompts[key], branches=tuple(found)) for key, found in branches.items()]


def summary(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """What happened in these rollouts; reward (before any token cost) and gold over those that could be judged.

    Entropy is the mean surprise of the sampled tokens in nats: unbiased, since the policy drew them itself.
    """
    paid = [rollout.paid for rollout in rollouts if rollout.paid is not None]
    golden = [verdict.value for r in rollouts if (verdict := r.verdict(Role.GOLD)) and verdict.value is not None]
    texts = [rollout.completion for rollout in rollouts]
    thinking = [text for text in texts if text.thinking]
    logprobs = [logprob for text in texts for logprob in text.logprobs]
    found = {
        "rollouts": float(len(rollouts)),
        "reward": fmean(paid) if paid else float("nan"),
        "share_thinking": len(thinking) / len(texts),
        "thinking_tokens": fmean(text.thinking_tokens for text in texts),
        "answer_tokens": fmean(len(text.tokens) - text.thinking_tokens for text in texts),
        "entropy": -fmean(logprobs),
        "truncated": fmean(text.outcome is Outcome.TRUNCATED for text in texts),
        "no_answer": fmean(text.outcome is Outcome.NO_ANSWER for text in texts),
        "not_judged": 1.0 - len(paid) / len(rollouts),
    }
    return found | ({"gold": fmean(golden)} if golden else {})
