from __future__ import annotations

from pathlib import Path

import torch

from ponder.model.attention import causal
from ponder.model.cache import Cache
from ponder.model.checkpoint import load_decoder
from ponder.model.decoder import Decoder


def filled(decoder: Decoder, rows: list[list[int]]) -> Cache:
    """A cache of four columns that has read these rows of equal length."""
    tokens_BL = torch.tensor(rows)
    cache = decoder.cache(4)
    cache.take(torch.zeros(len(rows), dtype=torch.long))
    positions_BL = torch.arange(tokens_BL.shape[1]).expand_as(tokens_BL)
    cache.extend(tokens_BL, positions_BL, at=0, text_BL=torch.ones_like(tokens_BL).bool())
    return cache


@torch.no_grad()
def test_take_reorders_repeats_and_drops_rows(tiny: Path):
    cache = filled(load_decoder(tiny, dtype=torch.float32), [[1, 2], [3, 4], [5, 6]])
    cache.forget(2, slice(1, 2))
    keys = cache.keys[1].clone()
    cache.take(torch.tensor([2, 0, 0]))
    assert torch.equal(cache.keys[1], keys[[2, 0, 0]])
    assert cache.text_BC.sum(-1).tolist() == [1, 2, 2]


@torch.no_grad()
def test_what_is_forgotten_was_never_read(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.float32)
    cache = filled(decoder, [[1, 2, 200], [3, 4, 5]])
    cache.forget(0, slice(2, 3))
    following, at = torch.tensor([[7], [7]]), torch.tensor([[2], [3]])
    hidden_BLD = cache.extend(following, at, at=3, text_BL=torch.ones(2, 1).bool())
    for row, text in enumerate(([1, 2, 7], [3, 4, 5, 7])):
        alone = decoder.hidden(torch.tensor([text]), torch.arange(len(text))[None], causal)
        torch.testing.assert_close(hidden_BLD[row, 0], alone[0, -1], atol=1e-5, rtol=0)


def test_a_new_cache_is_one_empty_row_of_every_layer(tiny: Path):
    cache = Cache(load_decoder(tiny, dtype=torch.bfloat16), 5)
    assert {tuple(x.shape) for x in (*cache.keys, *cache.values)} == {(1, 2, 5, 8)}
    assert len(cache.keys) == len(cache.values) == 2 and cache.keys[0].dtype == torch.bfloat16
    assert not cache.text_BC.any()
