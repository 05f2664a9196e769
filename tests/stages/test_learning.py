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
from ponder.stages.lessons import Teaching
from ponder.stages.mixture import InOrder, Mixture
from ponder.stages.reinforce import Reinforce
from ponder.types import Cell, Problem

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
        domains={"sums": Letters(questions=3)},
        source=InOrder(Mixture({"sums": Letters(questions=3)}, {"sums": 1}, seed=0), 16).source,
        steps=30,
        worked=0.0,
        learning_rate=0.01,
        warmup=1,
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
        feed=InOrder(Mixture({"sums": Paying(questions=3)}, {"sums": 1}, seed=1), 4),
        steps=30,
        group=8,
        cell=Cell(checkpoint="reinforce", domain="", split="", budget=4),
        teaching=Teaching(),
        learning_rate=0.005,
        warmup=1,
        max_not_judged=0.0,
        before=30,
    )
    steps = [reinforce.step(index).metrics for index in range(30)]
    assert losses[0] > 8.0 and losses[-1] == pytest.approx(math.log(8), abs=0.3), "one of eight letters, then the end"
    assert max(step.get("logprob_gap_max", 0.0) for step in steps) < 1e-4
    rewards = [step["reward"] for step in steps]
    assert sum(rewards[:3]) / 3 < 0.4 and sum(rewards[-3:]) / 3 > 0.8
