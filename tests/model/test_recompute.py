from __future__ import annotations

import weakref

import torch
from torch import Tensor
from torch.nn import functional as F

from ponder.model.recompute import again


class Counted:
    """Twice its input, and how often that was computed."""

    def __init__(self, x: Tensor) -> None:
        self.x, self.calls = x, 0

    def __call__(self) -> Tensor:
        self.calls += 1
        return self.x * 2


def test_it_is_forgotten_and_made_once_for_all_who_need_it():
    x = torch.randn(2, 3, 4, requires_grad=True)
    weights = [torch.randn(5, 4, requires_grad=True) for _ in range(2)]
    make = Counted(x)
    made = make()
    gone = weakref.ref(made.untyped_storage())
    with again(made, make):
        out = F.linear(made, weights[0]) * F.linear(made, weights[1])
    del made
    assert gone() is None, "nobody keeps it"
    out.sum().backward()
    assert make.calls == 2
    found = [x.grad, *(weight.grad for weight in weights)]

    plain = x.detach().clone().requires_grad_()
    again_weights = [weight.detach().clone().requires_grad_() for weight in weights]
    (F.linear(plain * 2, again_weights[0]) * F.linear(plain * 2, again_weights[1])).sum().backward()
    for mine, other in zip(found, [plain.grad, *(weight.grad for weight in again_weights)], strict=True):
        assert mine is not None and other is not None and torch.equal(mine, other)


def test_what_a_forward_pass_keeps_is_free_without_a_backward_pass():
    x = torch.randn(2, 3, requires_grad=True)
    kept: list[weakref.ref[torch.UntypedStorage]] = []

    def forward() -> None:
        made = x * 2
        with again(made, lambda: x * 2):
            out = made.exp()  # keeps its own result
        kept.append(weakref.ref(out.untyped_storage()))

    forward()
    assert kept[0]() is None


def test_without_gradient_nothing_is_kept_or_made():
    x = torch.randn(2, 3)
    make = Counted(x)
    with torch.no_grad(), again(x, make):
        assert not F.linear(x, torch.randn(4, 3)).requires_grad
    assert make.calls == 0
