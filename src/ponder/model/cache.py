"""What the rows of a sampler have read: keys and values, each kept once.

A row's text lies in three levels: what all prompts begin with, its prompt, and its own continuation. Rows that go on
from one prompt share it, a place that a row has left is taken by the next, and nothing is ever copied together. Memory
that is asked for but not written yet costs nothing, so rows have room for the longest continuation.

Shapes: B rows, N texts of a level, L positions, C columns of a level, K key-value heads, E head size, D hidden size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ponder.model.allocator import spare, untouched
from ponder.model.attention import attend_levels, masked_attention, within
from ponder.model.config import DecoderConfig
from ponder.model.kernels import Sight, Sights, Stores
from ponder.model.kernels.blocks import Blocks
from ponder.model.language import Room
from ponder.model.matrix import matrices

if TYPE_CHECKING:
    from ponder.model.decoder import Decoder

READ_AT_ONCE = 4096
"""Padded positions of prompts that are read at a time: bounds the memory."""
AMPLE = 1.25
"""Times its size that must lie free before a level takes it from there, such as from what a learner has left."""


class Level:
    """Keys and values `[N,K,C,E]` of every layer."""

    def __init__(self, config: DecoderConfig, texts: int, columns: int, like: Tensor) -> None:
        shape = (texts, config.num_key_value_heads, columns, config.head_dim)

        size = 2 * len(config.windows) * math.prod(shape) * like.dtype.itemsize
        own = like.is_cpu and AMPLE * size > spare()

        def empty() -> Tensor:
            return untouched(shape, like.dtype) if own else like.new_zeros(shape)

        self.keys = [empty() for _ in config.windows]
        self.values = [empty() for _ in config.windows]


class Cache:
    """A `ponder.model.language.Memory` of the decoder."""

    def __init__(self, decoder: Decoder, room: Room) -> None:
        self.decoder, self.room, self.windows = decoder, room, decoder.config.windows
        like = decoder.lm_head.weight
        self.matrices = matrices(decoder)
        for matrix in reversed(self.matrices):  # the head, which stays packed, comes first: it leaves no hole
            matrix.pack()
        self.common = Level(decoder.config, 1, max(1, len(room.prefix)), like)
        self.prompts = Level(decoder.config, room.prompts, room.longest, like)
        self.own = Level(decoder.config, room.rows, room.columns, like)
        levels = self.common, self.prompts, self.own
        self.levels = levels if room.prefix else levels[1:]
        self.stores = [
            Stores([(level.keys[layer], level.values[layer]) for level in self.levels])
            for layer in range(len(self.windows))
        ]
        self.prompt_N = torch.zeros(room.prompts, dtype=torch.long)
        """Columns of each prompt."""
        self.reads_B = torch.zeros(room.rows, dtype=torch.long)
        """Which prompt each row goes on from."""
        self.blocks: Blocks | None = decoder.blocks(self.stores, rows=room.rows)
        if room.prefix:
            self._fill(self.common, torch.tensor([0]), [room.prefix], after=0)

    def close(self) -> None:
        """Give the memory of packed matrices back."""
        self.blocks = None
        for matrix in self.matrices:
            matrix.unpack()

    def read(self, places: Sequence[int], prompts: Sequence[Sequence[int]]) -> Tensor:
        """See `ponder.model.language.Memory`."""
        begun = len(self.room.prefix)
        rests = [prompt[begun:] for prompt in prompts]
        self.prompt_N[list(places)] = torch.tensor([len(rest) for rest in rests])
        at_once = max(1, READ_AT_ONCE // max(map(len, rests)))
        parts = [slice(start, start + at_once) for start in range(0, len(rests), at_once)]
        where_N = torch.tensor(places)
        return torch.cat([self._fill(self.prompts, where_N[part], rests[part], after=begun) for part in parts])

    def seat(self, rows: Sequence[int], places: Sequence[int]) -> None:
        """See `ponder.model.language.Memory`."""
        self.reads_B[list(rows)] = torch.tensor(places)

    def go_on(self, rows_B: Tensor, tokens_B: Tensor, at_B: Tensor) -> Tensor:
        """See `ponder.model.language.Memory`."""
        begun, reads_B = len(self.room.prefix), self.reads_B[rows_B]
        prompt_B = self.prompt_N[reads_B]
        rows_B, tokens_B, at_B, reads_B, prompt_B = self._there(rows_B, tokens_B, at_B, reads_B, prompt_B)
        zeros_B = torch.zeros_like(rows_B)
        seen = [
            Sight(zeros_B, zeros_B + begun, zeros_B),
            Sight(reads_B, prompt_B, zeros_B + begun),
            Sight(rows_B, at_B + 1, begun + prompt_B),
        ]
        positions_B = begun + prompt_B + at_B
        sights = Sights(seen[-len(self.levels) :], positions_B)

        if self.blocks and all(matrix.is_current() for matrix in self.matrices):
            return self.decoder.step(self.blocks, tokens_B, sights)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            q, k, v = (x.flatten(1, 2) for x in (q, k, v))
            return attend_levels(q, (k, v), self.stores[layer], sights, self.windows[layer]).unsqueeze(2)

        return self.decoder.hidden(tokens_B[:, None], positions_B[:, None], attend)[:, 0]

    def _fill(self, level: Level, where_N: Tensor, texts: Sequence[Sequence[int]], *, after: int) -> Tensor:
        """Read texts into a level, `after` columns of the common one; the last hidden state `[N,D]` of each."""
        padded_NL = torch.nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
        size, last_N = padded_NL.shape[1], torch.tensor([len(text) - 1 for text in texts])
        tokens_NL, where_N, last_N, place_C = self._there(padded_NL, where_N, last_N, torch.arange(after + size))
        positions_NL = place_C[after:].expand_as(tokens_NL)
        seen_NC = place_C.expand(len(texts), -1)
        before = (seen_NC[0, None, :] <= positions_NL[0, :, None])[None, None]
        masks = {window: within(before, positions_NL, seen_NC, window) for window in set(self.windows)}

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            level.keys[layer][where_N, :, :size] = k
            level.values[layer][where_N, :, :size] = v
            if after:
                k, v = (
                    torch.cat((kept[layer].expand(len(texts), -1, -1, -1), new), dim=2)
                    for kept, new in ((self.common.keys, k), (self.common.values, v))
                )
            return masked_attention(q, k, v, masks[self.windows[layer]])

        hidden_NLD = self.decoder.hidden(tokens_NL, positions_NL, attend)
        return hidden_NLD[torch.arange(len(texts)), last_N]

    def _there(self, *given: Tensor) -> list[Tensor]:
        """Tensors of whoever keeps count on the CPU, where the decoder computes."""
        return [x.to(self.decoder.device) for x in given]
