"""A model folder as a language model, and back: by the decoder where it can, else by transformers."""

from __future__ import annotations

from pathlib import Path

import torch

from ponder.model import kernels
from ponder.model.checkpoint import copy_companions, load_decoder, read_config, save_decoder
from ponder.model.config import quantised, unsupported
from ponder.model.decoder import Decoder
from ponder.model.devices import CPU
from ponder.model.foreign import Foreign
from ponder.model.lora import adapters, plain_weights, save_adapter
from ponder.types import PonderError

ADAPTER_FOLDER = "adapter"
"""Inside a model folder: its adapters in PEFT's layout, which are added into its weights already."""

Model = Decoder | Foreign


def load_model(folder: Path, *, dtype: torch.dtype, device: torch.device = CPU) -> Model:
    """The language model of a folder; PonderError for one that cannot be loaded, or whose weights are quantised."""
    config = read_config(folder)
    if how := quantised(config):
        raise PonderError(f"model {folder}: quantised ({how}), so not to be learned; take what it was made from")
    if reason := unsupported(config):
        return Foreign.load(folder, dtype=dtype, device=device, reason=reason)
    return load_decoder(folder, dtype=dtype, device=device)


def notice(model: Model) -> str:
    """What a user should know of how the model is computed, in one line; empty where there is nothing."""
    if isinstance(model, Decoder):
        why = kernels.reason() if model.device.type == "cpu" else ""
        return f"kernels: {why}: plain PyTorch computes in their place, which is slower" if why else ""
    return f"model: {model.reason}: computed by transformers, which is slower; Llama, Mistral and Qwen models are not"


def module_of(model: Model) -> torch.nn.Module:
    """What holds the weights."""
    return model if isinstance(model, Decoder) else model.model


def save_model(folder: Path, model: Model, *, like: Path) -> None:
    """Write a folder that `AutoModelForCausalLM` loads with the same logits; its tokenizer is that of `like`."""
    module = module_of(model)
    if isinstance(model, Decoder):
        save_decoder(folder, plain_weights(module), dtype=model.lm_head.weight.dtype, like=like)
    else:
        copy_companions(folder, like=like)
        model.model.save_pretrained(folder, state_dict=plain_weights(module) if adapters(module) else None)
    if adapters(module):
        save_adapter(module, folder / ADAPTER_FOLDER, base=str(like))
