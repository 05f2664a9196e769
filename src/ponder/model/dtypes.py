"""What a model can compute in, and which of it is fastest on this machine."""

from __future__ import annotations

import sys

import torch

from ponder.model.devices import CPU

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
"""By name, as recipes and manifests have it."""

_NATIVE = ("avx512_bf16", "amx_bf16", "bf16")
"""Features of a processor (two of x86, one of ARM) that multiplies bfloat16 itself, as torch names them."""


def fastest(device: torch.device = CPU) -> str:
    """`bfloat16` on a GPU and where the processor multiplies it itself, else `float32`: a rule and not a race.

    Elsewhere bfloat16 is widened first, which has been seen to cost a factor of six. What torch says of its matrix
    library is no guide: that takes any AVX-512 for enough. Macs multiply float32 in a unit of its own.
    """
    if device.type != "cpu":
        return "bfloat16"
    has = torch.cpu.get_capabilities()
    native = sys.platform != "darwin" and any(has.get(feature) for feature in _NATIVE)
    return "bfloat16" if native else "float32"
