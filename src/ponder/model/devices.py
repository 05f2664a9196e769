"""Where a model computes."""

from __future__ import annotations

import torch

from ponder.types import PonderError

CPU = torch.device("cpu")
"""The processor: where a model computes unless somebody says otherwise."""


def device_of(name: str) -> torch.device:
    """`cpu`, `cuda`, or `auto`: a GPU where there is one; raises PonderError where there is none and one is wanted.

    `auto` is decided each time anew, so that a run that began on one machine goes on, or is measured, on another.
    """
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise PonderError("model.device = 'cuda': torch finds no GPU here; take 'auto' or 'cpu', or a torch with CUDA")
    return torch.device("cuda" if found and name != "cpu" else CPU)
