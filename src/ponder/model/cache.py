"""The key-value cache of a batch.

Shapes: B rows, L new positions, C columns of the cache, K key-value heads, E head size, D hidden size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ponder.model.attention import masked_attention, within

if TYPE_CHECKING:
    from ponder.model.decoder import Decoder


class Cache:
    """Keys and values of every layer `[B,K,C,E]`, what a batch has read so far.

    A column is text or not in each row `[B,C]`, and has a position in the row's text `[B,C]`.
    """

    def __init__(self, decoder: Decoder, columns: int) -> None:
        config = decoder.config
        shape = (1, config.num_key_value_heads, columns, config.head_dim)
        self.decoder = decoder
        self.windows = config.windows
        self.keys = [decoder.lm_head.weight.new_zeros(shape) for _ in self.windows]
        self.values = [decoder.lm_head.weight.new_zeros(shape) for _ in self.windows]
        self.text_BC = torch.zeros(1, columns, dtype=torch.bool)
        self.positions_BC = torch.zeros(1, columns, dtype=torch.long)

    def extend(self, tokens_BL: Tensor, positions_BL: Tensor, *, at: int, text_BL: Tensor) -> Tensor:
        """Read `tokens_BL` into columns `at` to `at + L - 1`; returns their hidden states `[B,L,D]`."""
        end = at + tokens_BL.shape[1]
        self.text_BC[:, at:end] = text_BL
        self.positions_BC[:, at:end] = positions_BL
        before_LC = torch.arange(end)[None, :] <= torch.arange(at, end)[:, None]
        mask = (self.text_BC[:, None, :end] & before_LC).unsqueeze(1)
        seen_BC = self.positions_BC[:, :end]
        masks = {window: within(mask, positions_BL, seen_BC, window) for window in set(self.windows)}

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            self.keys[layer][:, :, at:end] = k
            self.values[layer][:, :, at:end] = v
            mask = masks[self.windows[layer]]
            return masked_attention(q, self.keys[layer][:, :, :end], self.values[layer][:, :, :end], mask)

        return self.decoder.hidden(tokens_BL, positions_BL, attend)

    def forget(self, row: int, columns: slice) -> None:
        """Take back what a row has read in these columns: nothing that follows sees it."""
        self.text_BC[row, columns] = False

    def take(self, rows_B: Tensor) -> None:
        """Keep these rows in this order; a row may be taken several times."""
        self.text_BC, self.positions_BC = self.text_BC[rows_B], self.positions_BC[rows_B]
        for layer in range(len(self.keys)):
            self.keys[layer] = self.keys[layer][rows_B]
            self.values[layer] = self.values[layer][rows_B]
