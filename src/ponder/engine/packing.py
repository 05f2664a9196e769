"""Lessons as rows: a prompt once, then its branches side by side, none of which sees another.

A group of G rollouts costs the tokens of one prompt instead of G, with the same numbers as G separate rows.
Shapes: R rows, L positions of the longest, N tokens to learn from, S branches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ponder.model.language import Tree
from ponder.types import Branch, Lesson

LIKE = 0.6
"""Share of the longest row's length that the others of a micro-batch have at least."""
PADDING = -1
"""Where the branch of a position begins that holds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Micro:
    """A micro-batch: rows of like length, and where in them each learned token is predicted."""

    tokens_RL: Tensor
    """Token ids, 0 where a row is shorter."""
    positions_RL: Tensor
    """Position in the text: every branch goes on where the prompt ends."""
    tree: Tree
    """Who sees whom."""
    source_N: Tensor
    """Index into the flattened rows of the position that predicts the token."""
    target_N: Tensor
    """The token."""
    branch_N: Tensor
    """Which of the S branches it belongs to, in the order of the lessons given."""
    drawn_N: Tensor
    """Whether the policy drew it; what was put there is read and not learned from."""
    sampled_N: Tensor
    """Its log probability when it was sampled; NaN where there was none."""
    old_N: Tensor
    """Its log probability by the learner when the batch was drawn; NaN where that is now."""
    reference_N: Tensor
    """Its log probability under the reference policy; NaN where there is none."""
    advantage_N: Tensor
    """Advantage of its branch."""
    weight_N: Tensor
    """Its share in the loss of the batch; 0 where it was not drawn."""

    def to(self, device: torch.device) -> Micro:
        """The same there."""
        return Micro(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A lesson, and which branches of the whole batch are its own."""

    lesson: Lesson
    """What is learned."""
    branches: tuple[int, ...]
    """Number of each of its branches in the batch."""


def micro_batches(lessons: Sequence[Lesson], *, tokens: int, shared: bool = True) -> Iterator[Micro]:
    """Longest first, as many rows of like length at a time as `tokens` padded positions hold; at least one.

    A group that is longer by itself is spread over rows that hold the prompt again. Unless prompts can be `shared`,
    every branch gets a row of its own.
    """
    rest = [part for each in place(lessons) for part in parts(each, tokens if shared else 0)]
    rest = sorted(rest, key=lambda each: each.lesson.length, reverse=True)
    while rest:
        longest = max(1, rest[0].lesson.length)
        alike = sum(each.lesson.length >= LIKE * longest for each in rest)
        rows = max(1, min(alike, tokens // longest))
        yield pack(rest[:rows])
        rest = rest[rows:]


def place(lessons: Sequence[Lesson]) -> list[Placed]:
    """Number the branches of a batch."""
    found, first = [], 0
    for lesson in lessons:
        assert lesson.prompt and lesson.branches, "a lesson has a prompt and a branch"
        assert all(branch.tokens for branch in lesson.branches), "a branch has a token"
        found.append(Placed(lesson=lesson, branches=tuple(range(first, first + len(lesson.branches)))))
        first += len(lesson.branches)
    return found


def parts(placed: Placed, tokens: int) -> Iterator[Placed]:
    """The same branches in lessons of at most so many positions each, or of one branch."""
    prompt = len(placed.lesson.prompt)
    taken: list[tuple[Branch, int]] = []
    length = prompt
    for branch, number in zip(placed.lesson.branches, placed.branches, strict=True):
        size = len(branch.tokens) - 1
        if taken and length + size > tokens:
            yield _part(placed, taken)
            taken, length = [], prompt
        taken.append((branch, number))
        length += size
    yield _part(placed, taken)


def _part(placed: Placed, taken: Sequence[tuple[Branch, int]]) -> Placed:
    branches, numbers = zip(*taken, strict=True)
    return Placed(lesson=replace(placed.lesson, branches=branches), branches=numbers)


def pack(placed: Sequence[Placed]) -> Micro:
    """Lay lessons out as the rows of one micro-batch."""
    width = max(each.lesson.length for each in placed)
    tokens = torch.zeros(len(placed), width, dtype=torch.long)
    positions = torch.zeros_like(tokens)
    begin = torch.full_like(tokens, PADDING)
    sources: list[int] = []
    for row, each in enumerate(placed):
        start = len(each.lesson.prompt)
        tokens[row, :start] = torch.tensor(each.lesson.prompt)
        positions[row, :start] = torch.arange(start)
        begin[row, :start] = 0
        at = start
        for branch in each.lesson.branches:
            size = len(branch.tokens) - 1
            tokens[row, at : at + size] = torch.tensor(branch.tokens[:-1])
            positions[row, at : at + size] = start + torch.arange(size)
            begin[row, at : at + size] = at
            sources += [row * width + start - 1, *range(row * width + at, row * width + at + size)]
            at += size
    every = [branch for each in placed for branch in each.lesson.branches]
    sizes = torch.tensor([len(branch.tokens) for branch in every])
    drawn_N = torch.tensor([t not in branch.forced for branch in every for t in range(len(branch.tokens))])
    return Micro(
        tokens_RL=tokens,
        positions_RL=positions,
        tree=Tree(begin, torch.tensor([len(each.lesson.prompt) for each in placed])),
        source_N=torch.tensor(sources),
        target_N=torch.tensor([token for branch in every for token in branch.tokens]),
        branch_N=torch.tensor([n for each in placed for n in each.branches]).repeat_interleave(sizes),
        drawn_N=drawn_N,
        sampled_N=_each(every, [branch.logprobs for branch in every]),
        old_N=_each(every, [branch.old for branch in every]),
        reference_N=_each(every, [branch.reference for branch in every]),
        advantage_N=torch.tensor([branch.advantage for branch in every]).repeat_interleave(sizes),
        weight_N=torch.tensor([branch.weight for branch in every]).repeat_interleave(sizes) * drawn_N,
    )


def _each(branches: Sequence[Branch], values: Sequence[Sequence[float] | None]) -> Tensor:
    """A number for each token `[N]`; NaN where a branch has none."""
    nan = float("nan")
    pairs = zip(branches, values, strict=True)
    return torch.tensor([p for branch, given in pairs for p in given or [nan] * len(branch.tokens)])
