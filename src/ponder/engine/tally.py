"""What a learner counts while it learns.

Shapes: N tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ponder.objectives import Loss, Terms
from ponder.objectives.divergence import k1
from ponder.objectives.losses import CLIPPING

LARGE_GAP = 0.1
"""Nats between learner and sampler that a token's log probability should not differ by."""


@dataclass(slots=True)
class Tally:
    """Sums over the tokens of one step that the policy drew."""

    loss: float = 0.0
    """Of all tokens, each with its weight."""
    tokens: int = 0
    """How many."""
    sums: dict[str, float] = field(default_factory=dict)
    """By name of a metric that is a mean over tokens."""
    gaps: list[Tensor] = field(default_factory=list)
    """Absolute differences of log probabilities, learner to sampler, chunk by chunk."""

    def add(self, loss: Loss, terms: Terms, drawn_N: Tensor, total: float) -> None:
        """Count the tokens of one chunk, whose share of the loss is `total`."""
        self.loss += total
        self.tokens += int(drawn_N.sum())
        logprobs_N = terms.logprobs_N.detach()
        found = {"surprise": -logprobs_N}
        if loss.name in CLIPPING:
            found["clip_share"] = loss.beyond_clips(terms).float()
        if loss.correction != "none":
            found["importance_weight"] = loss.weight(terms)
        if loss.kl:
            found["kl"] = k1(logprobs_N, terms.reference_N)
        for name, value_N in found.items():
            self.sums[name] = self.sums.get(name, 0.0) + value_N[drawn_N].sum().item()
        gap_N = (terms.old_N - terms.sampled_N).abs()
        self.gaps.append(gap_N[drawn_N & ~gap_N.isnan()])

    def metrics(self) -> dict[str, float]:
        """Loss, means over the learned tokens, and the gap between learner and sampler when the batch was drawn."""
        found = {"loss": self.loss, "learned_tokens": float(self.tokens)}
        found |= {name: total / max(1, self.tokens) for name, total in self.sums.items()}
        gaps = torch.cat(self.gaps) if self.gaps else torch.empty(0)
        if len(gaps):
            found |= {"logprob_gap": gaps.mean().item(), "logprob_gap_max": gaps.max().item()}
            found["logprob_gap_share"] = (gaps > LARGE_GAP).float().mean().item()
        return found
