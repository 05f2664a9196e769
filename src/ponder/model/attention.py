"""Ways to attend: over a cache, over packed rows, over one text.

Shapes: B rows, L new positions, S positions to see, H query heads, K key-value heads, E head size.
"""

from __future__ import annotations

import functools

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
    reads = _reads(sights, tuple(len(keys) for keys, _ in stores.levels))
    scores = [read.scores(q_BHE, keys, window) for read, (keys, _) in zip(reads, stores.levels, strict=True)]
    weights = torch.cat(scores, dim=-1).softmax(-1).split([score.shape[-1] for score in scores], dim=-1)
    parts = zip(reads, weights, stores.levels, strict=True)
    return torch.stack([read.mixed(part, values) for read, part, (_, values) in parts]).sum(0).flatten(1, 2)


@functools.lru_cache(maxsize=1)
def _reads(sights: Sights, texts: tuple[int, ...]) -> list[Read]:
    """Each level of so many texts as the rows of a step read it; the layers of the step ask for the same."""
    pairs = zip(sights.levels, texts, strict=True)
    return [Read(sight, sights.position_B, size) for sight, size in pairs]


class Turns:
    """Rows by the text that they read, padded to equally many, so that a text is multiplied with all its readers."""

    def __init__(self, owner_B: Tensor, texts: int) -> None:
        order_B = owner_B.argsort(stable=True)
        counts_N = torch.bincount(owner_B, minlength=texts)
        first_N = counts_N.cumsum(0) - counts_N
        self.owner_B, self.turn_B = owner_B, torch.empty_like(owner_B)
        self.turn_B[order_B] = torch.arange(len(owner_B), device=owner_B.device) - first_N[owner_B[order_B]]
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
    """How the rows of a step read one level, whatever the layer."""

    def __init__(self, sight: Sight, position_B: Tensor, texts: int) -> None:
        self.used, self.turns = int(sight.length_B.max()), Turns(sight.owner_B, texts)
        column_C = torch.arange(self.used, device=position_B.device)
        self.seen_BC = column_C < sight.length_B[:, None]
        self.distance_BC = (position_B - sight.start_B)[:, None] - column_C

    def scores(self, q_BHE: Tensor, keys: Tensor, window: int | None) -> Tensor:
        """Scaled products with the keys `[B,K,g,C]`, -inf where a row sees nothing."""
        q_BKgE = q_BHE.unflatten(1, (keys.shape[1], -1)) * q_BHE.shape[-1] ** -0.5
        scores = self.turns.scatter(self.turns.gather(q_BKgE) @ keys[:, :, : self.used].transpose(-1, -2)).float()
        seen_BC = self.seen_BC if window is None else self.seen_BC & (self.distance_BC < window)
        return scores.masked_fill(~seen_BC[:, None, None], -torch.inf)

    def mixed(self, weights_BKgC: Tensor, values: Tensor) -> Tensor:
        """Values by their weights `[B,K,g,E]`."""
        return self.turns.scatter(self.turns.gather(weights_BKgC.to(values.dtype)) @ values[:, :, : self.used])


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
