"""Losses of tokens: -A w g + kl D.

A is the advantage, w corrects for the sampler (`correction`), D is the divergence from a reference (`divergence`), and
g is what this file has a choice of: a function of the ratio rho = pi / pi_old, which is 1 at the first update after a
batch is drawn. Shapes: N tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ponder.objectives.correction import CORRECTIONS
from ponder.objectives.divergence import PENALTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a loss is made of."""

    logprobs_N: Tensor
    """log pi, with gradient."""
    old_N: Tensor
    """log pi by the learner when the batch was drawn."""
    sampled_N: Tensor
    """log pi by the sampler; NaN where nobody sampled."""
    reference_N: Tensor
    """log probability under the reference policy; NaN where there is none."""
    advantages_N: Tensor
    """Of the token's rollout."""
    mean_log_ratio_N: Tensor
    """Mean of log rho over the token's rollout, without gradient; 0 unless `Loss.by_sequence`."""
    sum_log_drift_N: Tensor
    """Sum of log(old / sampled) over the token's rollout; 0 unless `Loss.by_sequence`."""

    @property
    def ratio_N(self) -> Tensor:
        """rho."""
        return (self.logprobs_N - self.old_N).exp()

    @property
    def log_drift_N(self) -> Tensor:
        """log(old / sampled); 0 where nobody sampled."""
        return torch.where(self.sampled_N.isnan(), 0.0, self.old_N - self.sampled_N)


Gain = Callable[[Terms, float, float], Tensor]
"""(terms, clip_low, clip_high) -> g [N], with gradient."""


def likelihood(terms: Terms, low: float, high: float) -> Tensor:
    """log pi: supervised learning for A = 1."""
    return terms.logprobs_N


def reinforce(terms: Terms, low: float, high: float) -> Tensor:
    """rho: on-policy its gradient is that of log pi (Williams 1992)."""
    return terms.ratio_N


def clipped(terms: Terms, low: float, high: float) -> Tensor:
    """g A = min(rho A, clip(rho, 1 - low, 1 + high) A) (PPO, arXiv:1707.06347; low < high is DAPO's clip-higher)."""
    return _clipped(terms.ratio_N, terms.advantages_N, low, high)


def sequence_clipped(terms: Terms, low: float, high: float) -> Tensor:
    """The same of the rollout's ratio s = exp(mean log rho) in place of each token's (GSPO, arXiv:2507.18071).

    In its token form, s pi / sg(pi): equal in value and gradient where all tokens of a rollout weigh the same.
    """
    straight_N = (terms.logprobs_N - terms.logprobs_N.detach()).exp()
    return _clipped(terms.mean_log_ratio_N.exp() * straight_N, terms.advantages_N, low, high)


def weighted(terms: Terms, low: float, high: float) -> Tensor:
    """sg(clip(rho, 1 - low, 1 + high)) log pi: bounds the weight, stops no gradient (CISPO, arXiv:2506.13585)."""
    return terms.ratio_N.detach().clamp(1 - low, 1 + high) * terms.logprobs_N


def _clipped(ratio_N: Tensor, advantages_N: Tensor, low: float, high: float) -> Tensor:
    return torch.where(advantages_N > 0, ratio_N.clamp(max=1 + high), ratio_N.clamp(min=1 - low))


LOSSES: dict[str, Gain] = {
    "likelihood": likelihood,
    "reinforce": reinforce,
    "clipped": clipped,
    "sequence_clipped": sequence_clipped,
    "weighted": weighted,
}
"""By name, as a learner is asked for them."""

CLIPPING = frozenset({"clipped", "sequence_clipped", "weighted"})
"""Those that the clips matter to."""

BY_SEQUENCE = frozenset({"sequence_clipped"})
"""Those that need a whole rollout before they can say anything of its first token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A loss with its options: those of a `LossChoice`."""

    name: str
    """Key of `LOSSES`."""
    clip_low: float = 0.2
    """Least ratio is 1 - this."""
    clip_high: float = 0.2
    """Largest ratio is 1 + this."""
    kl: float = 0.0
    """Weight of the divergence from the reference policy."""
    kl_estimator: str = "k3"
    """Key of `divergence.PENALTIES`."""
    correction: str = "none"
    """Key of `correction.CORRECTIONS`."""
    correction_level: str = "token"
    """`token`, or `sequence`: one weight for a whole rollout."""
    correction_cap: float = 2.0
    """Largest importance weight."""

    def __call__(self, terms: Terms) -> Tensor:
        """Loss `[N]`."""
        gain_N = LOSSES[self.name](terms, self.clip_low, self.clip_high)
        loss_N = -terms.advantages_N * (gain_N * self.weight(terms))
        if self.kl:
            assert not terms.reference_N.isnan().any(), "a KL penalty has a reference"
            loss_N = loss_N + self.kl * PENALTIES[self.kl_estimator](terms.logprobs_N, terms.reference_N)
        return loss_N

    def weight(self, terms: Terms) -> Tensor:
        """w `[N]`."""
        log_N = terms.sum_log_drift_N if self.correction_level == "sequence" else terms.log_drift_N
        return CORRECTIONS[self.correction](log_N, self.correction_cap)

    def beyond_clips(self, terms: Terms) -> Tensor:
        """Tokens `[N]` whose ratio is past the clip that bounds what their advantage asks for."""
        ratio_N = terms.mean_log_ratio_N.exp() if self.name in BY_SEQUENCE else terms.ratio_N
        above_N = (ratio_N > 1 + self.clip_high) & (terms.advantages_N > 0)
        return above_N | ((ratio_N < 1 - self.clip_low) & (terms.advantages_N < 0))

    @property
    def by_sequence(self) -> bool:
        """Whether it needs `mean_log_ratio_N` and `sum_log_drift_N`."""
        return self.name in BY_SEQUENCE or (self.correction != "none" and self.correction_level == "sequence")
