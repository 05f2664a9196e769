"""Ways to attend: over a cache, over packed rows, over one text.

Shapes: B rows, L new positions, S positions to see, H query heads, K key-value heads, E head size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def within(mask: Tensor, asking: Tensor, seen: Tensor, window: int | None) -> Tensor:
    """The part of `mask` [B,1,L,S] in which a position [B,L] sees others [B,S] fewer than `window` before it."""
    if window is None or mask.shape[-1] <= window:
        return mask
    return mask & (asking[:, None, :, None] - seen[:, None, None, :] < window)


def masked_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention where `mask` (bool, broadcast to [B,1,L,S]) is true; q [B,H,L,E], k and v [B,K,S,E].

    For one new position the H/K query heads of a key-value head are taken as so many positions, which share
    its mask: the cache is read once and never repeated in memory.
    """
    group = q.shape[1] // k.shape[1]
    if q.shape[2] == 1:
        out = F.scaled_dot_product_attention(q.unflatten(1, (-1, group)).flatten(2, 3), k, v, attn_mask=mask)
        return out.flatten(1, 2).unsqueeze(2)
    k, v = (x.repeat_interleave(group, dim=1) if group > 1 else x for x in (k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def biased_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Attention with an additive `bias` [B*H,L,L], -inf where nothing may be seen; q [B,H,L,E], k and v [B,K,L,E].

    Written out because the fused kernel's backward pass takes three to five times as long on a CPU; its
    probabilities are kept for that pass, so it is for rows of hundreds of positions, not of thousands.
    """
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, dim=1) if group > 1 else x for x in (k, v))
    scores = torch.baddbmm(bias, q.flatten(0, 1), k.flatten(0, 1).transpose(1, 2), alpha=q.shape[-1] ** -0.5)
    return torch.bmm(scores.softmax(-1), v.flatten(0, 1)).unflatten(0, q.shape[:2])


def causal(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attend to everything before, each row being one text; an `Attend`."""
    mask = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool, device=q.device).tril()
    return masked_attention(q, k, v, mask[None, None])
