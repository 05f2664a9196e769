"""Ponder as a contestant: sampling, learning, whole steps, scoring, checking."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ponder_natural import natural
from protocol import Prepare, Run, fake_reward, serve, versions

from ponder.engine.learner import LocalLearner
from ponder.engine.sampler import LocalSampler
from ponder.model.devices import device_of
from ponder.model.load import Model, load_model
from ponder.objectives import OBJECTIVES
from ponder.stages.lessons import Teaching, lessons_of, minibatches, rewards_of
from ponder.types import (
    Branch,
    Cell,
    Completion,
    Lesson,
    LossChoice,
    Message,
    Outcome,
    Problem,
    Rollout,
    Sample,
    SamplingParams,
    Submission,
    Verdict,
)
from ponder.verifiers.maths import Maths

NEVER = -1
"""A token that no vocabulary has: nothing ends a completion before its length does."""
OBJECTIVE = "dapo"
"""What TRL's GRPOTrainer minimises by default."""
LEARNING_RATE = 1e-6
"""Small: a benchmark's rewards teach nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is asked for in one repeat."""

    prompts: Sequence[Sequence[int]]
    """Token ids."""
    group: int
    """Completions of each."""
    tokens: int
    """Of each completion."""

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Shape:
        """From a job or a request."""
        return cls(prompts=job["prompts"], group=job["group"], tokens=job["tokens"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A model with who samples from it and who changes it."""

    model: Model
    """Weights that both share."""
    sampler: LocalSampler
    """Writes."""

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Engine:
        """Loads the job's model."""
        torch.set_num_threads(job["cores"])
        model = load_model(Path(job["model"]), dtype=getattr(torch, job["dtype"]), device=device_of("auto"))
        return cls(model=model, sampler=LocalSampler(model, stop=[NEVER]))

    def sample(self, shape: Shape, round: int) -> list[list[Sample]]:
        """Completions by prompt and number."""
        streams = [[f"{round}/{p}/{g}" for g in range(shape.group)] for p in range(len(shape.prompts))]
        params = SamplingParams(max_tokens=shape.tokens)
        found = {(s.prompt, s.sample): s for s in self.sampler.sample(shape.prompts, params, streams)}
        return [[found[p, g] for g in range(shape.group)] for p in range(len(shape.prompts))]


def count(samples: Sequence[Sequence[Sample]]) -> int:
    """Tokens written."""
    return sum(len(sample.tokens) for group in samples for sample in group)


def texts_of(samples: Sequence[Sequence[Sample]]) -> list[list[dict[str, Any]]]:
    """Tokens and log probabilities, for those who check them."""
    return [[{"tokens": s.tokens, "logprobs": s.logprobs} for s in group] for group in samples]


def lessons_from(shape: Shape, samples: Sequence[Sequence[Sample]]) -> list[Lesson]:
    """What a step learns from them, as the reinforcement stage makes it."""
    preset = OBJECTIVES[OBJECTIVE]
    options = {"clip_low": preset.clip_low, "clip_high": preset.clip_high}
    teaching = Teaching(
        normalise=preset.normalise, weighting=preset.weighting, loss=LossChoice(name=preset.loss, options=options)
    )
    rollouts = [rollout_of(shape.prompts[p], s) for p, group in enumerate(samples) for s in group]
    rewards, could_be_judged = rewards_of(rollouts, teaching, group=shape.group, limit=shape.tokens)
    lessons = lessons_of(rollouts, rewards, could_be_judged, teaching)
    return next(minibatches(lessons, teaching, limit=shape.tokens))


def rollout_of(prompt: Sequence[int], sample: Sample) -> Rollout:
    """A sample with its fake reward."""
    problem = Problem(
        id=f"benchmark/{sample.prompt}",
        domain="benchmark",
        split="train",
        messages=(Message(role="user", content=""),),
        reference="",
    )
    completion = Completion(
        prompt=tuple(prompt),
        tokens=sample.tokens,
        logprobs=sample.logprobs,
        policy_version=0,
        thinking=None,
        thinking_tokens=0,
        answer="",
        outcome=Outcome.ANSWERED,
    )
    return Rollout(
        stage="benchmark",
        step=0,
        sample=sample.sample,
        cell=Cell(checkpoint="benchmark", domain="benchmark", split="train"),
        problem=problem,
        completion=completion,
        verdicts=(Verdict(verifier="fake", value=fake_reward(sample.tokens)),),
    )


def learn(learner: LocalLearner, lessons: Sequence[Lesson]) -> None:
    """One update by the benchmark's objective."""
    preset = OBJECTIVES[OBJECTIVE]
    loss = LossChoice(name=preset.loss, options={"clip_low": preset.clip_low, "clip_high": preset.clip_high})
    learner.step(lessons, loss=loss, learning_rate=LEARNING_RATE)


def sampling(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Completions of a forced length."""
    engine, shape = Engine.of(job), Shape.of(job)

    def run(request: Mapping[str, Any]) -> dict[str, Any]:
        samples = engine.sample(shape, request["round"])
        return {"tokens": count(samples), "texts": texts_of(samples)}

    return {}, run


def step(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Sample, reward, compare, learn."""
    engine, shape = Engine.of(job), Shape.of(job)
    learner = LocalLearner(engine.model)

    def run(request: Mapping[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        samples = engine.sample(shape, request["round"])
        sampled = time.perf_counter()
        learn(learner, lessons_from(shape, samples))
        return {
            "tokens": count(samples),
            "sample_seconds": sampled - began,
            "learn_seconds": time.perf_counter() - sampled,
        }

    return {}, run


def learner_alone(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Learning again and again from what was sampled once."""
    engine, shape = Engine.of(job), Shape.of(job)
    learner = LocalLearner(engine.model)
    lessons = lessons_from(shape, engine.sample(shape, round=0))
    tokens = sum(len(branch.tokens) for lesson in lessons for branch in lesson.branches)

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        learn(learner, lessons)
        return {"tokens": tokens, "positions": sum(lesson.length for lesson in lessons)}

    return {}, run


def growth(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Sampling or learning, of the size that each request asks for."""
    engine = Engine.of(job)
    learner = LocalLearner(engine.model)
    held: list[Lesson] = []

    def run(request: Mapping[str, Any]) -> dict[str, Any]:
        if request["part"] == "learn":
            learn(learner, held)
            return {"tokens": sum(len(branch.tokens) for lesson in held for branch in lesson.branches)}
        shape = Shape.of(request)
        samples = engine.sample(shape, request["round"])
        held[:] = plain_lessons(shape, samples)
        return {"tokens": count(samples)}

    return {}, run


def plain_lessons(shape: Shape, samples: Sequence[Sequence[Sample]]) -> list[Lesson]:
    """Lessons for groups of any size, one included, with the rewards as advantages."""
    weight = 1.0 / count(samples)
    return [
        Lesson(
            prompt=tuple(prompt),
            branches=tuple(
                Branch(tokens=s.tokens, weight=weight, advantage=fake_reward(s.tokens), logprobs=s.logprobs)
                for s in group
            ),
        )
        for prompt, group in zip(shape.prompts, samples, strict=True)
    ]


def score(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """What the learner thinks of given completions."""
    learner = LocalLearner(Engine.of(job).model)

    def run(request: Mapping[str, Any]) -> dict[str, Any]:
        lessons = [
            Lesson(prompt=tuple(p), branches=tuple(Branch(tokens=tuple(t), weight=0.0) for t in group))
            for p, group in zip(job["prompts"], request["completions"], strict=True)
        ]
        found = learner.logprobs(lessons)
        return {"tokens": sum(len(each) for group in found for each in group), "texts": found}

    return {}, run


def maths(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Answers checked by the maths verifier."""
    verifier = Maths()
    submissions = [
        Submission(problem=maths_problem(number, reference), answer=answer)
        for number, (answer, reference) in enumerate(job["answers"])
    ]

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        verdicts = verifier.verify(submissions)
        return {"tokens": len(verdicts), "right": sum(verdict.value or 0.0 for verdict in verdicts)}

    return {}, run


def maths_problem(number: int, reference: str) -> Problem:
    """What is asked does not matter: the reference does."""
    return Problem(
        id=f"maths/{number}",
        domain="maths",
        split="test",
        messages=(Message(role="user", content="?"),),
        reference=reference,
    )


KINDS: dict[str, Prepare] = {
    "sampling": sampling,
    "step": step,
    "natural": natural,
    "learner": learner_alone,
    "growth": growth,
    "score": score,
    "maths": maths,
}
"""By the job's kind."""


def prepare(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Get ready for the job."""
    known, run = KINDS[job["kind"]](job)
    told = {"versions": versions("ponder", "torch"), "dtype": job.get("dtype", ""), "device": device_of("auto").type}
    return told | known, run


if __name__ == "__main__":
    serve(prepare)
