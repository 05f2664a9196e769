"""Reinforcement learning with verifiers: sample, judge, compare within the group, learn."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Protocol

from torch import Tensor

from ponder.measure.budgets import outside
from ponder.rollout import Roller
from ponder.stages.costing import Costing
from ponder.stages.drive import Step
from ponder.stages.lessons import Teaching, lessons_of, minibatches, rewards_of, with_old, with_reference
from ponder.stages.watchman import Watchman
from ponder.types import Cell, Learner, Lesson, Outcome, Problem, Role, Rollout, Scorer


class Feed(Protocol):
    """Says which problems a step asks, and hears what came of them."""

    def source(self, index: int) -> Sequence[Problem]:
        """The problems of step `index`; it has heard of every step before."""
        ...

    def learned(self, index: int, rollouts: Sequence[Rollout]) -> None:
        """The rollouts of step `index`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinforce:
    """The stage; each step asks the next problems of its feed, a group of rollouts of each."""

    learner: Learner
    """Who learns."""
    roller: Roller
    """Who makes rollouts; its sampler shares the learner's weights."""
    feed: Feed
    """Where problems come from."""
    steps: int
    """Times that rollouts are drawn and learned from."""
    group: int
    """Rollouts of each problem."""
    cell: Cell
    """How completions are asked for; the domain of each problem is filled in."""
    learning_rate: float
    """Reached after `warmup` steps."""
    warmup: int
    """Steps to the full learning rate."""
    teaching: Teaching
    """How rollouts teach."""
    max_not_judged: float
    """Largest share of rollouts that the verifier may fail on before the stage stops."""
    before: int
    """Updates the policy had when the stage began."""
    reference: Scorer | None = None
    """The policy that a KL penalty holds on to."""
    watchman: Watchman | None = None
    """Who hears whether what pays has drifted."""
    costing: Costing | None = None
    """What thinking costs; the rewards that are recorded and watched are those before it."""
    name: str = "reinforce"
    """Name of the stage."""

    def step(self, index: int) -> Step:
        """Roll out, judge and learn."""
        began = time.perf_counter()
        rollouts = self._roll(index)
        sampled = time.perf_counter()
        rewards_PG, judged_PG = rewards_of(rollouts, self.teaching, group=self.group, limit=self.cell.budget)
        watched = self.watchman.hear(rollouts) if self.watchman else {}
        charged: dict[str, float] = {}
        if self.costing:
            rewards_PG, charged = self.costing.charge(rollouts, rewards_PG, judged_PG)
        failed, alarmed = self._too_few_judged(judged_PG), self.watchman.reason if self.watchman else ""
        halt = failed or alarmed
        lessons = [] if halt else lessons_of(rollouts, rewards_PG, judged_PG, self.teaching)
        rate = min(1.0, (index + 1) / max(1, self.warmup)) * self.learning_rate
        learned = self._learn(lessons, rate) if lessons else {}
        self.feed.learned(index, rollouts)
        learning = time.perf_counter() - sampled
        metrics = summary(rollouts) | outside(rollouts) | learned | watched | charged
        metrics |= {"learning_rate": rate, "groups_learned": float(len(lessons))}
        tokens = sum(len(rollout.completion.tokens) for rollout in rollouts)
        timings = {"sample_seconds": sampled - began, "learn_seconds": learning}
        timings["sample_tokens_per_second"] = tokens / timings["sample_seconds"]
        back = self.watchman is not None and self.watchman.goes_back and bool(alarmed) and not failed
        return Step(metrics=metrics, timings=timings, rollouts=rollouts, halt=halt, back=back)

    def _roll(self, index: int) -> list[Rollout]:
        problems = self.feed.source(index)
        cells = [replace(self.cell, domain=p.domain, split=p.split, language=p.language) for p in problems]
        if self.costing:
            problems = [self.costing.posed(problem) for problem in problems]
        version = self.before + index
        return self.roller.roll(problems, cells, group=self.group, stage=self.name, step=index, version=version)

    def _too_few_judged(self, judged_PG: Tensor) -> str:
        """Why the stage must stop, or nothing."""
        share = judged_PG.logical_not().double().mean().item()
        if share <= self.max_not_judged:
            return ""
        return (
            f"rl.max_not_judged = {self.max_not_judged:g}: the verifier failed on {share:.0%} of the rollouts of "
            "this step; read their verdicts in rollouts/, mend the verifier and go on with --resume"
        )

    def _learn(self, lessons: list[Lesson], rate: float) -> dict[str, float]:
        """Every update of a step; the means of their metrics."""
        temperature = self.cell.temperature
        if self.reference:
            lessons = with_reference(lessons, self.reference, temperature)
        if self.teaching.updates > 1:
            lessons = with_old(lessons, self.learner, temperature)
        found = [
            self.learner.step(part, loss=self.teaching.loss, learning_rate=rate, temperature=temperature)
            for part in minibatches(lessons, self.teaching, limit=self.cell.budget)
        ]
        return {key: fmean(metrics[key] for metrics in found) for key in found[0]}


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
        "answer_tokens": fmean(text.written - text.thinking_tokens for text in texts),
        "entropy": -fmean(logprobs) if logprobs else float("nan"),
        "truncated": fmean(text.outcome is Outcome.TRUNCATED for text in texts),
        "no_answer": fmean(text.outcome is Outcome.NO_ANSWER for text in texts),
        "not_judged": 1.0 - len(paid) / len(rollouts),
    }
    return found | ({"gold": fmean(golden)} if golden else {})
