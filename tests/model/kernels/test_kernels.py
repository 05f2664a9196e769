"""Every kernel against its twin in plain PyTorch, and against sums in fp64."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional as F

from ponder.engine.draw import draw
from ponder.model import kernels
from ponder.model.attention import attend_levels
from ponder.model.functions import rotate
from ponder.types import PonderError, SamplingParams

DTYPES = {torch.float32: 2e-6, torch.bfloat16: 1e-2}
"""Relative error that the storage allows."""


@pytest.fixture(autouse=True)
def without_gradient() -> Iterator[None]:
    with torch.no_grad():
        if not kernels.usable(torch.zeros(1)):
            pytest.skip(f"no kernels here: {kernels.reason()}")
        yield


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Call `setattr` of it to leave the kernels out."""
    return monkeypatch


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("rows", [1, 5, 6, 7, 64, 131])
@pytest.mark.parametrize(("size", "depth"), [(1, 1), (16, 8), (33, 70), (192, 96), (1000, 31)])
def test_a_product_is_that_of_fp64(rows: int, size: int, depth: int):
    x, weight, bias = numbers(rows, depth), numbers(size, depth, seed=1), numbers(size, seed=2)
    panels = kernels.Panels(weight)
    for given in (None, bias):
        expected = F.linear(x.double(), weight.double(), None if given is None else given.double())
        torch.testing.assert_close(panels.product(x, given).double(), expected, atol=1e-4, rtol=1e-5)
    assert panels.product(x[None, :, None], None).shape == (1, rows, 1, size)


@pytest.mark.parametrize("rows", [1, 7, 52, 64, 131])
@pytest.mark.parametrize(("size", "depth"), [(1, 2), (33, 70), (192, 96), (50, 64), (1000, 30)])
def test_a_product_of_bf16_is_summed_in_fp32_and_rounded_once(rows: int, size: int, depth: int):
    x, weight, bias = (
        numbers(*shape, seed=i, dtype=torch.bfloat16) for i, shape in enumerate(((rows, depth), (size, depth), (size,)))
    )
    panels = kernels.Panels(weight)
    for given in (None, bias):
        expected = F.linear(x.double(), weight.double(), None if given is None else given.double())
        wide, narrow = panels.product(x, given, wide=True), panels.product(x, given)
        assert (wide.dtype, narrow.dtype) == (torch.float32, torch.bfloat16)
        torch.testing.assert_close(wide.double(), expected, atol=1e-4, rtol=1e-5)
        assert torch.equal(narrow, wide.bfloat16())


def test_pairs_have_no_half():
    assert kernels.packable(numbers(3, 5)) and not kernels.packable(numbers(3, 5, dtype=torch.bfloat16))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_is_the_same_bits_whatever_batch_it_is_in(dtype: torch.dtype):
    panels, x = kernels.Panels(numbers(100, 64, seed=1, dtype=dtype)), numbers(40, 64, dtype=dtype)
    whole = panels.product(x, None)
    for rows in (slice(0, 1), slice(3, 10), slice(17, 40)):
        assert torch.equal(panels.product(x[rows].clone(), None), whole[rows])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 7, 8, 96, 577])
def test_a_norm_is_that_of_fp64(dtype: torch.dtype, size: int):
    x, weight = numbers(9, size) * 3, numbers(size, seed=1, dtype=dtype)
    expected = F.rms_norm(x.double(), (size,), weight.double(), 1e-5)
    found = kernels.norm(x, weight, 1e-5)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=DTYPES[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [3, 4096, 9001])
def test_a_gate_is_that_of_fp64(dtype: torch.dtype, size: int):
    gate, up = numbers(size, dtype=dtype) * 30, numbers(size, seed=1, dtype=dtype)
    expected = F.silu(gate.double()) * up.double()
    torch.testing.assert_close(kernels.gated(gate, up).double(), expected, atol=1e-6, rtol=DTYPES[dtype])


@pytest.mark.parametrize("size", [1, 16, 16385, 200_003])
def test_what_is_collected_is_added(size: int):
    total, part = numbers(size), numbers(size, seed=1, dtype=torch.bfloat16)
    expected = total + part.float()
    kernels.collect(total, part)
    assert torch.equal(total, expected)


@pytest.mark.parametrize("size", [2, 8, 24, 64])
def test_a_rotation_is_its_twins(plain: pytest.MonkeyPatch, size: int):
    x, angles = numbers(3, 5, 4, size), numbers(3, 5, size // 2, seed=1) * 100
    found = rotate(x.clone(), (angles.cos(), angles.sin()))
    plain.setattr(kernels, "able", lambda *_: False)
    torch.testing.assert_close(found, rotate(x, (angles.cos(), angles.sin())), atol=1e-6, rtol=1e-6)


Levels = tuple[kernels.Stores, kernels.Sights]


def levels_of(rows: int, heads: int, size: int, dtype: torch.dtype) -> Levels:
    """A common text, three prompts of different lengths that rows share unevenly, and the rows' own texts."""
    owners = [torch.zeros(rows, dtype=torch.long), torch.arange(rows) % 3 % 2, torch.arange(rows).flip(0)]
    lengths = [torch.full((rows,), 5), 2 + owners[1] * 9, 1 + torch.arange(rows) * 3]
    starts = [torch.zeros(rows, dtype=torch.long), lengths[0], lengths[0] + lengths[1]]
    columns, texts = [5, 20, 3 * rows + 2], [1, 3, rows]
    stores = [
        tuple(numbers(texts[i], heads, columns[i], size, seed=seed + i, dtype=dtype) for seed in (0, 10))
        for i in range(3)
    ]
    sights = [kernels.Sight(owners[i], lengths[i], starts[i]) for i in range(3)]
    return kernels.Stores([(k, v) for k, v in stores]), kernels.Sights(sights, starts[2] + lengths[2] - 1)


def one_by_one(q: torch.Tensor, levels: Levels, window: int | None) -> torch.Tensor:
    """Attention in fp64, a row at a time."""
    out, (stores, sights) = torch.zeros(q.shape, dtype=torch.float64), levels
    for b in range(len(q)):
        keys, values, places = [], [], []
        for (all_keys, all_values), sight in zip(stores.levels, sights.levels, strict=True):
            owner, length, start = (int(x[b]) for x in sight)
            keys.append(all_keys[owner, :, :length])
            values.append(all_values[owner, :, :length])
            places.append(start + torch.arange(length))
        seen = sights.position_B[b] - torch.cat(places) < (window or 10**9)
        k, v = (torch.cat(x, dim=1)[:, seen].double().repeat_interleave(3, dim=0) for x in (keys, values))
        weights = (q[b].double()[:, None] @ k.transpose(1, 2) * q.shape[-1] ** -0.5).softmax(-1)
        out[b] = (weights @ v)[:, 0]
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("window", [None, 1, 6, 12])
@pytest.mark.parametrize("size", [8, 20, 64])
@pytest.mark.parametrize("by", ["kernel", "twin"])
def test_attention_over_levels_is_attention_over_one_text(
    plain: pytest.MonkeyPatch, dtype: torch.dtype, window: int | None, size: int, by: str
):
    rows = 7
    q, (stores, sights) = numbers(rows, 6, size, seed=20, dtype=dtype), levels_of(rows, 2, size, dtype)
    fresh = numbers(rows, 2, size, seed=21, dtype=dtype), numbers(rows, 2, size, seed=22, dtype=dtype)
    if by == "twin":
        plain.setattr(kernels, "able", lambda *_: False)
    found = attend_levels(q, fresh, stores, sights, window)
    own = sights.levels[-1]
    for kept, new in zip(stores.levels[-1], fresh, strict=True):
        assert torch.equal(kept[own.owner_B, :, own.length_B - 1], new)
    expected = one_by_one(q, (stores, sights), window)
    torch.testing.assert_close(found.double(), expected, atol=10 * DTYPES[dtype], rtol=10 * DTYPES[dtype])


def test_attention_of_a_row_does_not_depend_on_the_other_rows():
    q, (stores, sights) = numbers(7, 6, 16), levels_of(7, 2, 16, torch.float32)
    fresh = numbers(7, 2, 16, seed=21), numbers(7, 2, 16, seed=22)
    whole = attend_levels(q, fresh, stores, sights, None)
    some = torch.tensor([5, 2])
    fewer = [kernels.Sight(*(x[some] for x in sight)) for sight in sights.levels]
    parts = fresh[0][some], fresh[1][some]
    found = attend_levels(q[some], parts, stores, kernels.Sights(fewer, sights.position_B[some]), None)
    assert torch.equal(found, whole[some])


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("size", [5, 256, 1003])
def test_draws_are_its_twins(plain: pytest.MonkeyPatch, temperature: float, size: int):
    logits, put = numbers(64, size) * 5, torch.full((64,), -1)
    put[::9] = 3
    uniforms = torch.rand(64, generator=torch.Generator().manual_seed(3))
    params = SamplingParams(max_tokens=1, temperature=temperature)
    before = logits.clone()
    tokens, logprobs = draw(logits, params, uniforms, put)
    assert torch.equal(logits, before)
    plain.setattr(kernels, "able", lambda *_: False)
    twin_tokens, twin_logprobs = draw(logits, params, uniforms, put)
    assert tokens.tolist() == twin_tokens.tolist()
    torch.testing.assert_close(logprobs, twin_logprobs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_weights_that_have_diverged_are_found_by_a_draw(broken: float):
    logits = numbers(4, 300)
    logits[2, 77] = broken
    with pytest.raises(PonderError, match="logits are not finite"):
        draw(logits, SamplingParams(max_tokens=1), torch.rand(4), torch.full((4,), -1))


def test_what_can_not_be_drawn_is_not_drawn_at_the_ends_of_the_line():
    logits = torch.full((3, 600), -torch.inf)
    logits[:, 301] = logits[:, 500] = 0.0
    uniforms = torch.tensor([0.0, 0.49, 1.0 - 2**-24])
    tokens, logprobs = draw(logits, SamplingParams(max_tokens=1), uniforms, torch.full((3,), -1))
    assert tokens.tolist() == [301, 301, 500]
    assert logprobs.exp().tolist() == pytest.approx([0.5] * 3)


def test_they_are_not_used_where_a_gradient_is_wanted():
    with torch.enable_grad():
        assert not kernels.usable(torch.zeros(1))
    assert not kernels.usable(torch.zeros(2, 2).T[:, :1].expand(2, 2)) and not kernels.usable(torch.zeros(1).double())
