"""Model folders in transformers' layout: what is safe to load, loading, saving."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ponder.model.config import DecoderConfig
from ponder.model.decoder import Decoder
from ponder.model.devices import CPU
from ponder.types import PonderError

COMPANIONS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "chat_template.jinja",
)
"""Files beside the weights that make a folder loadable by transformers."""

WEIGHTS = "model*.safetensors"
"""Files that hold the weights; a checkpoint of a run has the learner's state beside them."""

INDEX = "model.safetensors.index.json"
"""Says which file holds which weight, where there are several."""


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a model folder that is safe to load."""
    path = folder / "config.json"
    if not path.is_file():
        raise PonderError(f"model {folder}: no config.json there; name a model folder in transformers' layout")
    try:
        config = json.loads(path.read_text())
    except ValueError:
        raise PonderError(f"model {folder}: config.json is not JSON; fetch it again") from None
    if "auto_map" in config:
        raise PonderError(f"model {folder}: it asks to run code of its own (auto_map); ponder never does; use another")
    if not list(folder.glob(WEIGHTS)):
        pickled = [file.name for file in folder.iterdir() if file.suffix in (".bin", ".pt", ".pth")]
        reason = f"pickle weights ({pickled[0]}) can run code and are refused" if pickled else "no weights there"
        raise PonderError(f"model {folder}: {reason}; convert it to safetensors")
    return config


def load_decoder(folder: Path, *, dtype: torch.dtype, device: torch.device = CPU) -> Decoder:
    """The decoder of a model folder, its weights in `dtype` on `device`."""
    config = DecoderConfig.from_transformers(read_config(folder))
    weights = read_weights(folder)
    with torch.device("meta"):
        decoder = Decoder(config)
    _refuse_unfit(folder, weights, dict(decoder.named_parameters()))
    decoder.load_state_dict({k: v.to(device, dtype) for k, v in weights.items()}, strict=False, assign=True)
    if config.tie_word_embeddings:
        decoder.lm_head.weight = decoder.model.embed_tokens.weight
    return decoder.with_angles()


def master_weights(folder: Path) -> dict[str, Tensor]:
    """Every weight of a model folder in fp32: where a learner starts from, whatever the model computes in."""
    return {name: weight.float() for name, weight in read_weights(folder).items()}


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Every weight of a model folder, by name."""
    weights: dict[str, Tensor] = {}
    for file in _shards(folder):
        try:
            weights |= load_file(file)
        except (OSError, SafetensorError) as error:
            raise PonderError(f"model {folder}: {file.name} cannot be read ({error}); fetch it again") from None
    return weights


def _shards(folder: Path) -> list[Path]:
    """The files that hold the weights: those that the index names, where there is one."""
    index = folder / INDEX
    if not index.is_file():
        return sorted(folder.glob(WEIGHTS))
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise PonderError(f"model {folder}: {INDEX} names no weights; fetch it again") from None
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise PonderError(f"model {folder}: {missing[0]} is missing ({len(missing)} of {len(names)}); fetch it again")
    return [folder / name for name in names]


def _refuse_unfit(folder: Path, weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    missing = [name for name in expected if name not in weights]
    if missing:
        raise PonderError(f"model {folder}: weights are missing ({missing[0]}, {len(missing)} in all); fetch it again")
    unfit = [name for name, weight in expected.items() if weights[name].shape != weight.shape]
    if unfit:
        shapes = f"{unfit[0]} is {list(weights[unfit[0]].shape)}, not {list(expected[unfit[0]].shape)}"
        raise PonderError(f"model {folder}: weights do not fit config.json ({shapes}); fetch it again")


def save_decoder(folder: Path, weights: Mapping[str, Tensor], *, dtype: torch.dtype, like: Path) -> None:
    """Write weights, and the configuration and tokenizer of `like`: `AutoModelForCausalLM` loads the folder."""
    copy_companions(folder, like=like)
    contiguous = {name: weight.contiguous() for name, weight in weights.items()}
    save_file(contiguous, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((like / "config.json").read_text())
    config["dtype"] = str(dtype).removeprefix("torch.")
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def copy_companions(folder: Path, *, like: Path) -> None:
    """Configuration and tokenizer of `like`, in a folder that is made where it must be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COMPANIONS:
        if (like / name).is_file():
            shutil.copyfile(like / name, folder / name)
