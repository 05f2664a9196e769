"""Cold start: supervised learning of worked thinking and direct answers, in a stated mix."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from ponder.model.chat import Chat
from ponder.stages.drive import Step
from ponder.stages.mixture import draw
from ponder.types import Branch, Domain, Learner, Lesson, PonderError, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """The stage; step i learns examples number i * batch to (i + 1) * batch - 1 of the mixture."""

    learner: Learner
    """Who learns."""
    chat: Chat
    """How examples become tokens."""
    domains: Mapping[str, Domain]
    """By name; at least those of `weights`."""
    weights: Mapping[str, float]
    """Share of each domain."""
    steps: int
    """Updates."""
    batch: int
    """Examples a step."""
    worked: float
    """Share of examples with worked thinking; the others answer directly."""
    learning_rate: float
    """Peak; reached after `warmup` steps, then falling in a line to a tenth."""
    warmup: int
    """Steps to the peak."""
    seed: int
    """Of the problems' stream."""
    name: str = "cold_start"
    """Name of the stage."""

    def step(self, index: int) -> Step:
        """Learn from the next batch."""
        began = time.perf_counter()
        problems = draw(self.domains, self.weights, seed=self.seed, start=index * self.batch, n=self.batch)
        drawn = time.perf_counter()
        replies = [self.reply(problem) for problem in problems]
        share = 1.0 / sum(map(len, replies))
        lessons = [
            Lesson(prompt=self.chat.prompt(p.messages), branches=(Branch(tokens=reply, weight=share),))
            for p, reply in zip(problems, replies, strict=True)
        ]
        rate = warm_then_fall(index, self.steps, self.warmup) * self.learning_rate
        metrics = self.learner.step(lessons, loss="likelihood", learning_rate=rate)
        tokens = sum(len(lesson.prompt) + len(lesson.branches[0].tokens) for lesson in lessons)
        took = time.perf_counter() - drawn
        timings = {"draw_seconds": drawn - began, "learn_seconds": took, "learn_tokens_per_second": tokens / took}
        return Step(metrics=metrics | {"learning_rate": rate, "tokens": float(tokens)}, timings=timings)

    def reply(self, problem: Problem) -> tuple[int, ...]:
        """Worked thinking for a `worked` share of each domain's examples, evenly spread; else the bare answer."""
        if not spread(int(problem.id.rsplit("/", 1)[1]), self.worked):
            return self.chat.reply(problem.reference)
        thinking = self.domains[problem.domain].worked(problem)
        if thinking is None:
            raise PonderError(
                f"cold_start.domains has {problem.domain!r}: nobody has written worked thinking for it; "
                "leave it out or set cold_start.worked = 0"
            )
        return self.chat.reply(problem.reference, thinking)


def spread(number: int, share: float) -> bool:
    """Whether item `number` is among the share, evenly spread: 0.3 takes 3 of every 10."""
    return int((number + 1) * share + 1e-9) > int(number * share + 1e-9)


def warm_then_fall(index: int, steps: int, warmup: int, *, floor: float = 0.1) -> float:
    """Factor on the learning rate: up in a line over `warmup` steps, then down in a line to `floor` at the last."""
    if index < warmup:
        return (index + 1) / warmup
    return 1.0 - (1.0 - floor) * (index + 1 - warmup) / max(1, steps - warmup)
