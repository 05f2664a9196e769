"""Every family against transformers: logits, greedy text, packed rows, saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from contracts.sampler import reference
from families import VARIANTS, make_family
from ponder.engine.packing import pack, place
from ponder.engine.sampler import LocalSampler
from ponder.model import kernels
from ponder.model.checkpoint import load_decoder, master_weights
from ponder.model.config import DecoderConfig
from ponder.model.language import Room, Tree
from ponder.model.load import save_model
from ponder.types import Branch, Lesson, PonderError, SamplingParams

TEXT = torch.randint(299, (1, 40), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=VARIANTS)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_family(tmp_path_factory.mktemp(request.param), request.param)


@torch.no_grad()
def transformers_logits(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    return reference(folder)(ids).logits


@torch.no_grad()
def test_logits_are_those_of_transformers(family: Path):
    decoder, positions = load_decoder(family, dtype=torch.float32), torch.arange(40)[None]
    one_text = Tree(torch.zeros(1, 40, dtype=torch.long), torch.tensor([40]))
    found = decoder.logits(decoder.read(TEXT, positions, one_text))
    torch.testing.assert_close(found, transformers_logits(family, TEXT), atol=1e-4, rtol=0)


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("packed", [False, True], ids=["plain matrices", "packed matrices"])
def test_two_hundred_greedy_tokens_are_those_of_transformers(
    family: Path, packed: bool, group: int, monkeypatch: pytest.MonkeyPatch
):
    if not packed:
        monkeypatch.setattr(kernels, "packable", lambda weight: False)
    prompts = [tuple(TEXT[0, :7].tolist()), tuple(TEXT[0, 10:30].tolist())]
    sampler = LocalSampler(load_decoder(family, dtype=torch.float32), stop=[299])
    streams = [[str(g) for g in range(group)]] * 2
    samples = list(sampler.sample(prompts, SamplingParams(max_tokens=200, temperature=0.0), streams))
    model, texts = reference(family), {sample.prompt: sample.tokens for sample in samples}
    assert {(sample.prompt, sample.tokens) for sample in samples} == set(texts.items())
    for i, prompt in enumerate(prompts):
        ids = torch.tensor([prompt])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=200, do_sample=False)
        assert texts[i] == tuple(out[0, len(prompt) :].tolist())
        assert len(set(texts[i])) > 10 or 299 in texts[i]


@torch.no_grad()
def test_packed_branches_see_what_separate_texts_see(family: Path):
    decoder = load_decoder(family, dtype=torch.float32)
    prompt, branches = tuple(range(9)), [tuple(range(20, 32)), tuple(range(50, 57))]
    lesson = Lesson(prompt=prompt, branches=tuple(Branch(tokens=tokens, weight=1.0) for tokens in branches))
    micro = pack(place([lesson]))
    packed = decoder.read(micro.tokens_RL, micro.positions_RL, micro.tree).flatten(0, 1)[micro.source_N]
    apart = []
    for tokens in branches:
        ids = torch.tensor([[*prompt, *tokens]])
        apart.append(transformers_logits(family, ids)[0, len(prompt) - 1 : -1])
    torch.testing.assert_close(decoder.logits(packed), torch.cat(apart), atol=1e-4, rtol=0)


def test_what_is_saved_loads_in_transformers_with_the_same_logits(family: Path, tmp_path: Path):
    decoder = load_decoder(family, dtype=torch.float32)
    save_model(tmp_path, decoder, like=family)
    assert torch.equal(transformers_logits(tmp_path, TEXT), transformers_logits(family, TEXT))


@pytest.mark.parametrize("variant", ["llama-tied", "qwen3"])
def test_shards_are_read_by_their_index(tmp_path: Path, variant: str):
    whole = make_family(tmp_path / "whole", variant)
    sharded = make_family(tmp_path / "sharded", variant, max_shard_size="20KB")
    shards = sorted(sharded.glob("model-*.safetensors"))
    assert len(shards) > 2
    (sharded / "model-stray.safetensors").write_bytes(b"of another download")
    assert {k: v.tolist() for k, v in master_weights(sharded).items()} == {
        k: v.tolist() for k, v in master_weights(whole).items()
    }
    shards[1].unlink()
    with pytest.raises(PonderError, match=rf"{shards[1].name} is missing \(1 of {len(shards)}\); fetch it again"):
        load_decoder(sharded, dtype=torch.float32)
    (sharded / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(PonderError, match="names no weights; fetch it again"):
        load_decoder(sharded, dtype=torch.float32)


def test_masters_keep_the_precision_of_the_source(tmp_path: Path):
    folder = make_family(tmp_path, "llama")
    masters = master_weights(folder)
    assert {weight.dtype for weight in masters.values()} == {torch.float32}
    rounded = dict(load_decoder(folder, dtype=torch.bfloat16).named_parameters())
    assert masters.keys() == rounded.keys()
    name = "model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(masters[name], rounded[name].float())
    assert torch.equal(masters[name].bfloat16(), rounded[name])


@pytest.mark.parametrize(
    ("rotary", "expected"),
    [
        ({"rope_theta": 100.0, "rope_scaling": None}, [1.0, 0.1]),
        ({"rope_theta": 100.0, "rope_scaling": {"type": "linear", "factor": 2.0}}, [0.5, 0.05]),
        ({"rope_parameters": {"rope_theta": 100.0, "rope_type": "linear", "factor": 2.0}}, [0.5, 0.05]),
    ],
)
def test_both_spellings_of_the_rotary_section_are_read(rotary: dict[str, Any], expected: list[float]):
    shape = {"num_attention_heads": 4, "hidden_size": 16, "vocab_size": 10, "num_hidden_layers": 1}
    config = {"model_type": "llama", "intermediate_size": 8, "max_position_embeddings": 32} | shape | rotary
    assert DecoderConfig.from_transformers(config).frequencies == pytest.approx(expected)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_of_whole_blocks_is_one_of_their_parts(family: Path, dtype: torch.dtype):
    decoder = load_decoder(family, dtype=dtype)
    found = []
    for whole in (True, False):
        memory = decoder.memory(Room(prefix=(), prompts=1, longest=30, rows=4, columns=2))
        if memory.blocks is None:
            pytest.skip(f"no kernels here: {kernels.reason()}")
        memory.read([0], [TEXT[0, :30].tolist()])
        memory.seat([0, 1, 2, 3], [0, 0, 0, 0])
        memory.blocks = memory.blocks if whole else None
        steps = [memory.go_on(torch.arange(4), torch.tensor([5, 6, 7, 8]) + at, torch.full((4,), at)) for at in (0, 1)]
        found.append(decoder.logits(torch.cat(steps)))
        memory.close()
    torch.testing.assert_close(*found, atol=1e-5 if dtype == torch.float32 else 0.15, rtol=0)
