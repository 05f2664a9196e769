from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from contracts.learner import EXAMPLE, GROUP, LIKELIHOOD, REINFORCE
from contracts.sampler import reference
from ponder.engine.learner import LocalLearner
from ponder.model.attention import causal
from ponder.model.checkpoint import load_decoder
from ponder.model.decoder import Decoder
from ponder.model.load import ADAPTER_FOLDER, save_model
from ponder.model.lora import ADAPTER, CONFIG, adapters, attach, freeze, load_adapter
from ponder.types import PonderError

TEXT = torch.arange(30)[None]
Q = "model.layers.1.self_attn.q_proj"


@torch.no_grad()
def logits(decoder: Decoder) -> torch.Tensor:
    return decoder.logits(decoder.hidden(TEXT, torch.arange(30)[None], causal))


def adapted(folder: Path, *, learn: bool = True) -> Decoder:
    decoder = load_decoder(folder, dtype=torch.float32)
    attach(decoder, rank=3, alpha=6.0)
    if learn:
        learner = LocalLearner(decoder)
        for _ in range(3):
            learner.step([GROUP], loss=REINFORCE, learning_rate=0.01)
    return decoder


def test_a_new_adapter_changes_nothing(tiny: Path):
    assert torch.equal(logits(adapted(tiny, learn=False)), logits(load_decoder(tiny, dtype=torch.float32)))


def test_only_adapters_learn(tiny: Path):
    decoder, before = adapted(tiny), dict(load_decoder(tiny, dtype=torch.float32).named_parameters())
    learned = {name for name, weight in decoder.named_parameters() if weight.requires_grad}
    assert learned == {f"{name}.{part}" for name in adapters(decoder) for part in ("lora_A", "lora_B")}
    assert len(adapters(decoder)) == 2 * 7
    assert all(torch.equal(dict(decoder.named_parameters())[name], weight) for name, weight in before.items())
    assert not torch.equal(logits(decoder), logits(load_decoder(tiny, dtype=torch.float32)))


def test_the_gradient_is_that_of_the_matrix_they_add_to(tiny: Path):
    decoder, plain = adapted(tiny), load_decoder(tiny, dtype=torch.float32)
    with torch.no_grad():
        for name, adapter in adapters(decoder).items():
            dict(plain.named_parameters())[f"{name}.weight"].copy_(
                adapter.weight + 2.0 * adapter.lora_B @ adapter.lora_A
            )  # 6 / 3
    found, whole = LocalLearner(decoder, clip=1e9), LocalLearner(plain, clip=1e9)
    for learner in (found, whole):
        learner.step([EXAMPLE], loss=LIKELIHOOD, learning_rate=0.0)
    moments = [
        {name: master.moments["exp_avg"] for name, master in learner.masters.items()} for learner in (found, whole)
    ]
    adapter, gradient = adapters(decoder)[Q], moments[1][f"{Q}.weight"]
    torch.testing.assert_close(moments[0][f"{Q}.lora_B"], 2.0 * gradient @ adapter.lora_A.T, atol=1e-6, rtol=1e-3)
    torch.testing.assert_close(moments[0][f"{Q}.lora_A"], 2.0 * adapter.lora_B.T @ gradient, atol=1e-6, rtol=1e-3)


def test_what_is_saved_is_whole_and_the_adapter_beside_it(tiny: Path, tmp_path: Path):
    decoder = adapted(tiny)
    save_model(tmp_path, decoder, like=tiny)
    with torch.no_grad():
        torch.testing.assert_close(reference(tmp_path)(TEXT).logits, logits(decoder), atol=1e-4, rtol=0)
    assert load_file(tmp_path / "model.safetensors").keys() == load_file(tiny / "model.safetensors").keys()
    fresh = adapted(tiny, learn=False)
    load_adapter(fresh, tmp_path / ADAPTER_FOLDER)
    assert torch.equal(logits(fresh), logits(decoder))


def test_the_layout_is_that_of_peft(tiny: Path, tmp_path: Path):
    save_model(tmp_path, adapted(tiny), like=tiny)
    weights = load_file(tmp_path / ADAPTER_FOLDER / ADAPTER)
    assert weights[f"base_model.model.{Q}.lora_A.weight"].shape == (3, 32)
    assert weights[f"base_model.model.{Q}.lora_B.weight"].shape == (32, 3)
    config = json.loads((tmp_path / ADAPTER_FOLDER / CONFIG).read_text())
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 3, 6.0)
    assert config["target_modules"] == sorted(
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_peft_loads_our_adapter_with_the_same_logits(tiny: Path, tmp_path: Path):
    peft = pytest.importorskip("peft", reason="peft is not installed: make test-slow installs it")
    decoder = adapted(tiny)
    save_model(tmp_path, decoder, like=tiny)
    theirs = peft.PeftModel.from_pretrained(reference(tiny), str(tmp_path / ADAPTER_FOLDER))
    with torch.no_grad():
        torch.testing.assert_close(theirs(TEXT).logits, logits(decoder), atol=1e-5, rtol=0)


def test_a_run_goes_on_from_its_saved_adapters(tiny: Path, tmp_path: Path):
    models = [adapted(tiny, learn=False) for _ in range(2)]
    one, other = (LocalLearner(model) for model in models)
    one.step([GROUP], loss=REINFORCE, learning_rate=0.01)
    one.save(tmp_path)
    other.load(tmp_path)
    for learner in (one, other):
        learner.step([EXAMPLE], loss=LIKELIHOOD, learning_rate=0.01)
    assert torch.equal(logits(models[0]), logits(models[1]))


def test_an_adapter_that_does_not_fit_says_so(tiny: Path, tmp_path: Path):
    save_model(tmp_path, adapted(tiny), like=tiny)
    other = load_decoder(tiny, dtype=torch.float32)
    attach(other, rank=2, alpha=4.0)
    with pytest.raises(PonderError, match=r"its adapter does not fit \(.*\); attach one of the same rank, alpha"):
        load_adapter(other, tmp_path / ADAPTER_FOLDER)


def test_an_adapter_of_another_alpha_is_not_taken_for_its_twin(tiny: Path, tmp_path: Path):
    save_model(tmp_path, adapted(tiny), like=tiny)
    other = load_decoder(tiny, dtype=torch.float32)
    attach(other, rank=3, alpha=1000.0)
    with pytest.raises(PonderError, match="does not fit \\(lora_alpha = "):
        load_adapter(other, tmp_path / ADAPTER_FOLDER)


def test_an_adapter_of_another_kind_is_refused(tiny: Path, tmp_path: Path):
    model = adapted(tiny)
    save_model(tmp_path, model, like=tiny)
    config = tmp_path / ADAPTER_FOLDER / CONFIG
    config.write_text(json.dumps(json.loads(config.read_text()) | {"use_dora": True}))
    with pytest.raises(PonderError, match="of another kind \\(use_dora\\)"):
        load_adapter(model, tmp_path / ADAPTER_FOLDER)
    with pytest.raises(PonderError, match="no adapter there"):
        load_adapter(model, tmp_path)


def test_targets_that_are_not_there_name_those_that_are(tiny: Path):
    with pytest.raises(PonderError, match=r"model.lora.targets: no matrix is called 'query'; there are down_proj, .*"):
        attach(load_decoder(tiny, dtype=torch.float32), rank=2, alpha=4.0, targets=["query"])


def test_frozen_weights_are_named_by_a_part_of_their_name(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.float32)
    freeze(decoder, ["embed_tokens", "layers.1"])
    frozen = {name for name, weight in decoder.named_parameters() if not weight.requires_grad}
    assert frozen == {
        n for n, _ in decoder.named_parameters() if "embed_tokens" in n or n.startswith("model.layers.1.")
    }
    before = decoder.model.embed_tokens.weight.detach().clone()
    LocalLearner(decoder).step([EXAMPLE], loss=LIKELIHOOD, learning_rate=0.01)
    assert torch.equal(decoder.model.embed_tokens.weight, before)
    with pytest.raises(PonderError, match=r"model.freeze = 'layer': no weight has this in its name"):
        freeze(decoder, ["layer"])


def test_in_bfloat16_a_frozen_head_gets_no_gradient(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.bfloat16)
    attach(decoder, rank=2, alpha=4.0)
    found = LocalLearner(decoder).step([EXAMPLE], loss=LIKELIHOOD, learning_rate=0.01)
    assert found["grad_norm"] > 0 and decoder.lm_head.weight.grad is None
