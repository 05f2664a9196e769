"""Advantages, costs, weightings, losses, penalties, corrections: pure tensor functions, and presets made of them."""

from ponder.objectives.advantages import ADVANTAGES, BASELINES, has_variance
from ponder.objectives.correction import CORRECTIONS
from ponder.objectives.costs import COSTS
from ponder.objectives.divergence import PENALTIES
from ponder.objectives.losses import LOSSES, Loss, Terms
from ponder.objectives.presets import OBJECTIVES, Objective
from ponder.objectives.rewards import overlong, token_cost
from ponder.objectives.weighting import WEIGHTINGS

__all__ = [
    "ADVANTAGES",
    "BASELINES",
    "CORRECTIONS",
    "COSTS",
    "LOSSES",
    "OBJECTIVES",
    "PENALTIES",
    "WEIGHTINGS",
    "Loss",
    "Objective",
    "Terms",
    "has_variance",
    "overlong",
    "token_cost",
]
