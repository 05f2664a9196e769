"""Drawing one token a row from logits, each row with randomness of its own.

Shapes: B rows, T tokens, V vocabulary, W blocks of BLOCK entries, K likeliest tokens.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from ponder.model import kernels
from ponder.types import PonderError, SamplingParams

BLOCK = 256
"""A token is drawn by inversion in two looks: which block of this many entries, then which entry of it."""
NUCLEUS = 256
"""Likeliest tokens that are sorted first when looking for those that hold `top_p`."""


def uniforms(stream: str, n: int) -> Tensor:
    """`n` uniform numbers in [0, 1) that the stream's name alone decides; fp32 `[n]`."""
    key = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:16], "little")
    return torch.from_numpy(np.random.Generator(np.random.Philox(key=key)).random(n, dtype=np.float32))


def draw(logits_BV: Tensor, params: SamplingParams, uniforms_B: Tensor, put_B: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens `[B]` and their logprobs `[B]` under softmax(logits / temperature); at 0 the likeliest, untempered.

    `put_B` holds tokens that are put there and not drawn, -1 elsewhere. First the temperature, then `min_p`, then
    `top_p` decide what can be drawn, and the logprobs are those of the temperature alone. The vocabulary is wide, so
    each pass over it costs: one copy in fp32, turned into masses in place; none where a kernel draws.
    """
    if params.top_p == 1 and params.min_p == 0 and kernels.usable(logits_BV, uniforms_B):
        tokens_B, logprobs_B = kernels.draw(logits_BV.float(), params.temperature, uniforms_B, put_B)
        return tokens_B, finite(logprobs_B)
    heights_BV = logits_BV.float()
    if heights_BV is logits_BV:
        heights_BV = logits_BV.clone()
    if params.temperature not in (0, 1):
        heights_BV /= params.temperature
    highest_B, likeliest_B = heights_BV.max(-1)
    heights_BV -= finite(highest_B)[:, None]
    masses_BV = heights_BV.exp_()
    tokens_B = likeliest_B if params.temperature == 0 else invert(truncated(masses_BV, params), uniforms_B)
    tokens_B = torch.where(put_B < 0, tokens_B, put_B)
    chosen_B = logits_BV.gather(-1, tokens_B[:, None])[:, 0].float() / (params.temperature or 1.0)
    return tokens_B, chosen_B - highest_B - masses_BV.sum(-1).log()


def finite(numbers: Tensor) -> Tensor:
    """The same numbers; raises PonderError where one is infinite or none at all."""
    if not numbers.isfinite().all():
        raise PonderError("logits are not finite: the model's weights have diverged; lower learning_rate")
    return numbers


def truncated(masses_BV: Tensor, params: SamplingParams) -> Tensor:
    """The masses with 0 for what `min_p` and `top_p` leave out; the likeliest of each row, of mass 1, always stays."""
    if params.min_p > 0:
        masses_BV = masses_BV.where(masses_BV >= params.min_p, 0.0)
    if params.top_p < 1:
        masses_BV = masses_BV.where(masses_BV >= nucleus(masses_BV, params.top_p), 0.0)
    return masses_BV


def nucleus(masses_BV: Tensor, top_p: float) -> Tensor:
    """Least mass `[B,1]` of the fewest tokens that hold `top_p` of the total (arXiv:1904.09751); ties all stay.

    Only as many of the likeliest are sorted as hold it.
    """
    wanted_B1 = top_p * masses_BV.sum(-1, keepdim=True, dtype=torch.float64)
    size = min(NUCLEUS, masses_BV.shape[1])
    while True:
        highest_BK = masses_BV.topk(size).values
        enough_BK = highest_BK.double().cumsum(-1) >= wanted_B1
        if size == masses_BV.shape[1] or enough_BK[:, -1].all():
            break
        size = min(8 * size, masses_BV.shape[1])
    first_B1 = torch.where(enough_BK.any(-1), enough_BK.int().argmax(-1), size - 1)[:, None]
    return highest_BK.gather(-1, first_B1)


def invert(masses_BV: Tensor, uniforms_B: Tensor) -> Tensor:
    """Index `[B]` where the running sum of unnormalised masses first exceeds u times their total."""
    if pad := -masses_BV.shape[1] % BLOCK:
        masses_BV = torch.nn.functional.pad(masses_BV, (0, pad))
    blocks_BWK = masses_BV.unflatten(1, (-1, BLOCK))
    sums_BW = blocks_BWK.sum(-1).double().cumsum(-1)
    target_B1 = uniforms_B[:, None].double() * sums_BW[:, -1:]
    block_B1 = torch.searchsorted(sums_BW, target_B1, right=True).clamp(max=sums_BW.shape[1] - 1)
    before_B1 = torch.where(block_B1 > 0, sums_BW.gather(1, (block_B1 - 1).clamp(min=0)), 0.0)
    inside_BK = blocks_BWK[torch.arange(len(blocks_BWK), device=masses_BV.device), block_B1[:, 0]].double().cumsum(-1)
    last_B1 = torch.searchsorted(inside_BK, inside_BK[:, -1:].contiguous())  # of the block that has mass
    within_B1 = torch.searchsorted(inside_BK, target_B1 - before_B1, right=True).minimum(last_B1)
    return (block_B1 * BLOCK + within_B1)[:, 0]
