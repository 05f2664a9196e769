"""Cold start: supervised learning of worked thinking and direct answers, in a stated mix."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from ponder.model.chat import Chat
from ponder.stages.drive import Step
from ponder.types import Branch, Domain, Learner, Lesson, LossChoice, Mode, PonderError, Problem

DOTS = 64
"""Most dots of a block that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """The stage; step i learns the problems that `source` gives for it."""

    learner: Learner
    """Who learns."""
    chat: Chat
    """How examples become tokens."""
    domains: Mapping[str, Domain]
    """By name; who has written the thinking."""
    source: Callable[[int], Sequence[Problem]]
    """Step -> its problems."""
    steps: int
    """Updates."""
    worked: float
    """Share of worked thinking in the mix; the rest answers directly."""
    learning_rate: float
    """Peak; reached after `warmup` steps, then falling in a line to a tenth."""
    warmup: int
    """Steps to the peak."""
    blank: float = 0.0
    """Share of the direct answers that stand behind a block which says nothing."""
    unseen: float = 0.0
    """Of the worked thinking that begins with the question said again (a problem's fact `begun`): the share that is
    learned with no question before it, so that what comes next hangs on words of the thinking alone."""
    name: str = "cold_start"
    """Name of the stage."""

    def step(self, index: int) -> Step:
        """Learn from the next batch."""
        began = time.perf_counter()
        problems = self.source(index)
        drawn = time.perf_counter()
        lessons = [lesson for problem in problems for lesson in self.lessons(problem, share=1.0 / len(problems))]
        rate = warm_then_fall(index, self.steps, self.warmup) * self.learning_rate
        metrics = self.learner.step(lessons, loss=LossChoice(name="likelihood"), learning_rate=rate)
        tokens = sum(lesson.length for lesson in lessons)
        took = time.perf_counter() - drawn
        timings = {"draw_seconds": drawn - began, "learn_seconds": took, "learn_tokens_per_second": tokens / took}
        return Step(metrics=metrics | {"learning_rate": rate, "tokens": float(tokens)}, timings=timings)

    def lessons(self, problem: Problem, *, share: float) -> Iterator[Lesson]:
        """What is learned of a problem: with the question, and of a part without it."""
        begun = problem.facts.get("begun")
        if not (begun and self.unseen and self.worked):
            yield self.lesson(problem, share=share)
            return
        yield self.lesson(problem, share=share, seen=1.0 - self.unseen)
        yield self.without_question(problem, begun, weight=share * self.worked * self.unseen)

    def lesson(self, problem: Problem, *, share: float, seen: float = 1.0) -> Lesson:
        """The worked and the direct reply side by side, weighted by the mix instead of drawn by it.

        In expectation this is learning from a `worked` share of worked examples, without the noise of drawing, and
        the prompt is paid for once. Each reply's loss is the sum over its tokens. `seen`: share of the worked one that
        is learned here.
        """
        branches = []
        if self.worked > 0:
            thinking = thinking_of(self.domains[problem.domain], problem)
            answer = problem.facts.get("concluded", problem.reference)
            branches.append(Branch(tokens=self.chat.reply(answer, thinking), weight=share * self.worked * seen))
        direct = share * (1 - self.worked)
        if direct and self.blank < 1:
            branches.append(Branch(tokens=self.chat.reply(problem.reference), weight=direct * (1 - self.blank)))
        if direct and self.blank:
            branches.append(self.behind_a_blank(problem, weight=direct * self.blank))
        return Lesson(prompt=self.chat.prompt(problem.messages), branches=tuple(branches))

    def without_question(self, problem: Problem, begun: str, *, weight: float) -> Lesson:
        """The thinking after the question said again, where that is read and nothing stands before it."""
        prompt = self.chat.prompt(problem.asking("").messages, Mode.FORCED)
        rest = thinking_of(self.domains[problem.domain], problem).removeprefix(f"{begun}\n")
        answer = problem.facts.get("concluded", problem.reference)
        tokens = self.chat.said(f"{rest}{self.chat.thinking.closing}{answer}")
        return Lesson(prompt=self.chat.begun(prompt, begun), branches=(Branch(tokens=tokens, weight=weight),))

    def behind_a_blank(self, problem: Problem, *, weight: float) -> Branch:
        """The direct answer behind an empty block, or behind 1 to `DOTS` dots, one time in two each.

        The block is read and not learned from: a model that was taught so can be asked to answer without thinking, or
        after tokens that say nothing, and does not take to writing them.
        """
        rng = Random(problem.id)
        block = self.chat.blank(rng.randint(1, DOTS) if rng.random() < 0.5 else 0)
        tokens = (*block, *self.chat.reply(problem.reference))
        return Branch(tokens=tokens, weight=weight, forced=tuple(range(len(block))))


def thinking_of(domain: Domain, problem: Problem) -> str:
    """The worked thinking of a problem; raises PonderError where nobody has written it."""
    thinking = domain.worked(problem)
    if thinking is None:
        raise PonderError(
            f"cold_start.domains has {domain.name!r}: nobody has written worked thinking for it; "
            "leave it out or set cold_start.worked = 0"
        )
    return thinking


def warm_then_fall(index: int, steps: int, warmup: int, *, floor: float = 0.1) -> float:
    """Factor on the learning rate: up in a line over `warmup` steps, then down in a line to `floor` at the last."""
    if index < warmup:
        return (index + 1) / warmup
    return 1.0 - (1.0 - floor) * (index + 1 - warmup) / max(1, steps - warmup)
