"""Low-rank adapters (LoRA, arXiv:2106.09685) in the layout of PEFT, and weights that stay as they are.

Shapes: D_in and D_out of a matrix, r rank.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from ponder.model.matrix import Matrix
from ponder.types import PonderError

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Last names of the matrices that get an adapter."""
ADAPTER = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
PREFIX = "base_model.model."
"""What PEFT puts before a weight's name."""
VARIANTS = ("use_dora", "use_rslora", "lora_bias", "rank_pattern", "alpha_pattern", "modules_to_save")
"""Fields of PEFT's configuration that ask for other computations than W x + (alpha / r) B A x."""


class LoRALinear(Matrix):
    """W x + (alpha / r) B A x; W is frozen."""

    def __init__(self, base: nn.Linear, *, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__(base.in_features, base.out_features, bias=base.bias is not None, device="meta")
        self.weight, self.bias = base.weight, base.bias
        self.scale = alpha / rank
        bound = 1 / math.sqrt(base.in_features)  # kaiming_uniform_(a=sqrt(5)), as PEFT begins
        a = torch.empty(rank, base.in_features).uniform_(-bound, bound, generator=generator)
        self.lora_A = nn.Parameter(a.to(base.weight))
        self.lora_B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))

    def plain(self, input: Tensor) -> Tensor:
        """[...,D_in] -> [...,D_out], with gradient."""
        low = F.linear(F.linear(input, self.lora_A), self.lora_B)
        return F.linear(input, self.weight, self.bias) + self.scale * low

    def merged(self) -> Tensor:
        """W + (alpha / r) B A `[D_out,D_in]`, summed in fp32."""
        whole = self.weight.float() + self.scale * (self.lora_B.float() @ self.lora_A.float())
        return whole.to(self.weight.dtype)


def attach(model: nn.Module, *, rank: int, alpha: float, targets: Sequence[str] = TARGETS, seed: int = 0) -> None:
    """Give every matrix of these names an adapter, and freeze all else; raises PonderError for a name without one."""
    there = matrices(model)
    for target in targets:
        if target not in there:
            raise PonderError(
                f"model.lora.targets: no matrix is called {target!r}; there are {', '.join(sorted(there))}"
            )
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if name in targets and isinstance(child, nn.Linear):
                setattr(parent, name, LoRALinear(child, rank=rank, alpha=alpha, generator=generator))


def matrices(model: nn.Module) -> set[str]:
    """Last names of the matrices that can have an adapter; a head that is the embedding too cannot."""
    once = {name for name, _ in model.named_parameters()}
    return {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and f"{name}.weight" in once
    }


def freeze(model: nn.Module, names: Collection[str]) -> None:
    """Leave weights as they are whose name has one of these parts, such as `embed_tokens` or `layers.0`."""
    for name in names:
        matching = [weight for key, weight in model.named_parameters() if f".{name}." in f".{key}."]
        if not matching:
            there = dict.fromkeys(".".join(key.split(".")[:2]) for key, _ in model.named_parameters())
            raise PonderError(f"model.freeze = {name!r}: no weight has this in its name; there are {', '.join(there)}")
        for weight in matching:
            weight.requires_grad_(False)


def adapters(model: nn.Module) -> dict[str, LoRALinear]:
    """Matrices with an adapter, by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoRALinear)}


@torch.no_grad()
def plain_weights(model: nn.Module) -> dict[str, Tensor]:
    """Every weight and buffer under the name that a model without adapters has for it, the adapters added in.

    What is tied stands there once.
    """
    once = dict(model.named_parameters())
    again = dict(model.named_parameters(remove_duplicate=False)).keys() - once.keys()
    plain = {
        name: weight
        for name, weight in model.state_dict().items()
        if name not in again and not name.endswith((".lora_A", ".lora_B"))
    }
    return plain | {f"{name}.weight": adapter.merged() for name, adapter in adapters(model).items()}


def save_adapter(model: nn.Module, folder: Path, *, base: str) -> None:
    """Write the adapters of `model` as PEFT would; `base` names the model that they go on."""
    found = adapters(model)
    assert found, "a model with adapters"
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        f"{PREFIX}{name}.{part}.weight": getattr(adapter, part).detach().contiguous()
        for name, adapter in found.items()
        for part in ("lora_A", "lora_B")
    }
    save_file(weights, folder / ADAPTER, metadata={"format": "pt"})
    first = next(iter(found.values()))
    rank = first.lora_A.shape[0]
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": first.scale * rank,
        "target_modules": sorted({name.rpartition(".")[2] for name in found}),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


@torch.no_grad()
def load_adapter(model: nn.Module, folder: Path) -> None:
    """Take adapters in PEFT's layout into a model that has places for them; PonderError where they do not fit."""
    try:
        config, weights = json.loads((folder / CONFIG).read_text()), load_file(folder / ADAPTER)
    except (OSError, ValueError, SafetensorError):
        raise PonderError(f"{folder}: no adapter there ({CONFIG}, {ADAPTER}); name a folder that PEFT wrote") from None
    if other := next((field for field in VARIANTS if config.get(field)), None):
        raise PonderError(f"{folder}: its adapter is of another kind ({other}); take a plain one")
    places = {
        f"{PREFIX}{name}.{part}.weight": getattr(adapter, part)
        for name, adapter in adapters(model).items()
        for part in ("lora_A", "lora_B")
    }
    scales = {adapter.scale for adapter in adapters(model).values()} | {config["lora_alpha"] / config["r"]}
    unfit = sorted(places.keys() ^ weights.keys()) or [k for k in places if weights[k].shape != places[k].shape]
    if unfit or len(scales) > 1:
        reason = unfit[0] if unfit else f"lora_alpha = {config['lora_alpha']:g}"
        raise PonderError(
            f"{folder}: its adapter does not fit ({reason}); attach one of the same rank, alpha and targets"
        )
    for key, place in places.items():
        place.copy_(weights[key])
