"""The local sampler: many continuations at once from one static key-value cache.

A prompt is computed once and its cache shared out to its rows; rows that have ended are handed over at once and
leave the batch when enough of them have. Shapes: B rows, T steps of writing, S stop tokens, D hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ponder.engine.draw import draw, uniforms
from ponder.engine.guide import Advice, Guide
from ponder.engine.prefill import prefill
from ponder.model.language import LanguageModel
from ponder.model.thinking import Decode
from ponder.types import PonderError, Sample, SamplingParams

SHRINK_AT = 0.75
"""The batch is made smaller when this share of its rows, or less, is still being written."""
TAKEN_BACK = 1.0
"""Tokens that a row with thinking limits can take back before it is cut, as a share of those it may keep."""


@dataclass(slots=True)
class Row:
    """One continuation being written."""

    prompt: int
    """Index into the prompts asked for."""
    sample: int
    """Index into that prompt's streams."""
    guide: Guide | None
    """Who watches it; None where there is nothing to watch for."""
    kept: list[int] = field(default_factory=list)
    """Step at which each token was written, without those taken back."""
    forced: set[int] = field(default_factory=set)
    """Steps at which a token was put there."""
    waiting: list[int] = field(default_factory=list)
    """Tokens to be put there next."""
    last: tuple[int, int] = (0, 0)
    """The prompt's last token, and the column of the cache that holds it."""
    stop: str = ""
    """The stop text that ended it."""


class Batch:
    """Rows being written together: what they are, their cache and where each of them stands."""

    def __init__(self, rows: list[Row], uniforms_BT: Tensor, params: SamplingParams) -> None:
        self.rows, self.params = rows, params
        self.guided = any(row.guide for row in rows)
        self.uniforms_BT = uniforms_BT
        self.tokens_BT = torch.zeros(uniforms_BT.shape, dtype=torch.long)
        self.logprobs_BT = torch.zeros(uniforms_BT.shape)
        self.open_B = torch.ones(len(rows), dtype=torch.bool)
        self.length = 0

    def prefill(self, model: LanguageModel, prompts: Sequence[Sequence[int]]) -> None:
        """Compute each prompt once, then give every row its copy."""
        wanted = sorted({row.prompt for row in self.rows})
        chosen = [prompts[index] for index in wanted]
        self.width = max(map(len, chosen))
        self.cache, hidden_ND = prefill(model, chosen, columns=self.width + self.uniforms_BT.shape[1])
        place = {prompt: n for n, prompt in enumerate(wanted)}
        owner_B = torch.tensor([place[row.prompt] for row in self.rows])
        self.cache.take(owner_B)
        self.hidden_BD = hidden_ND[owner_B]
        self.starts_B = torch.tensor([len(prompt) for prompt in chosen])[owner_B]
        for row in self.rows:
            row.last = prompts[row.prompt][-1], len(prompts[row.prompt]) - 1

    def write(self, model: LanguageModel) -> None:
        """Draw the next token of every row, or put there what waits."""
        at = self.length
        put = [row.waiting.pop(0) if row.waiting else -1 for row in self.rows]
        drawn = draw(model.logits(self.hidden_BD), self.params, self.uniforms_BT[:, at], torch.tensor(put))
        self.tokens_BT[:, at], self.logprobs_BT[:, at] = drawn
        self.length += 1
        for row, token in zip(self.rows, put, strict=True):
            row.kept.append(at)
            if token >= 0:
                row.forced.add(at)

    def finished(self, stop_S: Tensor) -> Iterator[Sample]:
        """Rows that ended with the last token, or have no room for another; the others follow their guides."""
        at = self.length - 1
        ends_B = torch.isin(self.tokens_BT[:, at], stop_S)
        full = self.length >= self.params.max_tokens
        for b in (self.open_B & (ends_B | full | self.guided)).nonzero()[:, 0].tolist():
            row, ends = self.rows[b], bool(ends_B[b])
            if row.guide:
                drawn = at not in row.forced
                advice = row.guide.hear(int(self.tokens_BT[b, at]), ends=ends, drawn=drawn)
                self._follow(b, advice)
                ends = bool(advice.stop) or (ends and not advice.take_back)
            if ends or len(row.kept) == self.params.max_tokens or self.length == self.tokens_BT.shape[1]:
                self.open_B[b] = False
                yield self._sample(b, ended=ends)

    def advance(self) -> None:
        """Feed the last tokens in, without the rows that have ended when they are many."""
        if self.open_B.sum() <= SHRINK_AT * len(self.rows):
            self._keep(self.open_B.nonzero()[:, 0])
        at = self.length - 1
        positions_B = self.starts_B + torch.tensor([len(row.kept) for row in self.rows]) - 1
        text_B1 = torch.ones(len(self.rows), 1, dtype=torch.bool)
        hidden = self.cache.extend(
            self.tokens_BT[:, at : at + 1], positions_B[:, None], at=self.width + at, text_BL=text_B1
        )
        self.hidden_BD = hidden[:, 0]

    def _follow(self, b: int, advice: Advice) -> None:
        row = self.rows[b]
        row.stop = advice.stop
        row.waiting += advice.put
        for _ in range(advice.take_back):
            step = row.kept.pop()
            row.forced.discard(step)
            self.cache.forget(b, slice(self.width + step, self.width + step + 1))
        if advice.take_back:
            self._read_again(b)

    def _read_again(self, b: int) -> None:
        """Have the last token that was not taken back read once more, in the newest column: it predicts the next."""
        row, at = self.rows[b], self.length - 1
        if row.kept:
            step = row.kept.pop()
            row.kept.append(at)
            if step in row.forced:
                row.forced ^= {step, at}
            self.tokens_BT[b, at], self.logprobs_BT[b, at] = self.tokens_BT[b, step], self.logprobs_BT[b, step]
            column = self.width + step
        else:
            self.tokens_BT[b, at], column = row.last
            row.last = row.last[0], self.width + at
        self.cache.forget(b, slice(column, column + 1))

    def _sample(self, b: int, *, ended: bool) -> Sample:
        row = self.rows[b]
        return Sample(
            prompt=row.prompt,
            sample=row.sample,
            tokens=tuple(self.tokens_BT[b, row.kept].tolist()),
            logprobs=tuple(self.logprobs_BT[b, row.kept].tolist()),
            ended=ended,
            stop=row.stop,
            forced=tuple(place for place, step in enumerate(row.kept) if step in row.forced),
        )

    def _keep(self, kept_B: Tensor) -> None:
        self.cache.take(kept_B)
        self.rows = [self.rows[b] for b in kept_B.tolist()]
        self.uniforms_BT, self.starts_B, self.open_B = (
            self.uniforms_BT[kept_B],
            self.starts_B[kept_B],
            self.open_B[kept_B],
        )
        self.tokens_BT, self.logprobs_BT = self.tokens_BT[kept_B], self.logprobs_BT[kept_B]


class LocalSampler:
    """Samples from a model in this process; a `ponder.types.Sampler`."""

    def __init__(
        self, model: LanguageModel, *, stop: Sequence[int], rows: int = 256, decode: Decode | None = None
    ) -> None:
        """`stop`: token ids that end a completion; `rows`: most continuations written together.

        `decode` (ids to text, marks included) is needed for stop texts and thinking limits.
        """
        self.model, self.rows, self.decode = model, rows, decode
        self.stop_S = torch.tensor(sorted(stop))
        self.version = 0

    def refit(self, weights: Mapping[str, Tensor], version: int) -> None:
        """Copy `weights` in; those that the model shares with the learner are in place already."""
        own = dict(self.model.named_parameters())
        assert weights.keys() <= own.keys(), "weights to refit are those of the model"
        self.version = version
        with torch.no_grad():
            for name, weight in weights.items():
                if own[name].data_ptr() != weight.data_ptr():
                    own[name].copy_(weight)

    def sample(
        self, prompts: Sequence[Sequence[int]], params: SamplingParams, streams: Sequence[Sequence[str]]
    ) -> Iterator[Sample]:
        """See `ponder.types.Sampler`. Equal streams draw equal text in fp32 or for an equal batch.

        Thinking is counted in whole tokens: where a token holds a part of a mark and of the thinking, it counts as
        thinking, and is taken back as a whole. A row that took back as many tokens as it may keep is cut.
        """
        check_params(params)
        for prompt in prompts:
            self._check(prompt, params)
        order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
        places = [(i, g) for i in order for g in range(len(streams[i]))]
        steps = params.max_tokens + (int(TAKEN_BACK * params.max_tokens) if params.thinking else 0)
        for start in range(0, len(places), self.rows):
            part = places[start : start + self.rows]
            rows = [self._row(i, g, params) for i, g in part]
            batch = Batch(rows, torch.stack([uniforms(streams[i][g], steps) for i, g in part]), params)
            yield from self._write(batch, prompts)

    def _row(self, prompt: int, sample: int, params: SamplingParams) -> Row:
        if not params.stop and params.thinking is None:
            return Row(prompt=prompt, sample=sample, guide=None)
        assert self.decode, "stop texts and thinking limits are found in the text: give the sampler `decode`"
        guide = Guide(params, self.decode)
        return Row(prompt=prompt, sample=sample, guide=guide, waiting=list(guide.begin().put))

    def _check(self, prompt: Sequence[int], params: SamplingParams) -> None:
        assert prompt, "a prompt has a token"
        limit = self.model.context
        if len(prompt) + params.max_tokens > limit:
            raise PonderError(
                f"prompt of {len(prompt)} tokens with max_tokens = {params.max_tokens}: the model's context is {limit} "
                "tokens; shorten the prompt or lower max_tokens"
            )

    @torch.no_grad()
    def _write(self, batch: Batch, prompts: Sequence[Sequence[int]]) -> Iterator[Sample]:
        batch.prefill(self.model, prompts)
        while True:
            batch.write(self.model)
            yield from batch.finished(self.stop_S)
            if not batch.open_B.any():
                return
            batch.advance()


def check_params(params: SamplingParams) -> None:
    """Raise PonderError for what nothing can be drawn with."""
    limits = params.thinking
    least, most = (limits.at_least, limits.at_most) if limits else (0, None)
    mistakes = {
        f"max_tokens = {params.max_tokens}: must be at least 1": params.max_tokens < 1,
        f"temperature = {params.temperature:g}: must be 0 or more": not params.temperature >= 0,
        f"top_p = {params.top_p:g}: must be above 0 and at most 1": not 0 < params.top_p <= 1,
        f"min_p = {params.min_p:g}: must lie in [0, 1]": not 0 <= params.min_p <= 1,
        "stop: a stop text must not be empty": "" in params.stop,
        f"think_at_least = {least}: must be 0 or more": least < 0,
        f"think_at_most = {most}: must be at least think_at_least = {least}": most is not None and most < least,
    }
    for mistake, made in mistakes.items():
        if made:
            raise PonderError(mistake)
    assert most is None or (limits and limits.closing), "closing the block for the policy needs the ids of its mark"
    assert not least or (limits and limits.resume), "thinking on needs something to put in place of the mark"
