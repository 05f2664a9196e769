"""The key-value cache of a batch, and how prompts get into it.

Shapes: N prompts, B rows, L new positions, C columns of the cache, K key-value heads, E head size, D hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ponder.model.decoder import Decoder, masked_attention


class Cache:
    """Keys and values of every layer `[B,K,C,E]`, and which columns are text `[B,C]`."""

    def __init__(self, decoder: Decoder, columns: int) -> None:
        config = decoder.config
        shape = (1, config.num_key_value_heads, columns, config.head_dim)
        self.keys = [decoder.lm_head.weight.new_zeros(shape) for _ in range(config.num_hidden_layers)]
        self.values = [decoder.lm_head.weight.new_zeros(shape) for _ in range(config.num_hidden_layers)]
        self.text_BC = torch.zeros(1, columns, dtype=torch.bool)

    def extend(self, decoder: Decoder, tokens_BL: Tensor, positions_BL: Tensor, *, at: int, text_BL: Tensor) -> Tensor:
        """Write `tokens_BL` into columns `at` to `at + L - 1`; returns their hidden states `[B,L,D]`."""
        end = at + tokens_BL.shape[1]
        self.text_BC[:, at:end] = text_BL
        before_LC = torch.arange(end)[None, :] <= torch.arange(at, end)[:, None]
        mask = (self.text_BC[:, None, :end] & before_LC).unsqueeze(1)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            self.keys[layer][:, :, at:end] = k
            self.values[layer][:, :, at:end] = v
            return masked_attention(q, self.keys[layer][:, :, :end], self.values[layer][:, :, :end], mask)

        return decoder.hidden(tokens_BL, positions_BL, attend)

    def take(self, rows_B: Tensor) -> None:
        """Keep these rows in this order; a row may be taken several times."""
        self.text_BC = self.text_BC[rows_B]
        for layer in range(len(self.keys)):
            self.keys[layer] = self.keys[layer][rows_B]
            self.values[layer] = self.values[layer][rows_B]


def prefill(decoder: Decoder, prompts: Sequence[Sequence[int]], *, columns: int) -> tuple[Cache, Tensor]:
    """A cache with a row a prompt, left-aligned, and the hidden state `[N,D]` that predicts what follows each.

    What all prompts begin with (a system message, solved examples) is computed once.
    """
    shared = shared_prefix(prompts)
    cache = Cache(decoder, columns)
    if shared:
        tokens_1L = torch.tensor([prompts[0][:shared]])
        cache.extend(decoder, tokens_1L, torch.arange(shared)[None], at=0, text_BL=torch.ones_like(tokens_1L).bool())
    cache.take(torch.zeros(len(prompts), dtype=torch.long))
    rests = [torch.tensor(prompt[shared:]) for prompt in prompts]
    tokens_NL = torch.nn.utils.rnn.pad_sequence(rests, batch_first=True)
    lengths_N = torch.tensor([len(rest) for rest in rests])
    steps_L = torch.arange(tokens_NL.shape[1])
    text_NL = steps_L[None, :] < lengths_N[:, None]
    positions_NL = (shared + steps_L).expand_as(tokens_NL)
    hidden_NLD = cache.extend(decoder, tokens_NL, positions_NL, at=shared, text_BL=text_NL)
    return cache, hidden_NLD[torch.arange(len(prompts)), lengths_N - 1]


def shared_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Number of tokens that all prompts begin with, at least one left to each."""
    first, last = min(map(tuple, prompts)), max(map(tuple, prompts))
    limit = min(len(prompt) for prompt in prompts) - 1
    return next((i for i in range(limit) if first[i] != last[i]), limit)
