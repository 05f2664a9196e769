"""How far sampler and learner are apart on real completions: the same tokens, two ways to compute them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ponder import domains
from ponder.engine.learner import LocalLearner
from ponder.engine.sampler import LocalSampler
from ponder.engine.scorer import LocalScorer
from ponder.model.chat import Chat
from ponder.model.checkpoint import load_decoder
from ponder.model.decoder import Decoder
from ponder.model.hub import cache_folder
from ponder.stages.cold_start import ColdStart
from ponder.stages.mixture import InOrder, Mixture
from ponder.types import Branch, Lesson, SamplingParams

FAMILIES = {name: domains.build(name, name, {}) for name in ("chains", "programs", "coin", "where")}
WEIGHTS = dict.fromkeys(FAMILIES, 1.0)


@pytest.fixture(scope="module")
def smollm2() -> Path:
    folder = cache_folder() / "smollm2-135m"
    if not (folder / "config.json").is_file():
        pytest.skip("smollm2-135m is not in the cache: run `ponder models pull smollm2-135m`")
    return folder


def cold_started(folder: Path, dtype: torch.dtype) -> tuple[Decoder, Chat]:
    """SmolLM2 after 30 steps of seeing how thinking looks."""
    decoder, chat = load_decoder(folder, dtype=dtype), Chat.load(folder, system="")
    mixture = Mixture(FAMILIES, WEIGHTS, seed=0)
    stage = ColdStart(
        learner=LocalLearner(decoder, micro_tokens=1024),
        chat=chat,
        domains=FAMILIES,
        source=InOrder(mixture, 16).source,
        steps=30,
        worked=0.5,
        learning_rate=2e-4,
        warmup=5,
    )
    for index in range(stage.steps):
        stage.step(index)
    return decoder, chat


def gaps(decoder: Decoder, chat: Chat, *, tokens: int) -> torch.Tensor:
    """|log p by the sampler - log p by the learner| of at least so many sampled tokens."""
    sampler, scorer, found = LocalSampler(decoder, stop=chat.ends, rows=96), LocalScorer(decoder), []
    for start in range(0, 4000, 16):
        problems = Mixture(FAMILIES, WEIGHTS, seed=1).draw(start, 16)
        prompts = [chat.prompt(problem.messages) for problem in problems]
        streams = [[f"{start}/{i}/{g}" for g in range(6)] for i in range(16)]
        samples = list(sampler.sample(prompts, SamplingParams(max_tokens=64), streams))
        branches = [[s for s in samples if s.prompt == i] for i in range(16)]
        lessons = [
            Lesson(prompt=p, branches=tuple(Branch(tokens=s.tokens, weight=1.0) for s in group))
            for p, group in zip(prompts, branches, strict=True)
        ]
        learned = scorer.logprobs(lessons)
        found += [
            abs(a - b)
            for group, scored in zip(branches, learned, strict=True)
            for sample, logprobs in zip(group, scored, strict=True)
            for a, b in zip(sample.logprobs, logprobs, strict=True)
        ]
        if len(found) >= tokens:
            return torch.tensor(found)
    raise AssertionError("too few tokens")


@pytest.mark.slow
def test_in_bfloat16_sampler_and_learner_are_near_each_other_on_ten_thousand_tokens(smollm2: Path):
    gap = gaps(*cold_started(smollm2, torch.bfloat16), tokens=10_000)
    assert gap.mean() < 0.01
    assert gap.quantile(0.999) < 0.25  # with everything in bf16 it was 0.33; the aim of 0.1 is not reached


@pytest.mark.slow
def test_in_float32_they_are_the_same(smollm2: Path):
    decoder, chat = load_decoder(smollm2, dtype=torch.float32), Chat.load(smollm2, system="")
    assert gaps(decoder, chat, tokens=2_000).max() < 1e-4
