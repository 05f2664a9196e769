from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ponder.engine.prefill import prefill, shared_prefix
from ponder.model.attention import causal
from ponder.model.cache import Cache
from ponder.model.checkpoint import load_decoder


@pytest.mark.parametrize(
    ("prompts", "shared"),
    [
        ([(1, 2, 3), (1, 2, 4)], 2),
        ([(1, 2, 3), (1, 2, 3)], 2),
        ([(1, 2, 3)], 2),
        ([(1, 2), (1, 2, 3)], 1),
        ([(1, 2, 3, 9), (1, 2, 5, 9), (1, 4, 3, 9)], 1),
        ([(1, 2), (3, 2)], 0),
        ([(7,), (7, 8)], 0),
    ],
)
def test_the_shared_prefix_leaves_each_prompt_a_token(prompts: list[tuple[int, ...]], shared: int):
    assert shared_prefix(prompts) == shared == shared_prefix(prompts[::-1])


@pytest.mark.parametrize(
    "prompts",
    [[(1, 2, 3, 4), (1, 2, 9), (1, 2, 3)], [(5,), (6, 7, 8)], [(1, 2, 3)] * 2],
    ids=["shared beginning", "nothing shared", "equal"],
)
@torch.no_grad()
def test_prefill_gives_what_each_prompt_alone_gives(tiny: Path, prompts: list[tuple[int, ...]]):
    decoder = load_decoder(tiny, dtype=torch.float32)
    cache, hidden_ND = prefill(decoder, prompts, columns=8)
    width = max(map(len, prompts))
    assert isinstance(cache, Cache)
    assert cache.text_BC.int().tolist() == [[1] * len(p) + [0] * (8 - len(p)) for p in prompts]
    for row, prompt in enumerate(prompts):
        ids = torch.tensor([prompt])
        alone = decoder.hidden(ids, torch.arange(len(prompt))[None], causal)
        torch.testing.assert_close(hidden_ND[row], alone[0, -1], atol=1e-5, rtol=0)
    next_N = torch.full((len(prompts), 1), 42)
    positions = torch.tensor([[len(p)] for p in prompts])
    hidden = cache.extend(next_N, positions, at=width, text_BL=torch.ones_like(next_N).bool())
    for row, prompt in enumerate(prompts):
        alone = decoder.hidden(torch.tensor([[*prompt, 42]]), torch.arange(len(prompt) + 1)[None], causal)
        torch.testing.assert_close(hidden[row, 0], alone[0, -1], atol=1e-5, rtol=0)
