"""Stand-ins that keep to the protocols: made-up problems; a sampler, a verifier, an attack and a learner by script."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ponder.domains.splits import check_split
from ponder.model.chat import Chat
from ponder.types import (
    Lesson,
    LossChoice,
    Message,
    PonderError,
    Problem,
    Sample,
    SamplingParams,
    Status,
    Submission,
    Verdict,
    VerifierChoice,
)

CUT = "…"
"""A line that ends so was cut by `max_tokens` before this mark."""


def ask(question: str, reference: str = "7", *, domain: str = "sums", index: int = 0, split: str = "train") -> Problem:
    """One problem."""
    return Problem(
        id=f"{domain}/{split}/0/{index}",
        domain=domain,
        split=split,
        messages=(Message(role="user", content=question),),
        reference=reference,
    )


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """A domain whose question is its number, modulo `questions`; of `count` problems, or without end; a `Domain`."""

    name: str = "sums"
    questions: int = 10**9
    count: int | None = None
    thinks: bool = True
    system: str | None = None

    @property
    def verifier(self) -> VerifierChoice:
        return VerifierChoice(name="number")

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        check_split(split)
        if self.count is not None and start + n > self.count:
            raise PonderError(f"{self.name}: has only {self.count} problems; ask for fewer")
        return [self._problem(split, seed, index) for index in range(start, start + n)]

    def size(self, split: str) -> int | None:
        check_split(split)
        return self.count

    def worked(self, problem: Problem) -> str | None:
        return f"It is {problem.reference}." if self.thinks else None

    def _problem(self, split: str, seed: int, index: int) -> Problem:
        turns = [("system", self.system)] if self.system else []
        turns.append(("user", f"{self.name} {split} {index % self.questions}?"))
        return Problem(
            id=f"{self.name}/{split}/{seed}/{index}",
            domain=self.name,
            split=split,
            messages=tuple(Message(role=role, content=content) for role, content in turns),
            reference=str(index % 10),
        )


@dataclass(kw_only=True)
class ScriptedSampler:
    """Says `lines[i][g]` for sample g of prompt i, and hands the last over first; a `Sampler`."""

    chat: Chat
    lines: Sequence[Sequence[str]]
    prompts: list[tuple[int, ...]] = field(default_factory=list)
    """Every prompt asked for."""
    streams: list[str] = field(default_factory=list)
    """Every stream asked for."""
    params: list[SamplingParams] = field(default_factory=list)
    """How, call by call."""

    def sample(
        self, prompts: Sequence[Sequence[int]], params: SamplingParams, streams: Sequence[Sequence[str]]
    ) -> Iterator[Sample]:
        self.prompts += map(tuple, prompts)
        self.streams += [stream for names in streams for stream in names]
        self.params.append(params)
        for i in reversed(range(len(prompts))):
            for g in reversed(range(len(streams[i]))):
                yield self._say(i, g)

    def refit(self, weights: Mapping[str, Any], version: int) -> None:
        """Nothing to change."""

    def _say(self, i: int, g: int) -> Sample:
        line = self.lines[i % len(self.lines)][g]
        ended = not line.endswith(CUT)
        ids = tuple(self.chat.tokenizer(line.removesuffix(CUT), add_special_tokens=False)["input_ids"])
        tokens = (*ids, self.chat.end) if ended else ids
        return Sample(prompt=i, sample=g, tokens=tokens, logprobs=(-0.5,) * len(tokens), ended=ended)


@dataclass(kw_only=True)
class ScriptedVerifier:
    """Pays 1 for the reference, fails where the answer is `fail`, else 0; a `Verifier`."""

    name: str = "script"
    reads_thinking: bool = False
    deterministic: bool = True
    seen: list[Submission] = field(default_factory=list)
    """Everything it was shown."""
    calls: int = 0
    """How often it was asked."""

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        self.calls += 1
        self.seen += submissions
        return [self._judge(submission) for submission in submissions]

    def _judge(self, submission: Submission) -> Verdict:
        if submission.answer == "fail":
            return Verdict(verifier=self.name, value=None, status=Status.TIMEOUT)
        return Verdict(verifier=self.name, value=float(submission.answer == submission.problem.reference))


@dataclass(frozen=True, kw_only=True)
class Shouting:
    """Writes a share of the question's letters, `strength` of them, in capitals; an `Attack`."""

    name: str = "shouting"

    def apply(self, problem: Problem, *, strength: float, seed: int) -> Problem:
        if not 0 <= strength <= 1:
            raise PonderError(f"{self.name}: strength = {strength}; give a number from 0 to 1")
        draw = random.Random(f"{self.name}/{problem.id}/{seed}")
        loud = (letter.upper() if draw.random() < strength else letter for letter in problem.messages[-1].content)
        last = replace(problem.messages[-1], content="".join(loud))
        return replace(problem, messages=(*problem.messages[:-1], last))


@dataclass(kw_only=True)
class RecordingLearner:
    """Learns nothing and remembers what it was given; finds everything as likely as not; a `Learner`."""

    steps: list[tuple[tuple[Lesson, ...], LossChoice, float]] = field(default_factory=list)
    """Lessons, loss and learning rate of each step."""
    temperatures: list[float] = field(default_factory=list)
    """Of each step and each question."""

    def logprobs(self, lessons: Sequence[Lesson], *, temperature: float = 1.0) -> list[list[tuple[float, ...]]]:
        self.temperatures.append(temperature)
        return [[(-0.75,) * len(branch.tokens) for branch in lesson.branches] for lesson in lessons]

    def step(
        self, lessons: Sequence[Lesson], *, loss: LossChoice, learning_rate: float, temperature: float = 1.0
    ) -> dict[str, float]:
        self.steps.append((tuple(lessons), loss, learning_rate))
        self.temperatures.append(temperature)
        return {"loss": float(len(self.steps))}

    def save(self, folder: Path) -> None:
        (folder / "steps").write_text(str(len(self.steps)))

    def load(self, folder: Path) -> None:
        del self.steps[int((folder / "steps").read_text()) :]
