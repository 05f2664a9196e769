"""One readable decoder for the Llama family, shared by sampler and learner.

Parameter names are those of transformers' `LlamaForCausalLM`, so checkpoints load and save without a mapping.
Who calls it says how to attend: the learner over a packed row, the sampler over its cache.

Shapes: B rows, L positions, D hidden size, H query heads, K key-value heads, E head size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ponder.types import PonderError

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, q [B,H,L,E], k [B,K,L,E], v [B,K,L,E]) -> [B,H,L,E]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig:
    """Shape of a Llama decoder, in the words of transformers' `config.json`."""

    vocab_size: int
    """V."""
    hidden_size: int
    """D."""
    intermediate_size: int
    """Width of the gated feed-forward."""
    num_hidden_layers: int
    """Number of blocks."""
    num_attention_heads: int
    """H."""
    num_key_value_heads: int
    """K; divides H."""
    head_dim: int
    """E."""
    max_position_embeddings: int
    """Longest context, in tokens."""
    rms_norm_eps: float = 1e-5
    """Added to the mean square."""
    rope_theta: float = 10000.0
    """Base of the rotary angles."""
    tie_word_embeddings: bool = False
    """Whether the head is the embedding."""

    @classmethod
    def from_transformers(cls, config: Mapping[str, Any]) -> DecoderConfig:
        """Read a `config.json`; a model that this decoder would compute wrongly is refused."""
        _refuse_unknown(config)
        rope = config.get("rope_parameters") or config
        heads = config["num_attention_heads"]
        return cls(
            vocab_size=config["vocab_size"],
            hidden_size=config["hidden_size"],
            intermediate_size=config["intermediate_size"],
            num_hidden_layers=config["num_hidden_layers"],
            num_attention_heads=heads,
            num_key_value_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or config["hidden_size"] // heads,
            max_position_embeddings=config["max_position_embeddings"],
            rms_norm_eps=config.get("rms_norm_eps", 1e-5),
            rope_theta=rope.get("rope_theta", 10000.0),
            tie_word_embeddings=config.get("tie_word_embeddings", False),
        )


def _refuse_unknown(config: Mapping[str, Any]) -> None:
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    quantised = config.get("quantization_config") or {}
    expected = {
        "model_type": (config.get("model_type"), "llama"),
        "hidden_act": (config.get("hidden_act", "silu"), "silu"),
        "attention_bias": (config.get("attention_bias", False), False),
        "mlp_bias": (config.get("mlp_bias", False), False),
        "rope_type": (rope.get("rope_type", rope.get("type", "default")), "default"),
        "quant_method": (quantised.get("quant_method", "none"), "none"),
    }
    for field, (value, known) in expected.items():
        if value != known:
            raise PonderError(
                f"config.json {field} = {value!r}: this decoder computes {known!r} only; use a Llama model"
            )


class Attention(nn.Module):
    """Grouped-query attention with rotary positions; how it attends comes from outside."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.head_dim = layer, config.head_dim
        width, kv_width = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, width, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, kv_width, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, kv_width, bias=False)
        self.o_proj = nn.Linear(width, config.hidden_size, bias=False)

    def forward(self, x_BLD: Tensor, rotary: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """[B,L,D] -> [B,L,D]."""
        q, k, v = (self._heads(project(x_BLD)) for project in (self.q_proj, self.k_proj, self.v_proj))
        out_BHLE = attend(self.layer, rotate(q, rotary), rotate(k, rotary), v)
        return self.o_proj(out_BHLE.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)


class FeedForward(nn.Module):
    """down(silu(gate(x)) * up(x))."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B,L,D] -> [B,L,D]."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """Attention and feed-forward, each behind a norm and a residual."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """[B,L,D] -> [B,L,D]."""
        x = x + self.self_attn(self.input_layernorm(x), rotary, attend)
        return x + self.mlp(self.post_attention_layernorm(x))


class Trunk(nn.Module):
    """Embedding, blocks and last norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)


class Decoder(nn.Module):
    """A Llama-family language model."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Trunk(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight
        self.angles = torch.empty(0)
        """fp32 `[max_position, E/2]`; a plain attribute, so that a cast of the weights leaves it alone."""

    def with_angles(self) -> Decoder:
        """Compute the rotary table; called once the weights are in place."""
        self.angles = rotary_angles(self.config)
        return self

    def hidden(self, tokens_BL: Tensor, positions_BL: Tensor, attend: Attend) -> Tensor:
        """Token ids and their positions -> hidden states [B,L,D], after the last norm."""
        x = self.model.embed_tokens(tokens_BL)
        angles = self.angles[positions_BL].unsqueeze(1)
        rotary = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for block in self.model.layers:
            x = block(x, rotary, attend)
        return self.model.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """[...,D] -> [...,V], in the dtype of the weights."""
        return self.lm_head(hidden)


def rotary_angles(config: DecoderConfig) -> Tensor:
    """Angle of each position and channel pair: position * theta^(-2i/E); fp32 `[max_position, E/2]`."""
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    positions = torch.arange(config.max_position_embeddings, dtype=torch.float32)
    return torch.outer(positions, 1.0 / config.rope_theta**exponents)


def rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary embedding (arXiv:2104.09864), the halves-paired layout of Llama; x `[B,heads,L,E]`."""
    cos, sin = rotary
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def masked_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention where `mask` (bool, broadcast to [B,1,L,S]) is true; q [B,H,L,E], k and v [B,K,S,E].

    For one new position the H/K query heads of a key-value head are taken as so many positions, which share
    its mask: the cache is read once and never repeated in memory.
    """
    group = q.shape[1] // k.shape[1]
    if q.shape[2] == 1:
        out = F.scaled_dot_product_attention(q.unflatten(1, (-1, group)).flatten(2, 3), k, v, attn_mask=mask)
        return out.flatten(1, 2).unsqueeze(2)
    k, v = (x.repeat_interleave(group, dim=1) if group > 1 else x for x in (k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def biased_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Attention with an additive `bias` [B*H,L,L], -inf where nothing may be seen; q [B,H,L,E], k and v [B,K,L,E].

    Written out because the fused kernel's backward pass takes three to five times as long on a CPU; its
    probabilities are kept for that pass, so it is for rows of hundreds of positions, not of thousands.
    """
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, dim=1) if group > 1 else x for x in (k, v))
    scores = torch.baddbmm(bias, q.flatten(0, 1), k.flatten(0, 1).transpose(1, 2), alpha=q.shape[-1] ** -0.5)
    return torch.bmm(scores.softmax(-1), v.flatten(0, 1)).unflatten(0, q.shape[:2])


def causal(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attend to everything before, each row being one text; an `Attend`."""
    mask = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool, device=q.device).tril()
    return masked_attention(q, k, v, mask[None, None])
