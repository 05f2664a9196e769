"""The local sampler: many continuations at once, each row taken by the next as soon as it is free.

A prompt is read once and its rows share what was read; rows that have ended are handed over at once.
Shapes: R rows there are, B rows being written, T steps of writing, S stop tokens, D hidden size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

import torch
from torch import Tensor

from ponder.engine.draw import draw, uniforms
from ponder.engine.guide import Advice, Guide
from ponder.engine.seats import Row, Seats
from ponder.model.allocator import tidy
from ponder.model.language import LanguageModel, Memory, Room
from ponder.model.thinking import Decode
from ponder.types import PonderError, Sample, SamplingParams

Heard = Callable[[Mapping[tuple[int, int], tuple[int, ...]]], None]
"""Is told the token ids that stand there so far, by the index of a prompt and of its sample."""
TAKEN_BACK = 1.0
"""Tokens that a row with thinking limits can take back before it is cut, as a share of those it may keep."""


class Batch:
    """Rows being written together: what they have written and where each of them stands, kept on the CPU."""

    def __init__(self, seats: Seats, prompts: Sequence[Sequence[int]], rows: int, params: SamplingParams) -> None:
        self.seats, self.prompts, self.params = seats, prompts, params
        self.steps = params.max_tokens + (int(TAKEN_BACK * params.max_tokens) if params.thinking else 0)
        self.uniforms_RT = torch.zeros(rows, self.steps)
        self.tokens_RT = torch.zeros(rows, params.max_tokens, dtype=torch.long)
        self.logprobs_RT = torch.zeros(rows, params.max_tokens)
        self.length_R = torch.zeros(rows, dtype=torch.long)
        """Tokens that each row keeps."""
        self.drawn_R = torch.zeros(rows, dtype=torch.long)
        """Steps that each row has been written for."""
        self.rows_B = torch.zeros(0, dtype=torch.long)
        self.hidden: dict[int, Tensor] = {}
        """What predicts the token after each prompt in use `[D]`."""

    def admit(self, memory: Memory, streams: Sequence[Sequence[str]]) -> None:
        """Let those that wait take the free rows, and read their prompts."""
        begun, new = self.seats.admit()
        if not begun:
            return
        place = self.seats.place
        if new:
            read_ND = memory.read([place[prompt] for prompt in new], [self.prompts[prompt] for prompt in new])
            self.hidden |= dict(zip(new, read_ND, strict=True))
        rows = [self.seats.rows[number] for number in begun]
        memory.seat(begun, [place[row.prompt] for row in rows])
        self.uniforms_RT[begun] = torch.stack([uniforms(streams[r.prompt][r.sample], self.steps) for r in rows])
        self.length_R[begun] = self.drawn_R[begun] = 0

    def gather(self, memory: Memory) -> Tensor:
        """Feed the last tokens in; the hidden states `[B,D]` that predict the next ones."""
        numbers = sorted(self.seats.rows)
        self.rows_B = torch.tensor(numbers)
        length_B = self.length_R[self.rows_B]
        going = length_B > 0
        read_BD = torch.empty(0)
        if going.any():
            rows_B, at_B = self.rows_B[going], length_B[going] - 1
            read_BD = memory.go_on(rows_B, self.tokens_RT[rows_B, at_B], at_B)
            if going.all():
                return read_BD
        fresh = [self.hidden[self.seats.rows[number].prompt] for number in self.rows_B[~going].tolist()]
        hidden_BD = fresh[0].new_empty(len(numbers), fresh[0].shape[-1])
        hidden_BD[~going] = torch.stack(fresh)
        if len(read_BD):
            hidden_BD[going] = read_BD
        return hidden_BD

    def write(self, logits_BV: Tensor) -> None:
        """Draw the next token of every row, or put there what waits."""
        put = [self._waiting(number) for number in self.rows_B.tolist()]
        at_B, uniforms_B = self.length_R[self.rows_B], self.uniforms_RT[self.rows_B, self.drawn_R[self.rows_B]]
        there = logits_BV.device
        tokens_B, logprobs_B = draw(logits_BV, self.params, uniforms_B.to(there), torch.tensor(put, device=there))
        self.tokens_RT[self.rows_B, at_B] = tokens_B.cpu()
        self.logprobs_RT[self.rows_B, at_B] = logprobs_B.cpu()
        self.length_R[self.rows_B] += 1
        self.drawn_R[self.rows_B] += 1

    def written(self) -> dict[tuple[int, int], tuple[int, ...]]:
        """Token ids so far of each row, by the index of its prompt and of its sample."""
        return {
            (row.prompt, row.sample): tuple(self.tokens_RT[number, : int(self.length_R[number])].tolist())
            for number, row in self.seats.rows.items()
        }

    def finished(self, stop_S: Tensor) -> Iterator[Sample]:
        """Rows that ended with the last token, or have no room for another; the others follow their guides."""
        length_B = self.length_R[self.rows_B]
        tokens_B = self.tokens_RT[self.rows_B, length_B - 1]
        ends_B = torch.isin(tokens_B, stop_S)
        guided = bool(self.params.stop) or self.params.thinking is not None
        full_B = length_B >= self.params.max_tokens
        look_B = torch.ones_like(ends_B) if guided else ends_B | full_B
        for b in look_B.nonzero()[:, 0].tolist():
            number, ends = int(self.rows_B[b]), bool(ends_B[b])
            row = self.seats.rows[number]
            if row.guide:
                drawn = int(length_B[b]) - 1 not in row.forced
                advice = row.guide.hear(int(tokens_B[b]), ends=ends, drawn=drawn)
                self._follow(number, row, advice)
                ends = bool(advice.stop) or (ends and not advice.take_back)
            if ends or self.length_R[number] == self.params.max_tokens or self.drawn_R[number] == self.steps:
                yield self._sample(number, row, ended=ends)
                self._leave(number, row)

    def _waiting(self, number: int) -> int:
        """The token that is put there next, noted as forced; -1 where one is to be drawn."""
        row = self.seats.rows[number]
        if not row.waiting:
            return -1
        row.forced.add(int(self.length_R[number]))
        return row.waiting.popleft()

    def _follow(self, number: int, row: Row, advice: Advice) -> None:
        row.stop = advice.stop
        row.waiting += advice.put
        if advice.take_back:
            self.length_R[number] -= advice.take_back
            row.forced = {place for place in row.forced if place < self.length_R[number]}

    def _leave(self, number: int, row: Row) -> None:
        self.seats.leave(number)
        if row.prompt not in self.seats.place:
            del self.hidden[row.prompt]

    def _sample(self, number: int, row: Row, *, ended: bool) -> Sample:
        length = int(self.length_R[number])
        return Sample(
            prompt=row.prompt,
            sample=row.sample,
            tokens=tuple(self.tokens_RT[number, :length].tolist()),
            logprobs=tuple(self.logprobs_RT[number, :length].tolist()),
            ended=ended,
            stop=row.stop,
            forced=tuple(sorted(row.forced)),
        )


class LocalSampler:
    """Samples from a model in this process; a `ponder.types.Sampler`."""

    def __init__(
        self, model: LanguageModel, *, stop: Sequence[int], rows: int = 256, decode: Decode | None = None
    ) -> None:
        """`stop`: token ids that end a completion; `rows`: most continuations written together.

        `decode` (ids to text, marks included) is needed for stop texts and thinking limits. `heard`, where it is set,
        is told after each step what is being written.
        """
        self.model, self.rows, self.decode = model, rows, decode
        self.heard: Heard | None = None
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
        pending = [self._row(i, g, params) for i in order for g in range(len(streams[i]))]
        if pending:
            yield from self._write(pending, prompts, params, streams)

    def _row(self, prompt: int, sample: int, params: SamplingParams) -> Row:
        if not params.stop and params.thinking is None:
            return Row(prompt=prompt, sample=sample, guide=None)
        assert self.decode, "stop texts and thinking limits are found in the text: give the sampler `decode`"
        guide = Guide(params, self.decode)
        return Row(prompt=prompt, sample=sample, guide=guide, waiting=deque(guide.begin().put))

    def _check(self, prompt: Sequence[int], params: SamplingParams) -> None:
        assert prompt, "a prompt has a token"
        limit = self.model.context
        if len(prompt) + params.max_tokens > limit:
            raise PonderError(
                f"prompt of {len(prompt)} tokens with max_tokens = {params.max_tokens}: the model's context is {limit} "
                "tokens; shorten the prompt or lower max_tokens"
            )

    @torch.no_grad()
    def _write(
        self,
        pending: list[Row],
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        streams: Sequence[Sequence[str]],
    ) -> Iterator[Sample]:
        rows = min(self.rows, len(pending))
        seats = Seats(pending, rows, refill=self.model.shares_prompts)
        batch = Batch(seats, prompts, rows, params)
        with closing(self.model.memory(room_for([prompts[i] for i in seats.left], rows, params))) as memory:
            while seats.pending or seats.rows:
                batch.admit(memory, streams)
                batch.write(self.model.logits(batch.gather(memory)))
                if self.heard:
                    self.heard(batch.written())
                yield from batch.finished(self.stop_S)
        tidy()


def room_for(prompts: Sequence[Sequence[int]], rows: int, params: SamplingParams) -> Room:
    """What a memory must hold while these prompts are gone on from."""
    shared = shared_prefix(prompts)
    return Room(
        prefix=tuple(prompts[0][:shared]),
        prompts=min(rows, len(prompts)),
        longest=max(map(len, prompts)) - shared,
        rows=rows,
        columns=params.max_tokens,
    )


def shared_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Number of tokens that all prompts begin with, at least one left to each."""
    first, last = min(map(tuple, prompts)), max(map(tuple, prompts))
    limit = min(len(prompt) for prompt in prompts) - 1
    return next((i for i in range(limit) if first[i] != last[i]), limit)


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
