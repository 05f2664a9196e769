"""Lessons as rows: a prompt once, then its branches side by side, none of which sees another.

A group of G rollouts costs the tokens of one prompt instead of G, with the same numbers as G separate rows.
Shapes: R rows, L positions of the longest, N tokens to learn from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ponder.model.decoder import Attend, biased_attention, masked_attention
from ponder.types import Lesson

WRITTEN_OUT = 512
"""Longest rows whose attention is written out; the memory of longer ones would grow too large."""
PADDING = -1
"""Branch number of positions that hold nothing; the prompt is branch 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Micro:
    """A micro-batch: rows of like length, and where in them each learned token is predicted."""

    tokens_RL: Tensor
    """Token ids, 0 where a row is shorter."""
    positions_RL: Tensor
    """Position in the text: every branch goes on where the prompt ends."""
    mask_R1LL: Tensor
    """True where a position may attend: itself, what stands before it in its branch, and the prompt."""
    source_N: Tensor
    """Index into the flattened rows of the position that predicts the token."""
    target_N: Tensor
    """The token."""
    sampled_N: Tensor
    """Its log probability when it was sampled; NaN where there was none."""
    advantage_N: Tensor
    """Advantage of its branch."""
    weight_N: Tensor
    """Its share in the loss of the batch."""

    def attend(self, heads: int, dtype: torch.dtype) -> Attend:
        """How a decoder of that many query heads attends over these rows."""
        if self.tokens_RL.shape[1] > WRITTEN_OUT:
            return lambda layer, q, k, v: masked_attention(q, k, v, self.mask_R1LL)
        bias_R1LL = torch.zeros(self.mask_R1LL.shape, dtype=dtype).masked_fill(~self.mask_R1LL, -torch.inf)
        bias = bias_R1LL.expand(-1, heads, -1, -1).flatten(0, 1)
        return lambda layer, q, k, v: biased_attention(q, k, v, bias)


def micro_batches(lessons: Sequence[Lesson], *, tokens: int) -> Iterator[Micro]:
    """Longest first, as many rows at a time as `tokens` padded positions hold; at least one."""
    rest = sorted(lessons, key=lambda lesson: lesson.length, reverse=True)
    while rest:
        rows = max(1, tokens // max(1, rest[0].length))
        yield pack(rest[:rows])
        rest = rest[rows:]


def pack(lessons: Sequence[Lesson]) -> Micro:
    """Lay lessons out as the rows of one micro-batch."""
    width = max(lesson.length for lesson in lessons)
    tokens = torch.zeros(len(lessons), width, dtype=torch.long)
    positions = torch.zeros_like(tokens)
    branches = torch.full_like(tokens, PADDING)
    sources: list[int] = []
    for row, lesson in enumerate(lessons):
        start = len(lesson.prompt)
        tokens[row, :start] = torch.tensor(lesson.prompt)
        positions[row, :start] = torch.arange(start)
        branches[row, :start] = 0
        at = start
        for number, branch in enumerate(lesson.branches, start=1):
            size = len(branch.tokens) - 1
            tokens[row, at : at + size] = torch.tensor(branch.tokens[:-1])
            positions[row, at : at + size] = start + torch.arange(size)
            branches[row, at : at + size] = number
            sources += [row * width + start - 1, *range(row * width + at, row * width + at + size)]
            at += size
    every = [branch for lesson in lessons for branch in lesson.branches]
    sizes = torch.tensor([len(branch.tokens) for branch in every])
    return Micro(
        tokens_RL=tokens,
        positions_RL=positions,
        mask_R1LL=tree_mask(branches),
        source_N=torch.tensor(sources),
        target_N=torch.tensor([token for branch in every for token in branch.tokens]),
        sampled_N=torch.tensor([p for branch in every for p in branch.logprobs or [float("nan")] * len(branch.tokens)]),
        advantage_N=torch.tensor([branch.advantage for branch in every]).repeat_interleave(sizes),
        weight_N=torch.tensor([branch.weight for branch in every]).repeat_interleave(sizes),
    )


def tree_mask(branches_RL: Tensor) -> Tensor:
    """[R,1,L,L]: earlier positions of the same branch, and of the prompt (branch 0)."""
    size = branches_RL.shape[1]
    before_LL = torch.ones(size, size, dtype=torch.bool).tril()
    same_RLL = branches_RL[:, :, None] == branches_RL[:, None, :]
    prompt_RLL = (branches_RL == 0)[:, None, :]
    return ((same_RLL | prompt_RLL) & before_LL).unsqueeze(1)
