from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from contracts.sampler import reference
from ponder.engine.sampler import LocalSampler
from ponder.model import kernels
from ponder.model.attention import biased_attention, causal, masked_attention, within
from ponder.model.checkpoint import load_decoder
from ponder.model.config import DecoderConfig, unsupported
from ponder.model.decoder import Decoder
from ponder.model.functions import rotate
from ponder.model.head import WideProduct, made_wide
from ponder.model.hub import cache_folder, resolve
from ponder.types import PonderError, SamplingParams
from tiny import make_tiny, random_weights


@torch.no_grad()
def logits(decoder: Decoder, ids: torch.Tensor) -> torch.Tensor:
    positions = torch.arange(ids.shape[1]).expand_as(ids)
    return decoder.logits(decoder.hidden(ids, positions, causal))


def assert_equals_transformers(folder: Path, ids: torch.Tensor) -> None:
    with torch.no_grad():
        expected = reference(folder)(ids).logits
    torch.testing.assert_close(logits(load_decoder(folder, dtype=torch.float32), ids), expected, atol=1e-4, rtol=0)


@pytest.fixture
def config(tiny: Path) -> dict[str, Any]:
    return json.loads((tiny / "config.json").read_text())


def test_logits_are_those_of_transformers(tiny: Path):
    assert_equals_transformers(tiny, torch.randint(260, (3, 200), generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1},
        {"rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}},
        {"rms_norm_eps": 0.1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_number_of_the_configuration_is_read(
    tmp_path: Path, config: dict[str, Any], changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    make_tiny(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config | changes))
    shape = DecoderConfig.from_transformers(config | changes)
    from_seed = {name: weight * 3 for name, weight in random_weights(shape, 0).items()}
    save_file(from_seed, tmp_path / "model.safetensors")
    monkeypatch.setattr(kernels, "able", lambda *_: False)  # weights this large multiply another order's rounding on
    assert_equals_transformers(tmp_path, torch.arange(60)[None])


@pytest.mark.slow
def test_logits_of_smollm2_are_those_of_transformers():
    if not (cache_folder() / "smollm2-135m" / "config.json").is_file():
        pytest.skip("smollm2-135m is not in the cache: run `ponder models pull smollm2-135m`")
    ids = torch.randint(49152, (1, 64), generator=torch.Generator().manual_seed(0))
    assert_equals_transformers(resolve("smollm2-135m"), ids)


@pytest.mark.slow
def test_two_hundred_greedy_tokens_of_smollm2_are_those_of_transformers():
    if not (cache_folder() / "smollm2-135m" / "config.json").is_file():
        pytest.skip("smollm2-135m is not in the cache: run `ponder models pull smollm2-135m`")
    folder, prompt = resolve("smollm2-135m"), (504, 3575, 282, 4649, 314)  # The capital of France is
    sampler = LocalSampler(load_decoder(folder, dtype=torch.float32), stop=[])
    (sample,) = sampler.sample([prompt], SamplingParams(max_tokens=200, temperature=0.0), [["a"]])
    ids = torch.tensor([prompt])
    model = reference(folder)
    model.generation_config.eos_token_id = None
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=200, do_sample=False)
    assert sample.tokens == tuple(out[0, len(prompt) :].tolist())


def test_old_and_sparse_configurations_are_read():
    plain = {
        "model_type": "llama",
        "vocab_size": 10,
        "hidden_size": 12,
        "intermediate_size": 20,
        "num_hidden_layers": 1,
        "num_attention_heads": 3,
        "max_position_embeddings": 32,
        "rope_theta": 5e5,
        "rope_scaling": None,
    }
    found = DecoderConfig.from_transformers(plain)
    assert (found.num_key_value_heads, found.head_dim) == (3, 4)
    assert found.frequencies == pytest.approx((1.0, 5e5**-0.5))
    assert not found.tie_word_embeddings


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("model_type = 'gemma3'", {"model_type": "gemma3"}),
        ("hidden_act = 'gelu'", {"hidden_act": "gelu"}),
        ("rope_type = 'dynamic'", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 8.0}}),
        ("rope_type = 'longrope'", {"rope_parameters": None, "rope_scaling": {"type": "longrope"}}),
        ("partial_rotary_factor = 0.5", {"partial_rotary_factor": 0.5}),
        ("quant_method = 'fp8'", {"quantization_config": {"quant_method": "fp8"}}),
    ],
)
def test_what_would_be_computed_wrongly_is_refused(config: dict[str, Any], field: str, changes: dict[str, Any]):
    assert unsupported(config) is None and unsupported(config | changes) == field
    with pytest.raises(PonderError, match=f"^config.json {field}: this decoder does not compute that; use a Llama"):
        DecoderConfig.from_transformers(config | changes)


def test_rotary_angles_by_hand(tiny: Path):
    angles = load_decoder(tiny, dtype=torch.bfloat16).angles
    assert angles.shape == (2048, 4) and angles.dtype == torch.float32
    assert angles[3].tolist() == pytest.approx([3.0, 0.3, 0.03, 0.003])  # 10000^(-2i/8) = 10^-i


def test_a_window_counts_positions_and_not_columns():
    mask = torch.ones(1, 1, 2, 4, dtype=torch.bool)
    asking, seen = torch.tensor([[5, 9]]), torch.tensor([[2, 3, 7, 8]])
    assert within(mask, asking, seen, 3).int().tolist() == [[[[0, 1, 1, 1], [0, 0, 1, 1]]]]
    assert within(mask, asking, seen, None) is mask


@pytest.mark.parametrize("make", [made_wide, Tensor.float])
def test_the_wide_product_keeps_what_bf16_would_round_away(make: Callable[[Tensor], Tensor]):
    hidden, weight = torch.tensor([[4.0, 0.0625]]).bfloat16(), torch.tensor([[5.0, 1.0]]).bfloat16()
    assert (hidden @ weight.T).item() == 20.0  # of 20.0625: steps of 1/8 at this height
    hidden.requires_grad_()
    weight.requires_grad_()
    product = WideProduct.apply(hidden, weight, make(weight.detach()))
    assert product.item() == 20.0625 and product.dtype == torch.float32
    product.sum().backward()
    assert hidden.grad is not None and torch.equal(hidden.grad, weight)
    assert weight.grad is not None and torch.equal(weight.grad, hidden)


def test_rotation_turns_each_pair_and_keeps_its_length():
    quarter = torch.tensor([[[torch.pi / 2, 0.0]]])
    x = torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]])
    turned = rotate(x, (quarter.cos(), quarter.sin()))
    assert turned[0, 0, 0].tolist() == pytest.approx([-3.0, 2.0, 1.0, 4.0], abs=1e-6)


@pytest.mark.parametrize("new", [1, 3])
def test_grouped_attention_is_plain_attention_with_repeated_heads(new: int):
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, heads, n, 4, generator=generator) for heads, n in ((6, new), (2, 7), (2, 7)))
    mask = torch.rand(2, 1, new, 7, generator=generator) < 0.7
    mask[..., 0] = True
    scores = q @ k.repeat_interleave(3, dim=1).transpose(-1, -2) / 2.0
    expected = scores.masked_fill(~mask, -torch.inf).softmax(-1) @ v.repeat_interleave(3, dim=1)
    torch.testing.assert_close(masked_attention(q, k, v, mask), expected, atol=1e-5, rtol=0)
    bias = torch.zeros(mask.shape).masked_fill(~mask, -torch.inf).expand(-1, 6, -1, -1).flatten(0, 1)
    torch.testing.assert_close(biased_attention(q, k, v, bias), expected, atol=1e-5, rtol=0)


def test_what_comes_later_changes_nothing_before(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.float32)
    short, long = torch.tensor([[5, 6, 7]]), torch.tensor([[5, 6, 7, 200, 201]])
    torch.testing.assert_close(logits(decoder, long)[:, :3], logits(decoder, short), atol=1e-5, rtol=0)


def test_a_cast_leaves_the_angles_in_float32(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.bfloat16)
    assert decoder.angles.dtype == torch.float32
    assert {weight.dtype for weight in decoder.parameters()} == {torch.bfloat16}
