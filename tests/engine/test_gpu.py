"""The same engine on a GPU, held to the same contracts; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from contracts.learner import GROUP, PAIR, REINFORCE, LearnerContract, Weights
from contracts.sampler import END, PROMPTS, STREAMS, SamplerContract, reference, text
from families import VARIANTS, make_family
from ponder.engine.learner import LocalLearner
from ponder.engine.sampler import LocalSampler
from ponder.engine.scorer import LocalScorer
from ponder.model.checkpoint import load_decoder, master_weights
from ponder.model.foreign import Foreign
from ponder.model.lora import attach
from ponder.types import Branch, Learner, Lesson, LossChoice, SamplingParams

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here")

GPU = torch.device("cuda")


@pytest.fixture(autouse=True)
def _no_shortcuts() -> Iterator[None]:
    """fp32 is fp32: without the GPU's shorter mantissas."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


class TestLocalSamplerOnAGPU(SamplerContract):
    def sampler(self, folder: Path, *, stop: Sequence[int] = (END,)) -> LocalSampler:
        return LocalSampler(load_decoder(folder, dtype=torch.float32, device=GPU), stop=stop, decode=text)


class TestForeignSamplerOnAGPU(SamplerContract):
    def sampler(self, folder: Path, *, stop: Sequence[int] = (END,)) -> LocalSampler:
        model = Foreign.load(folder, dtype=torch.float32, device=GPU, reason="asked for")
        return LocalSampler(model, stop=stop, decode=text)


class TestLocalLearnerOnAGPU(LearnerContract):
    def learner(self, folder: Path, *, micro_tokens: int = 2048) -> LocalLearner:
        model = load_decoder(folder, dtype=torch.float32, device=GPU)
        return LocalLearner(model, clip=1e9, micro_tokens=micro_tokens)

    def weights(self, learner: Learner) -> Weights:
        assert isinstance(learner, LocalLearner)
        return {name: weight.detach().cpu() for name, weight in learner.weights.items()}

    def gradient(
        self, learner: Learner, lessons: Sequence[Lesson], loss: LossChoice, temperature: float = 1.0
    ) -> Weights:
        assert isinstance(learner, LocalLearner)
        learner.step(lessons, loss=loss, learning_rate=0.0, temperature=temperature)
        return {name: master.moments["exp_avg"].cpu() * 10 for name, master in learner.masters.items()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_greedy_text_of_every_family_is_that_of_transformers(tmp_path: Path, variant: str):
    folder, prompt = make_family(tmp_path, variant), tuple(range(20, 37))
    sampler = LocalSampler(load_decoder(folder, dtype=torch.float32, device=GPU), stop=[299])
    params = SamplingParams(max_tokens=100, temperature=0.0)
    samples = list(sampler.sample([prompt, prompt[3:]], params, [["a", "b"], ["c"]]))
    ids = torch.tensor([prompt])
    mask = torch.ones_like(ids)
    out = reference(folder).generate(ids, attention_mask=mask, max_new_tokens=100, do_sample=False)
    assert {sample.tokens for sample in samples if sample.prompt == 0} == {tuple(out[0, len(prompt) :].tolist())}


def test_in_bfloat16_sampler_and_learner_are_near_each_other(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.bfloat16, device=GPU)
    samples = list(LocalSampler(decoder, stop=[END]).sample(PROMPTS, SamplingParams(max_tokens=64), STREAMS))
    lessons = [
        Lesson(prompt=PROMPTS[s.prompt], branches=(Branch(tokens=s.tokens, weight=1.0, advantage=1.0),))
        for s in samples
    ]
    scored = LocalScorer(decoder).logprobs(lessons)
    pairs = zip(samples, scored, strict=True)
    gaps = [abs(a - b) for s, (own,) in pairs for a, b in zip(s.logprobs, own, strict=True)]
    assert len(gaps) > 200 and sum(gaps) / len(gaps) < 0.01


def test_masters_and_adapters_learn_where_the_model_is(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.bfloat16, device=GPU)
    learner = LocalLearner(decoder, masters=master_weights(tiny))
    adapted = load_decoder(tiny, dtype=torch.bfloat16, device=GPU)
    attach(adapted, rank=2, alpha=4.0)
    for each in (learner, LocalLearner(adapted)):
        each.step([GROUP, PAIR], loss=REINFORCE, learning_rate=1e-3)
        assert {master.value.device.type for master in each.masters.values()} == {"cuda"}
        assert {master.value.dtype for master in each.masters.values()} == {torch.float32}
