"""What lies between the matrices, by the kernels and by PyTorch, against autograd in fp64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ponder.model import kernels
from ponder.model.functions import gated, likelihood, norm, rotate, tree_attention
from ponder.model.language import Tree

TOLERANCE = {torch.float32: 2e-5, torch.bfloat16: 3e-2}
TREE = Tree(
    torch.tensor([[*[0] * 5, *[5] * 19, *[24] * 3, 27, -1, -1], [*[0] * 21, *[21] * 9], [*[0] * 30]]),
    torch.tensor([5, 21, 30]),
)
"""Three packed rows: three branches and padding, a long prompt with one branch, a prompt alone."""


@pytest.fixture(params=["kernels", "plain"])
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "plain":
        monkeypatch.setattr(kernels, "able", lambda *_: False)
    elif not kernels.able(torch.zeros(1)):
        pytest.skip(f"no kernels here: {kernels.reason()}")
    return request.param


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype).requires_grad_()


def assert_same(found: Callable[..., Tensor], exact: Callable[..., Tensor], *given: Tensor, atol: float) -> None:
    """That results and gradients are those that fp64 has."""
    wide = [x.detach().double().requires_grad_() for x in given]
    out, expected = found(*given), exact(*wide)
    torch.testing.assert_close(out.double(), expected, atol=atol, rtol=atol)
    slope = numbers(*out.shape, seed=99).detach()
    out.backward(slope.to(out.dtype))
    expected.backward(slope.to(out.dtype).double())
    for x, exactly in zip(given, wide, strict=True):
        assert x.grad is not None and exactly.grad is not None
        torch.testing.assert_close(x.grad.double(), exactly.grad, atol=4 * atol, rtol=4 * atol)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(3, 5, 24), (7, 33)])
def test_a_norm(by: str, dtype: torch.dtype, shape: tuple[int, ...]):
    x, weight = numbers(*shape), numbers(shape[-1], seed=1, dtype=dtype)
    assert_same(
        lambda x, w: norm(x, w, 1e-5), lambda x, w: F.rms_norm(x, w.shape, w, 1e-5), x, weight, atol=TOLERANCE[dtype]
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_gate(by: str, dtype: torch.dtype):
    gate, up = numbers(3, 50, dtype=dtype), numbers(3, 50, seed=1, dtype=dtype)
    assert_same(gated, lambda gate, up: F.silu(gate) * up, gate, up, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_rotation(by: str, dtype: torch.dtype):
    x, angles = numbers(2, 5, 3, 12, dtype=dtype), torch.rand(2, 5, 6, generator=torch.Generator().manual_seed(2)) * 9
    before = x.detach().clone()

    def exact(x: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        cos, sin = angles.double().cos().unsqueeze(2), angles.double().sin().unsqueeze(2)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    assert_same(lambda x: rotate(x, (angles.cos(), angles.sin())), exact, x, atol=TOLERANCE[dtype])
    assert torch.equal(x.detach(), before), "what a gradient is wanted of stays as it is"


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("window", [None, 4, 1])
@pytest.mark.parametrize(("heads", "kv_heads", "size"), [(6, 2, 8), (3, 3, 20), (4, 1, 64)])
def test_attention_within_packed_rows(dtype: torch.dtype, window: int | None, heads: int, kv_heads: int, size: int):
    if not kernels.able(torch.zeros(1)):
        pytest.skip(f"no kernels here: {kernels.reason()}")
    q = numbers(3, 30, heads, size, dtype=dtype)
    k, v = (numbers(3, 30, kv_heads, size, seed=seed, dtype=dtype) for seed in (1, 2))
    begin_RL, place_L = TREE.begin_RL, torch.arange(30)
    prompt_RL = TREE.prompt_R[:, None].expand_as(begin_RL)
    position_RL = torch.where(begin_RL > 0, place_L - begin_RL + prompt_RL, place_L)
    apart_RLL = position_RL[:, :, None] - position_RL[:, None, :]
    mask_RLL = TREE.mask()[:, 0] & (apart_RLL < (window or 10**9)) & (begin_RL >= 0)[:, :, None]
    real = (begin_RL >= 0)[:, :, None, None]

    def exact(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        k, v = (x.repeat_interleave(heads // kv_heads, dim=2) for x in (k, v))
        scores = torch.einsum("rihe,rjhe->rhij", q, k) * size**-0.5
        weights = scores.masked_fill(~mask_RLL[:, None], -torch.inf).softmax(-1).nan_to_num()
        return torch.einsum("rhij,rjhe->rihe", weights, v).masked_fill(~real, 0.0)

    assert_same(lambda q, k, v: tree_attention(q, k, v, TREE, window), exact, q, k, v, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("temperature", [1.0, 0.4])
@pytest.mark.parametrize("size", [7, 256, 1000])
def test_a_likelihood(by: str, temperature: float, size: int):
    hidden, target = numbers(9, size), torch.arange(9) % size

    def exact(x: Tensor) -> Tensor:
        return (5 * x / temperature).log_softmax(-1).gather(-1, target[:, None])[:, 0]

    assert_same(lambda x: likelihood(5 * x, target, temperature), exact, hidden, atol=2e-5)


def test_a_likelihood_without_gradient_leaves_the_logits_alone(by: str):
    logits = numbers(4, 300).detach()
    before = logits.clone()
    likelihood(logits, torch.arange(4), 1.0)
    assert torch.equal(logits, before)
