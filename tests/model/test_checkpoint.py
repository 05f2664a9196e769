from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from contracts.sampler import next_logits, reference
from ponder.model.checkpoint import load_decoder, read_config
from ponder.model.load import save_model
from ponder.types import PonderError


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model to spoil."""
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def change(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def refusal(folder: Path) -> str:
    with pytest.raises(PonderError) as raised:
        load_decoder(folder, dtype=torch.float32)
    return str(raised.value)


def test_a_saved_model_is_loaded_by_transformers_with_the_same_logits(tiny: Path, tmp_path: Path):
    decoder = load_decoder(tiny, dtype=torch.float32)
    with torch.no_grad():
        decoder.model.norm.weight.mul_(1.5)
    save_model(tmp_path / "saved", decoder, like=tiny)
    ids = list(range(50))
    expected = next_logits(reference(tiny), ids) * 1.5
    torch.testing.assert_close(next_logits(reference(tmp_path / "saved"), ids), expected, atol=1e-4, rtol=0)
    again = dict(load_decoder(tmp_path / "saved", dtype=torch.float32).named_parameters())
    assert all(torch.equal(again[name], weight) for name, weight in decoder.named_parameters())


def test_a_saved_model_brings_its_tokenizer_and_chat_template(tiny: Path, tmp_path: Path):
    save_model(tmp_path / "saved", load_decoder(tiny, dtype=torch.float32), like=tiny)
    one, other = (AutoTokenizer.from_pretrained(folder) for folder in (tiny, tmp_path / "saved"))
    assert one.chat_template == other.chat_template and one.get_vocab() == other.get_vocab()


@pytest.mark.parametrize("name", ["tokenizer.model", "vocab.json", "merges.txt", "added_tokens.json"])
def test_a_saved_model_brings_what_older_tokenizers_keep_in_files(folder: Path, tmp_path: Path, name: str):
    (folder / name).write_text("{}")
    save_model(tmp_path / "saved", load_decoder(folder, dtype=torch.float32), like=folder)
    assert (tmp_path / "saved" / name).read_text() == "{}"


def test_saving_twice_gives_the_same_bytes_in_the_dtype_of_the_weights(tiny: Path, tmp_path: Path):
    decoder = load_decoder(tiny, dtype=torch.bfloat16)
    for name in ("one", "other"):
        save_model(tmp_path / name, decoder, like=tiny)
    one, other = (sorted((tmp_path / name).iterdir()) for name in ("one", "other"))
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]
    assert {w.dtype for w in load_file(tmp_path / "one" / "model.safetensors").values()} == {torch.bfloat16}
    assert read_config(tmp_path / "one")["dtype"] == "bfloat16"


def test_tied_weights_are_saved_once_and_loaded_as_one(tiny: Path, tmp_path: Path):
    save_model(tmp_path, load_decoder(tiny, dtype=torch.float32), like=tiny)
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")
    loaded = load_decoder(tmp_path, dtype=torch.float32)
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


def test_an_untied_head_is_its_own(folder: Path):
    change(folder, tie_word_embeddings=False)
    assert "weights are missing (lm_head.weight, 1 in all)" in refusal(folder)
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"lm_head.weight": weights["model.embed_tokens.weight"] * 2}, folder / "model.safetensors")
    decoder = load_decoder(folder, dtype=torch.float32)
    assert torch.equal(decoder.lm_head.weight, decoder.model.embed_tokens.weight * 2)
    ids = torch.arange(20)[None]
    hidden = decoder.hidden(ids, ids, lambda layer, q, k, v: v.repeat_interleave(2, dim=1))
    assert decoder.logits(hidden).shape == (1, 20, 260)


def test_weights_in_several_files_are_read_together(folder: Path):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    for part, chosen in enumerate((names[:5], names[5:]), start=1):
        save_file({name: weights[name] for name in chosen}, folder / f"model-0000{part}-of-00002.safetensors")
    loaded = dict(load_decoder(folder, dtype=torch.float32).named_parameters())
    assert all(torch.equal(loaded[name], weight) for name, weight in weights.items())


def test_other_safetensors_beside_the_weights_are_left_alone(folder: Path):
    weights = load_file(folder / "model.safetensors")
    save_file({"model.norm.weight": weights["model.norm.weight"] + 1}, folder / "optimizer.safetensors")
    assert torch.equal(load_decoder(folder, dtype=torch.float32).model.norm.weight, weights["model.norm.weight"])


def test_missing_weights_are_counted(folder: Path):
    weights = load_file(folder / "model.safetensors")
    del weights["model.norm.weight"], weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors")
    expected = "weights are missing (model.layers.1.mlp.up_proj.weight, 2 in all); fetch it again"
    assert refusal(folder) == f"model {folder}: {expected}"


def test_code_of_its_own_is_refused(folder: Path):
    change(folder, auto_map={"AutoModelForCausalLM": "modeling.Evil"})
    assert refusal(folder).startswith(f"model {folder}: it asks to run code of its own (auto_map)")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_pickle_weights_are_refused_unopened(folder: Path, name: str):
    (folder / "model.safetensors").rename(folder / name)
    assert refusal(folder) == (
        f"model {folder}: pickle weights ({name}) can run code and are refused; convert it to safetensors"
    )


def test_a_folder_without_weights_or_configuration_says_so(folder: Path):
    (folder / "model.safetensors").unlink()
    assert "no weights there" in refusal(folder)
    (folder / "config.json").unlink()
    assert "no config.json there; name a model folder in transformers' layout" in refusal(folder)


def test_a_configuration_that_is_no_json_says_so(folder: Path):
    (folder / "config.json").write_text('{"model_type": "llama",')
    assert refusal(folder) == f"model {folder}: config.json is not JSON; fetch it again"


def test_weights_of_another_shape_say_so(folder: Path):
    change(folder, intermediate_size=65)
    assert "do not fit config.json" in refusal(folder)


def test_a_weights_file_cut_short_says_so(folder: Path):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    assert refusal(folder).startswith(f"model {folder}: model.safetensors cannot be read")
