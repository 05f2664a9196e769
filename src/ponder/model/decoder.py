"""One readable decoder for the Llama family (Llama, Mistral, Qwen2, Qwen3), shared by sampler and learner.

Parameter names are those of transformers, so checkpoints load and save without a mapping. Who calls it says how to
attend: `read` over packed rows, a `Cache` over what came before.

What lies between the matrices is in `functions`; a sampler has the matrices packed (`matrix`).

In bf16 the matrices are bf16 and what runs between them is fp32: the residual, norms, rotations and logits. Sampler and
learner then agree on a token's log probability twice as well as with everything in bf16.

Shapes: B or R rows, L positions, D hidden size, H query heads, K key-value heads, E head size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ponder.model import kernels
from ponder.model.attention import biased_attention, masked_attention, within
from ponder.model.cache import Cache
from ponder.model.config import DecoderConfig
from ponder.model.functions import gated, norm, rotate, tree_attention
from ponder.model.head import Head
from ponder.model.kernels import Sights, Stores
from ponder.model.kernels.blocks import Blocks, Sizes, Weights
from ponder.model.language import Room, Tree
from ponder.model.matrix import Matrix
from ponder.model.recompute import again

WRITTEN_OUT = 512
"""Longest rows whose attention is written out on a CPU; the memory of longer ones would grow too large."""

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, q [B,H,L,E], k [B,K,L,E], v [B,K,L,E]) -> [B,H,L,E]."""


class Norm(nn.RMSNorm):
    """RMS norm, computed in fp32; what it hands on is in the dtype of its weight."""

    def forward(self, x: Tensor) -> Tensor:
        """[...,D] -> [...,D]."""
        assert self.eps is not None, "the configuration names it"
        return norm(x, self.weight, self.eps)


class Attention(nn.Module):
    """Grouped-query attention with rotary positions; how it attends comes from outside."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.head_dim = layer, config.head_dim
        width, kv_width = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
        self.q_proj = Matrix(config.hidden_size, width, bias=config.attention_bias)
        self.k_proj = Matrix(config.hidden_size, kv_width, bias=config.attention_bias)
        self.v_proj = Matrix(config.hidden_size, kv_width, bias=config.attention_bias)
        self.o_proj = Matrix(width, config.hidden_size, bias=config.output_bias)
        if config.query_key_norm:
            self.q_norm = Norm(config.head_dim, config.rms_norm_eps)
            self.k_norm = Norm(config.head_dim, config.rms_norm_eps)

    def forward(self, x_BLD: Tensor, rotary: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """[B,L,D] -> [B,L,D]."""
        projections = self.q_proj, self.k_proj, self.v_proj
        q, k, v = (project(x_BLD).unflatten(-1, (-1, self.head_dim)) for project in projections)
        if hasattr(self, "q_norm"):
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = rotate(q, rotary), rotate(k, rotary)
        out_BHLE = attend(self.layer, q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        return self.o_proj(out_BHLE.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """down(silu(gate(x)) * up(x))."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.gate_proj = Matrix(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
        self.up_proj = Matrix(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
        self.down_proj = Matrix(config.intermediate_size, config.hidden_size, bias=config.mlp_bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B,L,D] -> [B,L,D]."""
        gate, up = self.gate_proj(x), self.up_proj(x)
        inner = gated(gate, up)
        with again(inner, lambda: gated(gate, up)):
            return self.down_proj(inner)


class Block(nn.Module):
    """Attention and feed-forward, each behind a norm; the residual is fp32."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = Norm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = Norm(config.hidden_size, config.rms_norm_eps)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """[B,L,D] -> [B,L,D]."""
        x = x + self._behind(self.input_layernorm, x, lambda normed: self.self_attn(normed, rotary, attend))
        return x + self._behind(self.post_attention_layernorm, x, self.mlp)

    @staticmethod
    def _behind(norm: Norm, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """A part behind its norm, which is computed again on the way back."""
        normed = norm(x)
        with again(normed, lambda: norm(x)):
            return part(normed)

    def weights(self, store: Stores, window: int | None) -> Weights | None:
        """What a kernel needs of it; None where its matrices are not packed."""
        a, m = self.self_attn, self.mlp
        packed = [
            (matrix.panels, matrix.bias)
            for matrix in (a.q_proj, a.k_proj, a.v_proj, a.o_proj, m.gate_proj, m.up_proj, m.down_proj)
        ]
        products = tuple((panels, bias) for panels, bias in packed if panels)
        norms = [getattr(a, name).weight if hasattr(a, name) else None for name in ("q_norm", "k_norm")]
        first, second = self.input_layernorm.weight, self.post_attention_layernorm.weight
        if len(products) < len(packed):
            return None
        return Weights(norms=(first, second, norms[0], norms[1]), products=products, stores=store, window=window)


class Trunk(nn.Module):
    """Embedding, blocks and last norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        unset = torch.empty(config.vocab_size, config.hidden_size)  # to initialise it takes two seconds of imports
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, _weight=unset)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(len(config.windows)))
        self.norm = Norm(config.hidden_size, config.rms_norm_eps)


class Decoder(nn.Module):
    """A language model of the Llama family; a `ponder.model.language.LanguageModel`."""

    shares_prompts = True

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Trunk(config)
        self.lm_head = Head(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight
        self.angles = torch.empty(0)
        """fp32 `[max_position, E/2]`; a plain attribute, so that a cast of the weights leaves it alone."""

    def with_angles(self) -> Decoder:
        """Compute the rotary table; called once the weights are in place."""
        positions = torch.arange(self.config.max_position_embeddings, dtype=torch.float32)
        angles = torch.outer(positions, torch.tensor(self.config.frequencies, dtype=torch.float32))
        self.angles = angles.to(self.device)
        return self

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.lm_head.weight.device

    @property
    def context(self) -> int:
        """Longest text, in tokens."""
        return self.config.max_position_embeddings

    def memory(self, room: Room) -> Cache:
        """See `ponder.model.language.LanguageModel`."""
        return Cache(self, room)

    def read(self, tokens_RL: Tensor, positions_RL: Tensor, tree: Tree) -> Tensor:
        """See `ponder.model.language.LanguageModel`."""
        if not kernels.able(self.lm_head.weight):
            return self.hidden(tokens_RL, positions_RL, self._plain(tokens_RL.shape[1], positions_RL, tree))

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            q, k, v = (x.transpose(1, 2) for x in (q, k, v))
            return tree_attention(q, k, v, tree, self.config.windows[layer]).transpose(1, 2)

        return self.hidden(tokens_RL, positions_RL, attend)

    def _plain(self, size: int, positions_RL: Tensor, tree: Tree) -> Attend:
        """Attention within packed rows of this size by PyTorch."""
        mask = tree.mask()
        wanted = {window: within(mask, positions_RL, positions_RL, window) for window in set(self.config.windows)}
        written_out = size <= WRITTEN_OUT and mask.is_cpu
        masks = {window: self._bias(mask) if written_out else mask for window, mask in wanted.items()}
        attention = biased_attention if written_out else masked_attention
        return lambda layer, q, k, v: attention(q, k, v, masks[self.config.windows[layer]])

    def hidden(self, tokens_BL: Tensor, positions_BL: Tensor, attend: Attend) -> Tensor:
        """Token ids and their positions -> hidden states [B,L,D], after the last norm."""
        x = self.model.embed_tokens(tokens_BL).float()
        rotary = self._rotary(positions_BL)
        for block in self.model.layers:
            x = block(x, rotary, attend)
        return self.model.norm(x)

    def blocks(self, stores: Sequence[Stores], *, rows: int) -> Blocks | None:
        """All blocks as kernels for so many rows, with a store for each; None where their matrices are not packed."""
        c, layers = self.config, zip(self.model.layers, stores, self.config.windows, strict=True)
        made = [block.weights(store, window) for block, store, window in layers if isinstance(block, Block)]
        sizes = Sizes(
            hidden=c.hidden_size,
            heads=c.num_attention_heads,
            kv_heads=c.num_key_value_heads,
            head=c.head_dim,
            inner=c.intermediate_size,
            eps=c.rms_norm_eps,
        )
        whole = [weights for weights in made if weights]
        return Blocks(whole, sizes, rows=rows) if len(whole) == len(made) else None

    def step(self, blocks: Blocks, tokens_B: Tensor, sights: Sights) -> Tensor:
        """Hidden states `[B,D]` of one new token a row, as `hidden` computes them."""
        cos_BE, sin_BE = self._rotary(sights.position_B)
        return self.model.norm(blocks.step(self.model.embed_tokens(tokens_B).float(), cos_BE, sin_BE, sights))

    def logits(self, hidden: Tensor) -> Tensor:
        """[...,D] -> [...,V], in fp32."""
        return self.lm_head(hidden)

    def _rotary(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines `[...,E/2]`."""
        angles = self.angles[positions]
        return angles.cos() * self.config.rotary_scale, angles.sin() * self.config.rotary_scale

    def _bias(self, mask_R1LL: Tensor) -> Tensor:
        """0 where the mask is true and -inf elsewhere, `[R*H,L,L]`."""
        bias = torch.zeros(mask_R1LL.shape, dtype=self.lm_head.weight.dtype).masked_fill(~mask_R1LL, -torch.inf)
        return bias.expand(-1, self.config.num_attention_heads, -1, -1).flatten(0, 1)
