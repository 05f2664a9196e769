"""Which problem comes next, by how often those before were solved: those that are solved sometimes teach most.

A group whose rewards are all equal has no gradient. DAPO samples on until none is left (arXiv:2503.14476), Kimi k1.5
samples more of what is solved less and begins easy (arXiv:2501.12599); here a problem is worth p(1 - p), the variance
of its reward (learnability, arXiv:2502.12272; online difficulty filtering, arXiv:2504.03380), and no completion is
thrown away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from random import Random

from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.stages.mixture import Mixture, Place
from ponder.streams import stream
from ponder.types import Problem, Rollout


class Pool(StrEnum):
    """Where a problem stands by its success rate."""

    UNSEEN = "unseen"
    """No rollout of it was judged."""
    NEVER = "never"
    """Not solved yet."""
    SOMETIMES = "sometimes"
    """In between: worth asking again."""
    RETIRED = "retired"
    """Solved too often to teach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How often a problem is solved; each visit counts half as much as the next, since the policy moves on."""

    solved: float = 0.0
    """Sum of the values paid."""
    judged: float = 0.0
    """Number of rollouts they are of."""

    def after(self, values: Sequence[float]) -> Estimate:
        """The estimate after one more visit, whose judged rollouts were paid these values."""
        return Estimate(solved=self.solved / 2 + sum(values), judged=self.judged / 2 + len(values))

    @property
    def rate(self) -> float:
        """Success rate in [0, 1]; 0 where nothing was judged."""
        return self.solved / self.judged if self.judged else 0.0

    @property
    def worth(self) -> float:
        """4 p (1 - p), in (0, 1]; p by Jeffreys' rule (half a success and half a failure more), so never 0 or 1."""
        p = (self.solved + 0.5) / (self.judged + 1)
        return 4 * p * (1 - p)


NEW = Estimate()
"""Of a problem without a judged rollout; its worth is 1."""


class Curriculum:
    """Gives each step problems of the mixture, by what came of those before; shares of the domains stay what they are.

    With the chance `revisit`, a domain's turn looks back at one of the last `window` problems it was asked for; else,
    or where that one is not taken, it goes on to the next of its stream, which in a later epoch of a finite domain was
    asked before too. The worth of a problem is the chance that it is taken and not passed over: one never solved comes
    again seldom, and one solved more than `retire_above` of the time never. Where a whole epoch is passed over, the
    least solved problem is taken. This is one rule for both kinds of domain: a finite one comes back to everything by
    its epochs, an endless one to what it asked lately, and there estimates are still true.

    Its state follows from the rollouts of the steps before alone: see `catch_up`.
    """

    def __init__(
        self, mixture: Mixture, problems: int, *, retire_above: float = 0.9, revisit: float = 0.5, window: int = 256
    ) -> None:
        """`problems`: how many a step."""
        self.mixture = mixture
        self.problems = problems
        self.retire_above = retire_above
        self.revisit = revisit
        self.window = window
        self._step = 0
        self._places: dict[Place, None] = {}  # of this step, in order
        self._position = dict.fromkeys(mixture.domains, 0)
        self._seen: dict[str, dict[int, Estimate]] = {name: {} for name in mixture.domains}  # last visited last

    def source(self, index: int) -> list[Problem]:
        """The problems of step `index`, all different; `learned` must have heard of every step before it."""
        return self.mixture.fetch(list(self._plan(index)))

    def learned(self, index: int, rollouts: Sequence[Rollout]) -> None:
        """Take in the rollouts of step `index`, those of one problem as one visit."""
        self._plan(index)
        values: dict[Place, list[float]] = {}
        for rollout in rollouts:
            if rollout.paid is not None:
                values.setdefault(_place(rollout.problem), []).append(rollout.paid)
        for (name, number), paid in values.items():
            self._seen[name][number] = self._seen[name].pop(number, NEW).after(paid)
        self._step, self._places = index + 1, {}

    def pool(self, name: str, number: int) -> Pool:
        """Where a problem stands now."""
        estimate = self._estimate(name, number)
        if not estimate.judged:
            return Pool.UNSEEN
        if estimate.rate > self.retire_above:
            return Pool.RETIRED
        return Pool.SOMETIMES if estimate.rate > 0 else Pool.NEVER

    def pools(self) -> dict[Pool, int]:
        """How many of the problems seen stand in each pool."""
        found = Counter(self.pool(name, number) for name, seen in self._seen.items() for number in seen)
        return {pool: found[pool] for pool in Pool if pool is not Pool.UNSEEN}

    def _plan(self, index: int) -> Collection[Place]:
        assert index == self._step, f"step {index} was asked for while step {self._step} is the next: see catch_up"
        if not self._places:
            random = stream("curriculum", self.mixture.seed, index)
            for name, _ in self.mixture.turns(index * self.problems, self.problems):
                number = self._again(name, random) if random.random() < self.revisit else None
                self._places[name, self._onward(name, random) if number is None else number] = None
        return self._places

    def _again(self, name: str, random: Random) -> int | None:
        """A problem out of the window, or None where the dice are against it or the window is not full yet."""
        recent = islice(reversed(self._seen[name]), random.randrange(self.window), None)
        number = next(recent, None)
        return None if number is None or random.random() >= self._worth(name, number) else number

    def _onward(self, name: str, random: Random) -> int:
        """The next problem of the stream whose worth the dice agree with."""
        size = self.mixture.sizes[name]
        for _ in range(size or 1):
            number = self.mixture.number(name, self._position[name])
            self._position[name] += 1
            if random.random() < self._worth(name, number):
                return number
        assert size, "a stream without end goes on with problems that nobody has seen"
        free = [number for number in range(size) if (name, number) not in self._places]
        assert free, f"a step asks {name!r} for more problems than it has"
        return min(free, key=lambda number: self._estimate(name, number).rate)

    def _worth(self, name: str, number: int) -> float:
        """Chance in [0, 1] that a problem is taken when its turn comes; 0 for those this step has already."""
        if (name, number) in self._places or self.pool(name, number) is Pool.RETIRED:
            return 0.0
        return self._estimate(name, number).worth

    def _estimate(self, name: str, number: int) -> Estimate:
        return self._seen[name].get(number, NEW)


def catch_up(curriculum: Curriculum, run: Run, *, stage: str, steps: int) -> None:
    """Tell a new curriculum of the `steps` steps that a run has made of a stage, from the rollouts it wrote."""
    for index in range(steps):
        curriculum.learned(index, read_rollouts(run.rollouts_file(stage, index)))


def _place(problem: Problem) -> Place:
    """From its id, `domain/split/seed/index`: rollouts that were read back have nothing else."""
    return problem.domain, int(problem.id.rpartition("/")[2])
