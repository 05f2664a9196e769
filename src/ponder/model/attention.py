"""Ways to attend: over a cache, over packed rows, over one text.

Shapes: B rows, L new positions, S positions to see, H query heads, K key-value heads, E head size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ponder.model import kernels
from ponder.model.kernels import Kept


def within(mask: Tensor, asking: Tensor, seen: Tensor, window: int | None) -> Tensor:
    """The part of `mask` [B,1,L,S] in which a position [B,L] sees others [B,S] fewer than `window` before it."""
    if window is None or mask.shape[-1] <= window:
        return mask
    return mask & (asking[:, None, :, None] - seen[:, None, None, :] < window)


def masked_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention where `mask` (bool, broadcast to [B,1,L,S]) is true; q [B,H,L,E], k and v [B,K,S,E]."""
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, dim=1) if group > 1 else x for x in (k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def attend_levels(
    q_BHE: Tensor, fresh: tuple[Tensor, Tensor], levels: Sequence[Kept], position_B: Tensor, window: int | None
) -> Tensor:
    """Attention `[B,H,E]` of one new position a row over all that the row reads.

    Its own key and value `[B,K,E]` go first to the last column of the last level, which belongs to the rows.
    """
    q_BHE, fresh = q_BHE.contiguous(), (fresh[0].contiguous(), fresh[1].contiguous())
    if kernels.usable(q_BHE, *fresh):
        return kernels.attend(q_BHE, fresh, levels, position_B, window)
    own = levels[-1]
    for new, kept in zip(fresh, (own.keys, own.values), strict=True):
        kept[own.owner_B, :, own.length_B - 1] = new
    turns = [Turns(level.owner_B, len(level.keys)) for level in levels]
    scores = [_scores(q_BHE, level, turn, position_B, window) for level, turn in zip(levels, turns, strict=True)]
    weights = torch.cat(scores, dim=-1).softmax(-1).split([score.shape[-1] for score in scores], dim=-1)
    parts = [_mixed(w, level, turn) for w, level, turn in zip(weights, levels, turns, strict=True)]
    return torch.stack(parts).sum(0).flatten(1, 2)


class Turns:
    """Rows by the text that they read, padded to equally many, so that a text is multiplied with all its readers."""

    def __init__(self, owner_B: Tensor, texts: int) -> None:
        order_B = owner_B.argsort(stable=True)
        counts_N = torch.bincount(owner_B, minlength=texts)
        first_N = counts_N.cumsum(0) - counts_N
        self.owner_B, self.turn_B = owner_B, torch.empty_like(owner_B)
        self.turn_B[order_B] = torch.arange(len(owner_B)) - first_N[owner_B[order_B]]
        self.texts, self.most = texts, int(counts_N.max())

    def gather(self, x_B: Tensor) -> Tensor:
        """[B,K,g,*] -> [N,K,most*g,*], 0 where a text has fewer readers."""
        out = x_B.new_zeros(self.texts, self.most, *x_B.shape[1:])
        out[self.owner_B, self.turn_B] = x_B
        return out.transpose(1, 2).flatten(2, 3)

    def scatter(self, x_N: Tensor) -> Tensor:
        """[N,K,most*g,*] -> [B,K,g,*]."""
        return x_N.unflatten(2, (self.most, -1)).transpose(1, 2)[self.owner_B, self.turn_B]


def _scores(q_BHE: Tensor, level: Kept, turns: Turns, position_B: Tensor, window: int | None) -> Tensor:
    """Scaled products with the keys of a level `[B,K,g,C]`, -inf where a row sees nothing."""
    used = int(level.length_B.max())
    q_BKgE = q_BHE.unflatten(1, (level.keys.shape[1], -1)) * q_BHE.shape[-1] ** -0.5
    scores = turns.scatter(turns.gather(q_BKgE) @ level.keys[:, :, :used].transpose(-1, -2)).float()
    column_C = torch.arange(used)
    seen_BC = column_C < level.length_B[:, None]
    if window is not None:
        seen_BC &= position_B[:, None] - level.start_B[:, None] - column_C < window
    return scores.masked_fill(~seen_BC[:, None, None], -torch.inf)


def _mixed(weights_BKgC: Tensor, level: Kept, turns: Turns) -> Tensor:
    """Values of a level by their weights `[B,K,g,E]`."""
    used = weights_BKgC.shape[-1]
    return turns.scatter(turns.gather(weights_BKgC.to(level.values.dtype)) @ level.values[:, :, :used])


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
