"""The objectives of the field, each as a choice of advantage, weighting and loss."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a name stands for; a recipe can lay its own choices over it."""

    normalise: str
    """Key of `ADVANTAGES`."""
    weighting: str
    """Key of `WEIGHTINGS`."""
    loss: str
    """Key of `LOSSES`."""
    clip_low: float = 0.2
    """Least ratio is 1 - this."""
    clip_high: float = 0.2
    """Largest ratio is 1 + this."""


OBJECTIVES: dict[str, Objective] = {
    "reinforce": Objective(normalise="batch", weighting="token", loss="reinforce"),
    "grpo": Objective(normalise="group", weighting="sequence", loss="clipped"),
    "dr_grpo": Objective(normalise="none", weighting="limit", loss="clipped"),
    "dapo": Objective(normalise="group", weighting="token", loss="clipped", clip_high=0.28),
    "gspo": Objective(normalise="group", weighting="sequence", loss="sequence_clipped", clip_low=3e-4, clip_high=4e-4),
    "cispo": Objective(normalise="group", weighting="token", loss="weighted", clip_low=1.0, clip_high=4.0),
    "rloo": Objective(normalise="leave_one_out", weighting="limit", loss="reinforce"),
    "maxrl": Objective(normalise="mean", weighting="limit", loss="reinforce"),
    "raft": Objective(normalise="reward", weighting="token", loss="likelihood"),
}
"""By the recipe's `objective`: arXiv 2501.03262, 2402.03300, 2503.20783, 2503.14476, 2507.18071, 2506.13585,
2402.14740, 2602.02710, 2304.06767, in this order. GRPO's KL penalty is the recipe's `kl`, DAPO's punishment its
`overlong`.

All take their means over the groups that teach: one whose rewards are all equal counts nowhere. RAFT has no groups: it
is supervised learning of the policy's own paid rollouts, and of nothing else. MaxRL needs rewards
that are never negative."""
