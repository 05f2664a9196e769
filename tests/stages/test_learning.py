"""The whole loop on the tiny model: a cold start teaches a format, and reinforcement finds what pays."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
import torch

from fakes import Numbered, ScriptedVerifier
from ponder.engine.learner import LocalLearner
from ponder.engine.sampler import LocalSampler
from ponder.model.chat import Chat
from ponder.model.checkpoint import load_decoder
from ponder.rollout import Check, Examiner, Roller
from ponder.stages.cold_start import ColdStart
from ponder.stages.reinforce import Reinforce
from ponder.types import Problem

LETTERS = "abcdefgh"


class Letters(Numbered):
    """The question says nothing, and the worked answers are letters at random."""

    def _problem(self, split: str, seed: int, index: int) -> Problem:
        letter = random.Random(f"{seed}/{index}").choice(LETTERS)
        problem = super()._problem(split, seed, index)
        return Problem(id=problem.id, domain=self.name, split=split, messages=problem.messages, reference=letter)


class Paying(Letters):
    """The same questions, of which one answer pays."""

    def _problem(self, split: str, seed: int, index: int) -> Problem:
        problem = super()._problem(split, seed, index)
        return Problem(id=problem.id, domain=self.name, split=split, messages=problem.messages, reference="d")


def test_a_cold_start_teaches_the_format_and_reinforcement_finds_what_pays(tiny: Path):
    decoder, chat = load_decoder(tiny, dtype=torch.float32), Chat.load(tiny)
    learner = LocalLearner(decoder)
    cold = ColdStart(
        learner=learner,
        chat=chat,
        domains={"sums": Letters(size=3)},
        weights={"sums": 1},
        steps=30,
        batch=16,
        worked=0.0,
        learning_rate=0.01,
        warmup=1,
        seed=0,
    )
    losses = [cold.step(index).metrics["loss"] for index in range(30)]
    roller = Roller(
        sampler=LocalSampler(decoder, stop=[chat.end]),
        chat=chat,
        examiner=Examiner({"sums": [Check(verifier=ScriptedVerifier())]}),
        seed=0,
    )
    reinforce = Reinforce(
        learner=learner,
        roller=roller,
        domains={"sums": Paying(size=3)},
        weights={"sums": 1},
        steps=30,
        problems=4,
        group=8,
        max_tokens=4,
        learning_rate=0.005,
        warmup=1,
        normalise="batch",
        cost=0.0,
        max_not_judged=0.0,
        seed=1,
        before=30,
    )
    steps = [reinforce.step(index).metrics for index in range(30)]
    assert losses[0] > 8.0 and losses[-1] == pytest.approx(math.log(8), abs=0.3), "one of eight letters, then the end"
    assert max(step.get("logprob_gap_max", 0.0) for step in steps) < 1e-4
    rewards = [step["reward"] for step in steps]
    assert sum(rewards[:3]) / 3 < 0.4 and sum(rewards[-3:]) / 3 > 0.8
