"""Models that the decoder does not compute, through the same sampler and learner."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from contracts.learner import GROUP, PAIR, REINFORCE, LearnerContract, Weights, assert_same, textbook
from contracts.sampler import END, SamplerContract, reference, teacher_forced, text
from ponder.engine.learner import LocalLearner
from ponder.engine.sampler import LocalSampler
from ponder.model.foreign import Foreign
from ponder.model.load import load_model, module_of, notice, save_model
from ponder.model.lora import attach
from ponder.types import Learner, Lesson, LossChoice, PonderError, SamplingParams, ThinkingLimits

SHAPE = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": None,
    "eos_token_id": 299,
    "pad_token_id": None,
}
FOREIGN: dict[str, dict[str, Any]] = {
    "gpt2": {"vocab_size": 300, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "eos_token_id": 299},
    "gpt_neox": SHAPE,
    "gemma2": SHAPE | {"head_dim": 8, "sliding_window": 4, "query_pre_attn_scalar": 8},
    "gemma3_text": SHAPE | {"head_dim": 8, "sliding_window": 4, "query_pre_attn_scalar": 8},
    "phi3": SHAPE,
    "olmo2": SHAPE,
    "granite": SHAPE | {"logits_scaling": 3.0, "attention_multiplier": 0.2, "embedding_multiplier": 2.0},
    "mamba": {"vocab_size": 300, "hidden_size": 32, "state_size": 4, "num_hidden_layers": 2, "eos_token_id": 299},
}
SPREAD = {"mamba": 3.0}
"""What weights are multiplied by, so that texts differ; 6 elsewhere: a scan multiplies on, and rounding with it."""
PROMPTS = [tuple(range(40, 53)), (7, 8), tuple(range(40, 50))]


@pytest.fixture(scope="module", params=FOREIGN)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(request.param, **FOREIGN[request.param]))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "conv" not in name:
                weight.mul_(SPREAD.get(request.param, 6.0))
    model.save_pretrained(made)
    return made


def load(folder: Path) -> Foreign:
    model = load_model(folder, dtype=torch.float32)
    assert isinstance(model, Foreign)
    return model


def test_one_line_says_who_computes_it(folder: Path):
    line = notice(load(folder))
    assert line.startswith(f"model: model_type = {load(folder).model.config.model_type!r}: computed by transformers")
    assert "\n" not in line


def test_greedy_text_is_that_of_transformers_and_logprobs_those_of_a_plain_forward(folder: Path):
    sampler, model = LocalSampler(load(folder), stop=[299], decode=text), reference(folder)
    params = SamplingParams(max_tokens=30, temperature=0.0)
    for sample in sampler.sample(PROMPTS, params, [["a"]] * len(PROMPTS)):
        prompt = PROMPTS[sample.prompt]
        ids = torch.tensor([prompt])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=30, do_sample=False)
        assert sample.tokens == tuple(out[0, len(prompt) :].tolist())
        expected = teacher_forced(model, prompt, sample.tokens)
        torch.testing.assert_close(torch.tensor(sample.logprobs), expected, atol=2e-5, rtol=0)


def test_what_is_taken_back_was_never_read(folder: Path):
    limits = ThinkingLimits(at_least=6, at_most=6, opened=True, close="\n", closing=(198,), resume=(5,))
    params = SamplingParams(max_tokens=20, thinking=limits)
    sampler = LocalSampler(
        load(folder), stop=[299], decode=lambda tokens: "".join("\n" if t % 3 == 0 else "x" for t in tokens)
    )
    model, streams = reference(folder), [["a", "b"], ["c"], []]
    for sample in sampler.sample(PROMPTS, params, streams):
        assert sample.forced
        expected = teacher_forced(model, PROMPTS[sample.prompt], sample.tokens)
        torch.testing.assert_close(torch.tensor(sample.logprobs), expected, atol=2e-5, rtol=0)


def test_gradients_are_those_of_autograd(folder: Path):
    expected = textbook(folder, [GROUP, PAIR], REINFORCE)[1]
    learner = LocalLearner(load(folder), clip=1e9)
    learner.step([GROUP, PAIR], loss=REINFORCE, learning_rate=0.0)
    found = {name: master.moments["exp_avg"] * 10 for name, master in learner.masters.items()}
    assert_same(found, expected, atol=1e-5)


def test_what_is_saved_loads_in_transformers(folder: Path, tmp_path: Path):
    model, ids = load(folder), torch.arange(20)[None]
    save_model(tmp_path, model, like=folder)
    with torch.no_grad():
        assert torch.equal(reference(tmp_path)(ids).logits, reference(folder)(ids).logits)


def test_quantised_weights_are_refused(tiny: Path, tmp_path: Path):
    save_model(tmp_path, load_model(tiny, dtype=torch.float32), like=tiny)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "fp8"}}))
    with pytest.raises(PonderError) as error:
        load_model(tmp_path, dtype=torch.float32)
    assert str(error.value) == f"model {tmp_path}: quantised (fp8), so not to be learned; take what it was made from"


def test_what_transformers_does_not_know_either_is_one_line(tiny: Path, tmp_path: Path):
    save_model(tmp_path, load_model(tiny, dtype=torch.float32), like=tiny)
    config = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(config.replace('"llama"', '"hopfield"'))
    with pytest.raises(PonderError, match=r"model_type = 'hopfield', and transformers cannot load it either") as raised:
        load_model(tmp_path, dtype=torch.float32)
    assert "\n" not in str(raised.value)


def test_adapters_go_on_a_foreign_model_too(tmp_path: Path, tiny: Path):
    model = Foreign.load(tiny, dtype=torch.float32, reason="asked for")
    attach(module_of(model), rank=2, alpha=4.0)
    LocalLearner(model).step([GROUP], loss=REINFORCE, learning_rate=0.01)
    save_model(tmp_path, model, like=tiny)
    ids = torch.arange(20)[None]
    with torch.no_grad():
        torch.testing.assert_close(reference(tmp_path)(ids).logits, model.model(ids).logits, atol=1e-4, rtol=0)


class TestSamplingFromAForeignModel(SamplerContract):
    """The whole contract, on the tiny Llama computed by transformers."""

    def sampler(self, folder: Path, *, stop: Sequence[int] = (END,)) -> LocalSampler:
        return LocalSampler(Foreign.load(folder, dtype=torch.float32, reason="asked for"), stop=stop, decode=text)


class TestLearningOfAForeignModel(LearnerContract):
    """The whole contract, on the tiny Llama computed by transformers."""

    def learner(self, folder: Path, *, micro_tokens: int = 2048) -> LocalLearner:
        model = Foreign.load(folder, dtype=torch.float32, reason="asked for")
        return LocalLearner(model, clip=1e9, micro_tokens=micro_tokens)

    def weights(self, learner: Learner) -> Weights:
        assert isinstance(learner, LocalLearner)
        return {name: weight.detach().clone() for name, weight in learner.weights.items()}

    def gradient(
        self, learner: Learner, lessons: Sequence[Lesson], loss: LossChoice, temperature: float = 1.0
    ) -> Weights:
        assert isinstance(learner, LocalLearner)
        learner.step(lessons, loss=loss, learning_rate=0.0, temperature=temperature)
        return {name: master.moments["exp_avg"] * 10 for name, master in learner.masters.items()}
