"""What rollouts pay for their thinking, step by step: a fixed tariff, or a price that holds a mean length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import torch
from torch import Tensor

from ponder.objectives.costs import COSTS, Tariff, next_price
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import Rollout


class Costing:
    """A cost of thinking tokens and its price now.

    The price after a step follows from the rollouts of all steps so far and from nothing else, so a resumed run finds
    it again: see `catch_up`.
    """

    def __init__(
        self, use: str, tariff: Tariff, *, hold: float | None = None, rate: float = 0.1, ceiling: float = 1.0
    ) -> None:
        """`use`: key of `objectives.costs.COSTS`; the others are those of `objectives.costs.next_price`."""
        self.use, self.tariff, self.hold, self.rate, self.ceiling = use, tariff, hold, rate, ceiling

    def charge(
        self, rollouts: Sequence[Rollout], rewards_PG: Tensor, judged_PG: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """Rewards `[P,G]` to learn from, and metrics: `cost`, the mean that was taken, and `price` where there is one.

        With `hold`, the price of the next step is another.
        """
        tokens_PG = torch.tensor([float(tokens) for tokens in _lengths(rollouts)]).view_as(rewards_PG)
        left_PG = COSTS[self.use](rewards_PG, tokens_PG, judged_PG, self.tariff)
        taken = (rewards_PG - left_PG)[judged_PG]
        told = {"cost": taken.double().mean().item() if len(taken) else 0.0}
        if self.use == "linear":
            told["price"] = self.tariff.price
        self.hear(rollouts)
        return left_PG, told

    def hear(self, rollouts: Sequence[Rollout]) -> None:
        """One more step has been made; move the price, where a mean length is to be held."""
        if self.hold is not None:
            how = {"hold": self.hold, "rate": self.rate, "ceiling": self.ceiling}
            price = next_price(self.tariff.price, fmean(_lengths(rollouts)), **how)
            self.tariff = replace(self.tariff, price=price)

    def catch_up(self, run: Run, *, stage: str, steps: int) -> None:
        """Hear again of the `steps` steps that a run has made of a stage."""
        if self.hold is not None:
            for index in range(steps):
                self.hear(read_rollouts(run.rollouts_file(stage, index)))


def _lengths(rollouts: Sequence[Rollout]) -> list[int]:
    return [rollout.completion.thinking_tokens for rollout in rollouts]
