"""What rollouts pay for their thinking, step by step: a fixed tariff, or a price that holds a mean length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch
from torch import Tensor

from ponder.objectives.costs import COSTS, Tariff, next_price
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.streams import stream
from ponder.types import Problem, Rollout

SAYS: dict[str, dict[str, str]] = {
    "target": {"en": "Think for {n} tokens.", "ja": "{n}トークンで考えてください。"},
    "target_max": {"en": "Think for at most {n} tokens.", "ja": "{n}トークン以内で考えてください。"},
}
"""How a target is told, by cost and language of the problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Lengths that are aimed at and told, one drawn for each problem (L1, arXiv:2503.04697)."""

    lengths: tuple[int, ...]
    """Thinking tokens, each as likely as the next."""
    seed: int
    """With a problem's id, it decides its length for ever."""

    def of(self, problem: Problem) -> int:
        """The length of a problem."""
        return stream("target", self.seed, problem.id).choice(self.lengths)

    def told(self, problem: Problem, use: str) -> Problem:
        """The problem with its length said after the last question; `use`: key of `SAYS`."""
        says = SAYS[use].get(problem.language, SAYS[use]["en"]).format(n=self.of(problem))
        return problem.asking(f"{problem.messages[-1].content}\n{says}")


class Costing:
    """A cost of thinking tokens and its price now.

    The price after a step follows from the rollouts of all steps so far and from nothing else, so a resumed run finds
    it again: see `catch_up`.
    """

    def __init__(
        self,
        use: str,
        tariff: Tariff,
        *,
        hold: float | None = None,
        rate: float = 0.1,
        ceiling: float = 1.0,
        targets: Targets | None = None,
    ) -> None:
        """`use`: key of `objectives.costs.COSTS`; `hold`, `rate`, `ceiling`: of `objectives.costs.next_price`.

        `targets`: told to the policy, in place of the tariff's own.
        """
        self.use, self.tariff, self.hold, self.rate, self.ceiling = use, tariff, hold, rate, ceiling
        self.targets = targets

    def posed(self, problem: Problem) -> Problem:
        """The problem as it is asked: with its target, where that is told."""
        return self.targets.told(problem, self.use) if self.targets else problem

    def charge(
        self, rollouts: Sequence[Rollout], rewards_PG: Tensor, judged_PG: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """Rewards `[P,G]` to learn from, and metrics: `cost`, the mean that was taken.

        `price` where there is one, and with a target `off_target`, the mean distance in tokens. With `hold`, the price
        of the next step is another.
        """
        tokens_PG = torch.tensor([float(tokens) for tokens in _lengths(rollouts)]).view_as(rewards_PG)
        tariff = self._tariff(rollouts[:: rewards_PG.shape[1]])
        left_PG = COSTS[self.use](rewards_PG, tokens_PG, judged_PG, tariff)
        taken = (rewards_PG - left_PG)[judged_PG]
        told = {"cost": taken.double().mean().item() if len(taken) else 0.0}
        if self.use == "linear":
            told["price"] = tariff.price
        if self.use in SAYS:
            told["off_target"] = (tokens_PG - tariff.target).abs().double().mean().item()
        self.hear(rollouts)
        return left_PG, told

    def _tariff(self, firsts: Sequence[Rollout]) -> Tariff:
        """That of these groups, by a rollout of each."""
        if not self.targets:
            return self.tariff
        lengths = [float(self.targets.of(rollout.problem)) for rollout in firsts]
        return replace(self.tariff, target=torch.tensor(lengths)[:, None])

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
