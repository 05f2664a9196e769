from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from ponder.model import cache
from ponder.model.allocator import untouched
from ponder.model.attention import causal
from ponder.model.cache import Cache
from ponder.model.checkpoint import load_decoder
from ponder.model.foreign import Foreign
from ponder.model.language import LanguageModel, Memory, Room
from ponder.model.matrix import matrices

PROMPTS = [(1, 2, 3, 4), (1, 2, 9), (1, 2, 3)]


def room(**changes: int) -> Room:
    return Room(**{"prefix": (1, 2), "prompts": 3, "longest": 2, "rows": 5, "columns": 6} | changes)  # pyright: ignore[reportArgumentType]


@pytest.fixture(params=["decoder", "foreign"])
def model(request: pytest.FixtureRequest, tiny: Path) -> LanguageModel:
    if request.param == "decoder":
        return load_decoder(tiny, dtype=torch.float32)
    return Foreign.load(tiny, dtype=torch.float32, reason="asked for")


@torch.no_grad()
def assert_predicts(model: LanguageModel, tiny: Path, hidden_D: torch.Tensor, text: Sequence[int]) -> None:
    """That this is what predicts the token after the text, computed anew."""
    decoder = load_decoder(tiny, dtype=torch.float32)
    alone = decoder.hidden(torch.tensor([text]), torch.arange(len(text))[None], causal)[0, -1]
    torch.testing.assert_close(model.logits(hidden_D), decoder.logits(alone), atol=1e-5, rtol=0)


def go_on(memory: Memory, rows: list[int], tokens: list[int], at: list[int]) -> torch.Tensor:
    return memory.go_on(torch.tensor(rows), torch.tensor(tokens), torch.tensor(at))


@torch.no_grad()
def test_rows_go_on_from_prompts_that_they_share(model: LanguageModel, tiny: Path):
    memory = model.memory(room())
    for hidden_D, prompt in zip(memory.read([2, 0, 1], PROMPTS), PROMPTS, strict=True):
        assert_predicts(model, tiny, hidden_D, prompt)
    memory.seat([4, 0, 1], [2, 2, 0])
    first = go_on(memory, [0, 1, 4], [7, 8, 9], [0, 0, 0])
    second = go_on(memory, [0, 4], [20, 21], [1, 1])
    for hidden_D, text in zip(first, [(*PROMPTS[0], 7), (*PROMPTS[1], 8), (*PROMPTS[0], 9)], strict=True):
        assert_predicts(model, tiny, hidden_D, text)
    for hidden_D, text in zip(second, [(*PROMPTS[0], 7, 20), (*PROMPTS[0], 9, 21)], strict=True):
        assert_predicts(model, tiny, hidden_D, text)
    memory.close()


@torch.no_grad()
def test_what_is_written_over_was_never_read(model: LanguageModel, tiny: Path):
    memory = model.memory(room())
    memory.read([0, 1], PROMPTS[:2])
    memory.seat([0, 1], [0, 1])
    for at, tokens in enumerate(([5, 6], [50, 60], [55, 66])):
        go_on(memory, [0, 1], tokens, [at, at])
    hidden_BD = go_on(memory, [0, 1], [70, 80], [3, 1])
    assert_predicts(model, tiny, hidden_BD[0], (*PROMPTS[0], 5, 50, 55, 70))
    assert_predicts(model, tiny, hidden_BD[1], (*PROMPTS[1], 6, 80))


@torch.no_grad()
def test_places_and_rows_are_taken_again(model: LanguageModel, tiny: Path):
    memory = model.memory(room(prompts=1))
    memory.read([0], PROMPTS[:1])
    memory.seat([0], [0])
    go_on(memory, [0], [5], [0])
    memory.read([0], PROMPTS[1:2])
    memory.seat([0], [0])
    assert_predicts(model, tiny, go_on(memory, [0], [6], [0])[0], (*PROMPTS[1], 6))


@torch.no_grad()
def test_many_prompts_are_read_a_part_at_a_time(tiny: Path, monkeypatch: pytest.MonkeyPatch):
    decoder = load_decoder(tiny, dtype=torch.float32)
    whole = decoder.memory(room()).read([0, 1, 2], PROMPTS)
    monkeypatch.setattr("ponder.model.cache.READ_AT_ONCE", 2)
    torch.testing.assert_close(decoder.memory(room()).read([0, 1, 2], PROMPTS), whole, atol=1e-6, rtol=0)


@torch.no_grad()
def test_matrices_are_packed_while_a_sampler_is_at_work_and_read_as_they_are(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.float32)
    memory = decoder.memory(room())
    packed = [matrix.panels is not None for matrix in matrices(decoder)]
    assert len(packed) == 2 * 7 + 1 and len(set(packed)) == 1
    x = torch.ones(1, 32)
    query = next(matrix for matrix in matrices(decoder) if matrix.in_features == 32)
    before = query(x)
    query.weight += 1.0
    torch.testing.assert_close(query(x), before + 32.0, atol=1e-4, rtol=0)
    memory.close()
    assert not [matrix for matrix in matrices(decoder) if matrix.panels]


def test_memory_that_nobody_wrote_to_is_not_taken():
    held = untouched((1 << 10, 1 << 10, 1 << 10), torch.float32)
    assert held.shape == (1 << 10, 1 << 10, 1 << 10) and float(held[3, 5, 7]) == 0.0


@pytest.mark.parametrize("free", [0, 1 << 40])
def test_free_memory_is_used_where_there_is_enough(tiny: Path, monkeypatch: pytest.MonkeyPatch, free: int):
    own: list[tuple[int, ...]] = []

    def noted(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        own.append(shape)
        return torch.zeros(shape, dtype=dtype)

    monkeypatch.setattr(cache, "spare", lambda: free)
    monkeypatch.setattr(cache, "untouched", noted)
    held = Cache(load_decoder(tiny, dtype=torch.float32), room())
    assert own.count((5, 2, 6, 8)) == (0 if free else 4)
    assert not any(x.any() for x in (*held.own.keys, *held.own.values))


def test_a_cache_has_room_for_what_it_was_asked(tiny: Path):
    held = Cache(load_decoder(tiny, dtype=torch.bfloat16), room())
    assert {tuple(x.shape) for x in (*held.own.keys, *held.own.values)} == {(5, 2, 6, 8)}
    assert {tuple(x.shape) for x in held.prompts.keys} == {(3, 2, 2, 8)}
    assert held.own.keys[0].dtype == torch.bfloat16 and len(held.own.keys) == 2
