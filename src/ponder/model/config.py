"""What a `config.json` says of a decoder, spelt out: nothing is left to the family's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from ponder.types import PonderError

ROPES = ("default", "linear", "llama3", "yarn")
"""Rotary embeddings whose angles depend on the position alone, and not on how long the text is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig:
    """Shape of a decoder of the Llama family."""

    vocab_size: int
    """V."""
    hidden_size: int
    """D."""
    intermediate_size: int
    """Width of the gated feed-forward."""
    num_attention_heads: int
    """H."""
    num_key_value_heads: int
    """K; divides H."""
    head_dim: int
    """E."""
    max_position_embeddings: int
    """Longest context, in tokens."""
    rms_norm_eps: float
    """Added to the mean square."""
    tie_word_embeddings: bool
    """Whether the head is the embedding."""
    frequencies: tuple[float, ...]
    """Radians that each of E/2 channel pairs turns by at one position."""
    rotary_scale: float
    """Factor on the rotated queries and keys; other than 1 for `yarn` only."""
    windows: tuple[int | None, ...]
    """By layer: it sees what stands fewer than so many positions before; None sees all."""
    query_key_norm: bool
    """Whether each head's queries and keys are normalised."""
    attention_bias: bool
    """Whether queries, keys and values have a bias."""
    output_bias: bool
    """Whether the attention's output has one."""
    mlp_bias: bool
    """Whether the feed-forward has one."""

    @classmethod
    def from_transformers(cls, config: Mapping[str, Any]) -> DecoderConfig:
        """Read a `config.json`; raises PonderError for a model that this decoder would compute wrongly."""
        reason = unsupported(config)
        if reason:
            raise PonderError(f"config.json {reason}: this decoder does not compute that; use a Llama, Mistral or Qwen")
        full = _with_defaults(config)
        heads = full.num_attention_heads
        frequencies, scale = _rotary(full)
        return cls(
            vocab_size=full.vocab_size,
            hidden_size=full.hidden_size,
            intermediate_size=full.intermediate_size,
            num_attention_heads=heads,
            num_key_value_heads=full.num_key_value_heads or heads,
            head_dim=getattr(full, "head_dim", None) or full.hidden_size // heads,
            max_position_embeddings=full.max_position_embeddings,
            rms_norm_eps=full.rms_norm_eps,
            tie_word_embeddings=full.tie_word_embeddings,
            frequencies=frequencies,
            rotary_scale=scale,
            windows=_windows(full),
            **_family(full),
        )


def quantised(config: Mapping[str, Any]) -> str | None:
    """How the weights that a `config.json` describes are quantised, or None."""
    return (config.get("quantization_config") or {}).get("quant_method")


def unsupported(config: Mapping[str, Any]) -> str | None:
    """What in a `config.json` the decoder does not compute, as `field = value`, or None."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    checks = {
        "model_type": (config.get("model_type"), tuple(FAMILIES)),
        "hidden_act": (config.get("hidden_act", "silu"), ("silu",)),
        "rope_type": (kind, ROPES),
        "partial_rotary_factor": (config.get("partial_rotary_factor", rope.get("partial_rotary_factor", 1.0)), (1.0,)),
        "quant_method": (quantised(config), (None,)),
    }
    return next((f"{field} = {value!r}" for field, (value, known) in checks.items() if value not in known), None)


_SAID = {
    **dict.fromkeys(("vocab_size", "hidden_size", "intermediate_size", "max_position_embeddings", "head_dim"), int),
    **dict.fromkeys(("num_hidden_layers", "num_attention_heads", "num_key_value_heads"), int),
    **dict.fromkeys(("tie_word_embeddings", "attention_bias", "mlp_bias"), bool),
    "rms_norm_eps": float,
}
"""What a Llama's `config.json` of today says of the decoder, besides its rotation."""


def _with_defaults(config: Mapping[str, Any]) -> Any:
    """The configuration as transformers completes it: two generations of spelling, and each family's defaults.

    A Llama's that says everything already is taken as it stands: transformers takes a second to say the same.
    """
    rope = config.get("rope_parameters") or {}
    plain = rope.get("rope_type") == "default" and isinstance(rope.get("rope_theta"), float)
    if plain and config["model_type"] == "llama" and all(type(config.get(k)) is kind for k, kind in _SAID.items()):
        return SimpleNamespace(**config)
    from transformers import AutoConfig  # seconds to import, and only who loads a model gets here

    rest = {key: value for key, value in config.items() if key != "model_type"}
    try:
        full = AutoConfig.for_model(config["model_type"], **rest)
        full.standardize_rope_params()
    except (KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise PonderError(f"config.json: {reason}; fetch it again") from None
    return full


def _rotary(config: Any) -> tuple[tuple[float, ...], float]:
    """Frequencies `[E/2]` and scale, by transformers' own formulas (linear: arXiv:2306.15595, yarn: 2309.00071)."""
    import torch

    rope = config.rope_parameters
    kind = rope.get("rope_type", "default")
    if kind == "default":
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        exponents = torch.arange(0, size, 2, dtype=torch.float32) / size
        return tuple((1.0 / rope["rope_theta"] ** exponents).tolist()), 1.0
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    frequencies, scale = ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"))
    return tuple(frequencies.tolist()), float(scale)


def _windows(config: Any) -> tuple[int | None, ...]:
    layers = config.num_hidden_layers
    if config.model_type == "llama":
        return (None,) * layers
    kinds = getattr(config, "layer_types", None) or ["sliding_attention"] * layers
    return tuple(config.sliding_window if kind == "sliding_attention" else None for kind in kinds)


def _llama(config: Any) -> dict[str, bool]:
    bias = config.attention_bias
    return {"query_key_norm": False, "attention_bias": bias, "output_bias": bias, "mlp_bias": config.mlp_bias}


def _mistral(config: Any) -> dict[str, bool]:
    return {"query_key_norm": False, "attention_bias": False, "output_bias": False, "mlp_bias": False}


def _qwen2(config: Any) -> dict[str, bool]:
    return {"query_key_norm": False, "attention_bias": True, "output_bias": False, "mlp_bias": False}


def _qwen3(config: Any) -> dict[str, bool]:
    bias = config.attention_bias
    return {"query_key_norm": True, "attention_bias": bias, "output_bias": bias, "mlp_bias": False}


FAMILIES = {"llama": _llama, "mistral": _mistral, "qwen2": _qwen2, "qwen3": _qwen3}
"""By `model_type`: where the family has biases and norms."""


def _family(config: Any) -> dict[str, bool]:
    return FAMILIES[config.model_type](config)
