from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from ponder.engine import masters
from ponder.engine.masters import Master, Stride

BOTH = (torch.float32, torch.bfloat16)


def numbers(size: int) -> Tensor:
    """Of either sign and every magnitude, with zeros among them."""
    drawn = torch.Generator().manual_seed(0)
    x = torch.randn(size, generator=drawn) * 10.0 ** torch.randint(-38, 30, (size,), generator=drawn)
    x[::97] = 0
    return x


def master_of(value: Tensor, dtype: torch.dtype = torch.bfloat16) -> Master:
    return Master(Parameter(value.to(dtype, copy=True)), value)


@pytest.mark.parametrize("dtype", BOTH)
def test_a_master_is_kept_to_its_last_bit(dtype: torch.dtype):
    value = numbers(10_000)
    master = master_of(value, dtype)
    assert torch.equal(master.value, value) and torch.equal(master.weight.detach(), value.to(dtype))
    master.set(-value)
    assert torch.equal(master.value, -value) and torch.equal(master.weight.detach(), -value.to(dtype))


def test_beside_a_rounded_weight_it_costs_two_bytes():
    master = master_of(numbers(1000))
    assert master.rest is not None and master.rest.nbytes == 2000
    assert master_of(numbers(1000), torch.float32).rest is None


def test_half_way_to_an_odd_neighbour_is_the_next_number_towards_the_weight():
    """1 + 2^-8 lies between 1, whose last bit is even, and 1 + 2^-7; 1 + 3 * 2^-8 is rounded up, and kept."""
    value = torch.tensor([1 + 2**-8, -1 - 2**-8, 1 + 3 * 2**-8])
    master = master_of(value)
    assert torch.equal(master.weight.detach(), torch.tensor([1.0, -1.0, 1 + 2**-6]).bfloat16())
    assert torch.equal(master.value, value - torch.tensor([2**-23, -(2**-23), 0.0]))


@pytest.mark.parametrize("dtype", BOTH)
def test_an_update_is_that_of_torch(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(masters, "PIECE", 64)
    value = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    master, expected = master_of(value, dtype), Parameter(value.clone())
    adamw = torch.optim.AdamW([expected], lr=0.1, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    for _ in range(3):
        gradients = numbers(300).view(2, 3, 50).clamp(-9, 9).to(dtype)
        expected.grad = gradients.float().sum(0) * 0.5
        adamw.step()
        master.begin()
        learn(master, gradients)
        master.update(Stride(rate=0.1, decay=0.01, scale=torch.tensor(0.5)))
        torch.testing.assert_close(master.value, expected.detach(), rtol=1e-6, atol=0)
        assert torch.equal(master.weight.detach(), master.value.to(dtype)) and master.gradient is None
    assert torch.equal(master.moments["exp_avg_sq"], adamw.state[expected]["exp_avg_sq"])


def learn(master: Master, gradients: Tensor) -> None:
    """Go back from losses with these gradients, one after another."""
    hook = master.weight.register_post_accumulate_grad_hook(lambda _: master.collect())
    for gradient in gradients:
        (master.weight * gradient).sum().backward()
    hook.remove()


def test_gradients_are_added_in_fp32_and_not_kept():
    """1 + 1/512 is 1 in bf16."""
    master = master_of(torch.ones(2))
    master.begin()
    assert master.gradient is None
    learn(master, torch.tensor([[1.0, 1.0], [1 / 512, -1 / 512]]).bfloat16())
    assert master.gradient is not None and master.gradient.tolist() == [1 + 1 / 512, 1 - 1 / 512]
    assert master.weight.grad is None
    master.forget()
    assert master.gradient is None
    master.begin()
    learn(master, torch.ones(1, 2).bfloat16())
    assert master.gradient is not None and master.gradient.tolist() == [1.0, 1.0]


def test_what_a_checkpoint_holds_of_it_is_enough():
    one, other = master_of(numbers(100)), master_of(torch.zeros(100))
    assert set(one.state()) == {"master"}
    for step in range(2):
        one.begin()
        learn(one, torch.ones(1, 100).bfloat16())
        one.update(Stride(rate=0.1, decay=0.0, scale=torch.tensor(1.0)))
        assert int(one.state()["step"]) == step + 1
    other.restore(one.state())
    found, expected = other.state(), one.state()
    assert found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in found)
    other.restore(master_of(numbers(100)).state())
    assert other.step == 0 and not other.moments["exp_avg"].any()
