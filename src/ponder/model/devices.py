"""Where a model computes."""

from __future__ import annotations

import torch

from ponder.types import PonderError

DEVICES = ("auto", "cpu", "cuda")
"""As recipes have it. `auto` is never settled: a run that began on one machine goes on, or is measured, on another."""


def device_of(name: str) -> torch.device:
    """The device of that name, `auto` being a GPU where there is one; raises PonderError where there is none."""
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise PonderError("model.device = 'cuda': torch finds no GPU here; take 'auto' or 'cpu', or a torch with CUDA")
    return torch.device("cuda" if found and name != "cpu" else "cpu")
