"""Linear layers that a sampler can have packed while it is at work.

Shapes: D_in and D_out of a matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ponder.model import kernels


class Matrix(nn.Linear):
    """y = W x + b."""

    panels: kernels.Panels | None = None
    """The matrix as it was when it was packed."""
    packed_at: tuple[tuple[Tensor, int], ...] = ()
    """The weights that it was made of, and how often each had been changed by then."""

    def forward(self, input: Tensor) -> Tensor:
        """[...,D_in] -> [...,D_out]."""
        if self.panels is not None and kernels.usable(input) and self.is_current():
            return self.panels.product(input, self.bias)
        return self.plain(input)

    def plain(self, input: Tensor) -> Tensor:
        """The same by PyTorch, with gradient."""
        return F.linear(input, self.weight, self.bias)

    def merged(self) -> Tensor:
        """What it multiplies by `[D_out,D_in]`."""
        return self.weight

    @torch.no_grad()
    def pack(self) -> None:
        """Pack the matrix as it is now, where the kernels can."""
        if kernels.packable(self.weight):
            self.panels = kernels.Panels(self.merged())
            self.packed_at = tuple((weight, weight._version) for weight in self.parameters())

    def unpack(self) -> None:
        """Give the memory back."""
        self.panels, self.packed_at = None, ()

    def is_current(self) -> bool:
        """Whether it has not changed since it was packed."""
        return all(weight._version == version for weight, version in self.packed_at)


def matrices(module: nn.Module) -> list[Matrix]:
    """All of a model's."""
    return [part for part in module.modules() if isinstance(part, Matrix)]
