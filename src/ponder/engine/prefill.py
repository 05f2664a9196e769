"""How prompts get into a cache.

Shapes: N prompts, L positions, D hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ponder.model.language import LanguageModel, Memory


def prefill(model: LanguageModel, prompts: Sequence[Sequence[int]], *, columns: int) -> tuple[Memory, Tensor]:
    """A cache with a row a prompt, left-aligned, and the hidden state `[N,D]` that predicts what follows each.

    What all prompts begin with (a system message, solved examples) is computed once.
    """
    shared = shared_prefix(prompts)
    cache = model.cache(columns)
    if shared:
        tokens_1L = torch.tensor([prompts[0][:shared]])
        cache.extend(tokens_1L, torch.arange(shared)[None], at=0, text_BL=torch.ones_like(tokens_1L).bool())
    cache.take(torch.zeros(len(prompts), dtype=torch.long))
    rests = [torch.tensor(prompt[shared:]) for prompt in prompts]
    tokens_NL = torch.nn.utils.rnn.pad_sequence(rests, batch_first=True)
    lengths_N = torch.tensor([len(rest) for rest in rests])
    steps_L = torch.arange(tokens_NL.shape[1])
    text_NL = steps_L[None, :] < lengths_N[:, None]
    positions_NL = (shared + steps_L).expand_as(tokens_NL)
    hidden_NLD = cache.extend(tokens_NL, positions_NL, at=shared, text_BL=text_NL)
    return cache, hidden_NLD[torch.arange(len(prompts)), lengths_N - 1]


def shared_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Number of tokens that all prompts begin with, at least one left to each."""
    first, last = min(map(tuple, prompts)), max(map(tuple, prompts))
    limit = min(len(prompt) for prompt in prompts) - 1
    return next((i for i in range(limit) if first[i] != last[i]), limit)
