"""fp32 masters of the weights that are learned, and AdamW on them, a piece at a time.

What a bf16 model computes with is the master rounded to the nearest, and what rounding took fits into 16 bits with a
sign: so a master costs two bytes beside the model's two, and not four.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from ponder.model import kernels
from ponder.model.allocator import untouched

PIECE = 1 << 19
"""Weights that are updated at once: a bf16 model's masters exist in fp32 for so many only."""
MOMENTS = ("exp_avg", "exp_avg_sq")
"""What AdamW remembers of each weight."""
LOWER = 16
"""Bits of an fp32 number that a bf16 number lacks."""
MOST = 2**15 - 1
"""The largest difference that is kept; 2^15, half-way to an odd bf16 number, becomes that: a 2^24th of the weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stride:
    """How far an update goes."""

    rate: float
    """Learning rate."""
    decay: float
    """Weight decay, times the rate."""
    scale: Tensor
    """Factor of all gradients."""


class Master:
    """The fp32 master of one weight, the sum of its gradients and its moments."""

    def __init__(self, weight: torch.nn.Parameter, source: Tensor | None) -> None:
        """`source`: the master in fp32, where the weight itself is rounded."""
        self.weight, self.step = weight, 0
        self.sum: Tensor | None = None
        self.parts = 0
        """Gradients that the sum is made of."""
        self.rest = None if weight.dtype == torch.float32 else torch.zeros_like(weight, dtype=torch.int16).view(-1)
        """What rounding took, in units of the master's last bit; None where the weight is the master."""
        self.moments = {key: self._zeros() for key in MOMENTS}
        if source is not None:
            self.set(source)

    @property
    def value(self) -> Tensor:
        """The master; a copy where the weight is rounded."""
        return self._read(slice(None)).view(self.weight.shape)

    @property
    def gradient(self) -> Tensor | None:
        """Sum of the gradients since the last update, in fp32; None before the first of them."""
        return self.weight.grad if self.rest is None else self.sum if self.parts else None

    def _zeros(self) -> Tensor:
        """Numbers that stay: beside what comes and goes, they would leave holes there."""
        weight = self.weight
        own = weight.is_cpu and weight.numel()
        return untouched(weight.shape, torch.float32) if own else torch.zeros_like(weight, dtype=torch.float32)

    def begin(self) -> None:
        """Have a sum ready, where autograd does not add in fp32 itself; its memory comes before that of a batch."""
        if self.rest is not None:
            self.sum = self._zeros() if self.sum is None else self.sum.zero_()

    def set(self, value: Tensor) -> None:
        """Make it another one."""
        flat = value.detach().view(-1)
        for piece in pieces(len(flat)):
            self._write(piece, flat[piece].to(self.weight.device, torch.float32))

    @torch.no_grad()
    def collect(self) -> None:
        """Move the gradient that has been made into the sum, where autograd does not add in fp32 itself."""
        made = self.weight.grad
        if self.sum is None or made is None:
            return
        self.weight.grad, self.parts = None, self.parts + 1
        if kernels.able(self.sum, made):
            kernels.collect(self.sum, made)
        else:
            self.sum += made

    def forget(self) -> None:
        """Give the gradient's memory back."""
        self.weight.grad, self.parts = None, 0

    @torch.no_grad()
    def update(self, stride: Stride) -> None:
        """One step of AdamW (arXiv:1711.05101); the gradient is used up."""
        gradient = self.gradient
        assert gradient is not None, "a weight that is learned took part in the loss"
        for piece in pieces(gradient.numel()):
            master = self._read(piece)
            self._step(master, gradient.view(-1)[piece].mul_(stride.scale), piece, stride)
            self._write(piece, master)
        self.step += 1
        self.forget()

    def _step(self, master: Tensor, gradient: Tensor, piece: slice, stride: Stride) -> None:
        first, second = (self.moments[key].view(-1)[piece] for key in MOMENTS)
        adamw(
            *([master], [gradient], [first], [second], []),
            [torch.full((), float(self.step), device=master.device)],
            fused=True,
            amsgrad=False,
            maximize=False,
            beta1=0.9,
            beta2=0.99,
            eps=1e-8,
            lr=stride.rate,
            weight_decay=stride.decay,
        )

    @torch.no_grad()
    def _read(self, piece: slice) -> Tensor:
        """A piece of the master; itself where the weight is that."""
        weight = self.weight.detach().view(-1)[piece]
        if self.rest is None:
            return weight
        return (weight.view(torch.int16).int() << LOWER).add_(self.rest[piece]).view(torch.float32)

    @torch.no_grad()
    def _write(self, piece: slice, master: Tensor) -> None:
        """Round a piece of the master into the model, which the local sampler shares, and keep what that takes."""
        weight = self.weight.detach().view(-1)[piece]
        weight.copy_(master)
        if self.rest is not None:
            taken = master.view(torch.int32) - (weight.view(torch.int16).int() << LOWER)
            self.rest[piece] = taken.clamp_(max=MOST)

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint holds of it."""
        begun = {**self.moments, "step": torch.tensor(float(self.step))} if self.step else {}
        return {"master": self.value} | begun

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from there."""
        self.set(state["master"])
        self.step = int(state["step"]) if "step" in state else 0
        for key, moment in self.moments.items():
            moment.copy_(state[key] if self.step else torch.zeros(()))


def pieces(size: int) -> Iterator[slice]:
    """The first `PIECE`, the next, and so on."""
    return (slice(start, start + PIECE) for start in range(0, size, PIECE))
