"""What the engine asks of a language model: the decoder of this package, or a foreign one behind the same face.

Shapes: B or R rows, L positions, D hidden size, V vocabulary, N prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a memory must have room for."""

    prefix: tuple[int, ...]
    """What all prompts begin with; it is read at once."""
    prompts: int
    """Most prompts at a time."""
    longest: int
    """Tokens of the longest prompt, the prefix left out."""
    rows: int
    """Most continuations at a time."""
    columns: int
    """Tokens of the longest continuation."""


class Memory(Protocol):
    """What the rows of a sampler have read: prompts, which rows share, and each row's own text."""

    def read(self, places: Sequence[int], prompts: Sequence[Sequence[int]]) -> Tensor:
        """Read whole prompts into these of the places; the hidden state `[N,D]` that predicts what follows each."""
        ...

    def seat(self, rows: Sequence[int], places: Sequence[int]) -> None:
        """Have rows begin anew, each after the prompt in its place."""
        ...

    def go_on(self, rows_B: Tensor, tokens_B: Tensor, at_B: Tensor) -> Tensor:
        """Read one token a row at index `at_B` of its own text, which ends there: hidden states `[B,D]`.

        What stood there and after it is forgotten.
        """
        ...

    def close(self) -> None:
        """Nothing more is read."""
        ...


@dataclass(frozen=True, slots=True)
class Tree:
    """Who sees whom in packed rows: a prompt sees itself, each branch the prompt and itself; all only backwards."""

    begin_RL: Tensor
    """Where the prompt or branch of each position begins in its row; -1 where there is only padding."""
    prompt_R: Tensor
    """Positions of each row's prompt."""

    def to(self, device: torch.device) -> Tree:
        """The same there."""
        return Tree(self.begin_RL.to(device), self.prompt_R.to(device))

    def mask(self) -> Tensor:
        """[R,1,L,L]: true where a position sees another; padding sees itself, so that nothing is divided by zero."""
        size = self.begin_RL.shape[1]
        place_L = torch.arange(size, device=self.begin_RL.device)
        before_LL = place_L[None, :] <= place_L[:, None]
        branch_RLL = self.begin_RL[:, :, None] == self.begin_RL[:, None, :]
        prompt_RLL = (place_L < self.prompt_R[:, None])[:, None, :] & (self.begin_RL >= 0)[:, :, None]
        return ((branch_RLL | prompt_RLL) & before_LL).unsqueeze(1)


class LanguageModel(Protocol):
    """Token ids in, logits out; with weights that a learner changes in place."""

    @property
    def device(self) -> torch.device:
        """Where it computes; `read` and `logits` take tensors that lie there, a memory takes and keeps its own."""
        ...

    @property
    def context(self) -> int:
        """Longest text, in tokens."""
        ...

    @property
    def shares_prompts(self) -> bool:
        """Whether `read` takes rows in which several continuations of one prompt stand side by side.

        It is also whether a row can begin while others go on without all being read anew.
        """
        ...

    def memory(self, room: Room) -> Memory:
        """A memory that has read the prefix and nothing else."""
        ...

    def read(self, tokens_RL: Tensor, positions_RL: Tensor, tree: Tree) -> Tensor:
        """Hidden states `[R,L,D]` of packed rows, with gradient."""
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """[...,D] -> [...,V]."""
        ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Every weight by name; only those that require a gradient are learned."""
        ...
