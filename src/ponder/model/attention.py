"""Ways to attend: over a cache, over packed rows, over one text.

Shapes: B rows, L new positions, S positions to see, H query heads, K key-value heads, E head size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ponder.model import kernels
from ponder.model.kernels import Sight, Sights, Stores


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
    q_BHE: Tensor, fresh: tuple[Tensor, Tensor], stores: Stores, sights: Sights, window: int | None
) -> Tensor:
    """Attention `[B,H,E]` of one new position a row over all that the row reads.

    Its own key and value `[B,K,E]` go first to the last column of the last level, which belongs to the rows.
    """
    if kernels.usable(q_BHE, *fresh):
        return kernels.attend(q_BHE, fresh, stores, sights, window)
    own = sights.levels[-1]
    for new, kept in zip(fresh, stores.levels[-1], strict=True):
        kept[own.owner_B, :, own.length_B - 1] = new
    kept = [Read(*store, sight, window) for store, sight in zip(stores.levels, sights.levels, strict=True)]
    scores = [level.scores(q_BHE, sights.position_B) for level in kept]
    weights = torch.cat(scores, dim=-1).softmax(-1).split([score.shape[-1] for score in scores], dim=-1)
    return torch.stack([level.mixed(part) for level, part in zip(kept, weights, strict=True)]).sum(0).flatten(1, 2)


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


class Read:
    """One level as the rows read it."""

    def __init__(self, keys: Tensor, values: Tensor, sight: Sight, window: int | None) -> None:
        self.used = int(sight.length_B.max())
        self.keys, self.values = keys[:, :, : self.used], values[:, :, : self.used]
        self.sight, self.window, self.turns = sight, window, Turns(sight.owner_B, len(keys))

    def scores(self, q_BHE: Tensor, position_B: Tensor) -> Tensor:
        """Scaled products with the keys `[B,K,g,C]`, -inf where a row sees nothing."""
        q_BKgE = q_BHE.unflatten(1, (self.keys.shape[1], -1)) * q_BHE.shape[-1] ** -0.5
        scores = self.turns.scatter(self.turns.gather(q_BKgE) @ self.keys.transpose(-1, -2)).float()
        column_C = torch.arange(self.used)
        seen_BC = column_C < self.sight.length_B[:, None]
        if self.window is not None:
            seen_BC &= position_B[:, None] - self.sight.start_B[:, None] - column_C < self.window
        return scores.masked_fill(~seen_BC[:, None, None], -torch.inf)

    def mixed(self, weights_BKgC: Tensor) -> Tensor:
        """Values by their weights `[B,K,g,E]`."""
        return self.turns.scatter(self.turns.gather(weights_BKgC.to(self.values.dtype)) @ self.values)


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
