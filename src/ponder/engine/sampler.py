"""The local sampler: many continuations at once from one static key-value cache.

A prompt is computed once and its cache shared out to its rows; rows that have ended are handed over at once and
leave the batch when enough of them have. Shapes: B rows, T tokens, D hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ponder.engine.cache import prefill
from ponder.engine.draw import draw, uniforms
from ponder.model.decoder import Decoder
from ponder.types import PonderError, Sample, SamplingParams

SHRINK_AT = 0.75
"""The batch is made smaller when this share of its rows, or less, is still being written."""


class Batch:
    """Rows being written together: what they are, their cache and where each of them stands."""

    def __init__(self, rows: list[tuple[int, int]], uniforms_BT: Tensor) -> None:
        self.rows = rows
        self.uniforms_BT = uniforms_BT
        self.tokens_BT = torch.zeros(uniforms_BT.shape, dtype=torch.long)
        self.logprobs_BT = torch.zeros(uniforms_BT.shape)
        self.open_B = torch.ones(len(rows), dtype=torch.bool)
        self.length = 0

    def prefill(self, decoder: Decoder, prompts: Sequence[Sequence[int]]) -> None:
        """Compute each prompt once, then give every row its copy."""
        wanted = sorted({prompt for prompt, _ in self.rows})
        chosen = [prompts[index] for index in wanted]
        self.width = max(map(len, chosen))
        self.cache, hidden_ND = prefill(decoder, chosen, columns=self.width + self.uniforms_BT.shape[1])
        place = {prompt: n for n, prompt in enumerate(wanted)}
        owner_B = torch.tensor([place[prompt] for prompt, _ in self.rows])
        self.cache.take(owner_B)
        self.hidden_BD = hidden_ND[owner_B]
        self.starts_B = torch.tensor([len(prompt) for prompt in chosen])[owner_B]

    def write(self, decoder: Decoder, temperature: float) -> None:
        """Draw the next token of every row."""
        at = self.length
        tokens_B, logprobs_B = draw(decoder.logits(self.hidden_BD), temperature, self.uniforms_BT[:, at])
        self.tokens_BT[:, at], self.logprobs_BT[:, at] = tokens_B, logprobs_B
        self.length += 1

    def finished(self, stop_S: Tensor) -> Iterator[Sample]:
        """Rows that ended with the last token, or have no room for another."""
        ended_B = torch.isin(self.tokens_BT[:, self.length - 1], stop_S)
        full = self.length == self.tokens_BT.shape[1]
        for row in (self.open_B & (ended_B | full)).nonzero()[:, 0].tolist():
            self.open_B[row] = False
            prompt, sample = self.rows[row]
            tokens = tuple(self.tokens_BT[row, : self.length].tolist())
            logprobs = tuple(self.logprobs_BT[row, : self.length].tolist())
            yield Sample(prompt=prompt, sample=sample, tokens=tokens, logprobs=logprobs, ended=bool(ended_B[row]))

    def advance(self, decoder: Decoder) -> None:
        """Feed the last tokens in, without the rows that have ended when they are many."""
        if self.open_B.sum() <= SHRINK_AT * len(self.rows):
            self._keep(self.open_B.nonzero()[:, 0])
        at = self.length - 1
        tokens_B1, positions_B1 = self.tokens_BT[:, at : at + 1], (self.starts_B + at)[:, None]
        text_B1 = torch.ones_like(tokens_B1, dtype=torch.bool)
        hidden = self.cache.extend(decoder, tokens_B1, positions_B1, at=self.width + at, text_BL=text_B1)
        self.hidden_BD = hidden[:, 0]

    def _keep(self, kept_B: Tensor) -> None:
        self.cache.take(kept_B)
        self.rows = [self.rows[row] for row in kept_B.tolist()]
        self.uniforms_BT, self.starts_B, self.open_B = (
            self.uniforms_BT[kept_B],
            self.starts_B[kept_B],
            self.open_B[kept_B],
        )
        self.tokens_BT, self.logprobs_BT = self.tokens_BT[kept_B], self.logprobs_BT[kept_B]


class LocalSampler:
    """Samples from a decoder in this process; a `ponder.types.Sampler`."""

    def __init__(self, decoder: Decoder, *, stop: Sequence[int], rows: int = 256) -> None:
        """`stop`: token ids that end a completion; `rows`: most continuations written together."""
        self.decoder, self.rows = decoder, rows
        self.stop_S = torch.tensor(sorted(stop))

    def refit(self, weights: Mapping[str, Tensor], version: int) -> None:
        """Copy `weights` in; those that the decoder shares with the learner are in place already."""
        own = dict(self.decoder.named_parameters())
        with torch.no_grad():
            for name, weight in weights.items():
                if own[name].data_ptr() != weight.data_ptr():
                    own[name].copy_(weight)

    def sample(
        self, prompts: Sequence[Sequence[int]], params: SamplingParams, streams: Sequence[Sequence[str]]
    ) -> Iterator[Sample]:
        """See `ponder.types.Sampler`. Equal streams draw equal text in fp32 or for an equal batch."""
        for prompt in prompts:
            self._check(prompt, params)
        order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
        rows = [(i, g) for i in order for g in range(len(streams[i]))]
        for start in range(0, len(rows), self.rows):
            part = rows[start : start + self.rows]
            batch = Batch(part, torch.stack([uniforms(streams[i][g], params.max_tokens) for i, g in part]))
            yield from self._write(batch, prompts, params.temperature)

    def _check(self, prompt: Sequence[int], params: SamplingParams) -> None:
        limit = self.decoder.config.max_position_embeddings
        if len(prompt) + params.max_tokens > limit:
            raise PonderError(
                f"prompt of {len(prompt)} tokens with max_tokens = {params.max_tokens}: the model's context is {limit} "
                "tokens; shorten the prompt or lower max_tokens"
            )

    @torch.no_grad()
    def _write(self, batch: Batch, prompts: Sequence[Sequence[int]], temperature: float) -> Iterator[Sample]:
        batch.prefill(self.decoder, prompts)
        while True:
            batch.write(self.decoder, temperature)
            yield from batch.finished(self.stop_S)
            if not batch.open_B.any():
                return
            batch.advance(self.decoder)
