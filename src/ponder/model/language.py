"""What the engine asks of a language model: the decoder of this package, or a foreign one behind the same face.

Shapes: B or R rows, L positions, D hidden size, V vocabulary, C columns of a memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor, nn


class Memory(Protocol):
    """What the rows of a batch have read so far."""

    def extend(self, tokens_BL: Tensor, positions_BL: Tensor, *, at: int, text_BL: Tensor) -> Tensor:
        """Read `tokens_BL` into columns `at` to `at + L - 1`; returns their hidden states `[B,L,D]`.

        `text_BL` is false where a row has padding, which nobody sees.
        """
        ...

    def forget(self, row: int, columns: slice) -> None:
        """Take back what a row has read in these columns: nothing that follows sees it."""
        ...

    def take(self, rows_B: Tensor) -> None:
        """Keep these rows in this order; a row may be taken several times."""
        ...


class LanguageModel(Protocol):
    """Token ids in, logits out; with weights that a learner changes in place."""

    @property
    def context(self) -> int:
        """Longest text, in tokens."""
        ...

    @property
    def shares_prompts(self) -> bool:
        """Whether `read` takes rows in which several continuations of one prompt stand side by side."""
        ...

    def cache(self, columns: int) -> Memory:
        """An empty memory of one row with room for that many tokens."""
        ...

    def read(self, tokens_RL: Tensor, positions_RL: Tensor, mask_R1LL: Tensor) -> Tensor:
        """Hidden states `[R,L,D]`, with gradient; a position sees those where `mask_R1LL` is true."""
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """[...,D] -> [...,V]."""
        ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Every weight by name; only those that require a gradient are learned."""
        ...
