"""Distillation of a spec (deliberative alignment, arXiv:2412.16339): answer under it, filter, learn without it.

The first steps only ask, with the spec before the question. The others learn what was kept, with the spec taken out.
What is kept follows from the rollouts alone, so a resumed run finds it again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

from ponder.rollout import Roller
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.stages.cold_start import ColdStart
from ponder.stages.drive import Step
from ponder.stages.kept import Kept, clause_of, kind_of
from ponder.types import Cell, Outcome, Problem, Role, Rollout, Verdict

NAME = "distil"
"""Of the stage, as metrics, rollouts and checkpoints show it."""


class Harvest:
    """What was asked, and which of it is kept: the best rollout of each problem that passed everything."""

    def __init__(self, *, least: float) -> None:
        """`least`: smallest value of a filter's verdict that passes."""
        self.least = least
        self.kept: list[tuple[Problem, Rollout]] = []
        """Each with the problem as it was before the spec was put there."""
        self.dropped: Counter[str] = Counter()
        """Why, and how often."""

    def take(self, problems: Sequence[Problem], rollouts: Sequence[Rollout], *, group: int) -> dict[str, float]:
        """`group` rollouts of each problem, in order; tells shares of all rollouts, and how many problems had one."""
        reasons = [self.reason(rollout) for rollout in rollouts]
        self.dropped.update(reason for reason in reasons if reason)
        before = len(self.kept)
        for at, problem in enumerate(problems):
            rows = range(at * group, (at + 1) * group)
            passed = [rollouts[i] for i in rows if not reasons[i]]
            if passed:
                self.kept.append((problem, max(passed, key=worth)))
        return {"kept": (len(self.kept) - before) / len(problems), **shares(rollouts, reasons)}

    def reason(self, rollout: Rollout) -> str:
        """Why a rollout is dropped; nothing where it is not."""
        if rollout.completion.outcome is not Outcome.ANSWERED:
            return str(rollout.completion.outcome)
        for verdict in filters(rollout):
            if verdict.value is None:
                return "not judged"
            if verdict.value < self.least:
                return verdict.verifier
        return ""

    @property
    def told(self) -> str:
        """What was kept and what was not, in a line."""
        reasons = ", ".join(f"{n} {reason}" for reason, n in self.dropped.most_common())
        return f"{len(self.kept)} problems kept" + (f"; dropped: {reasons}" if reasons else "")


def shares(rollouts: Sequence[Rollout], reasons: Sequence[str]) -> dict[str, float]:
    """Of all rollouts, how many were dropped for each reason; of those that were not, how many are right by gold."""
    passed = [rollout for rollout, why in zip(rollouts, reasons, strict=True) if not why]
    golden = [verdict.value for r in passed if (verdict := r.verdict(Role.GOLD)) and verdict.value is not None]
    dropped = Counter(why for why in reasons if why)
    told = {f"dropped_{why.replace(' ', '_')}": n / len(rollouts) for why, n in sorted(dropped.items())}
    return {"rollouts": float(len(rollouts))} | told | ({"passed_gold": fmean(golden)} if golden else {})


def filters(rollout: Rollout) -> list[Verdict]:
    """The verdicts that decide what is kept, in the order given."""
    return [verdict for verdict in rollout.verdicts if verdict.role is Role.FILTER]


def worth(rollout: Rollout) -> float:
    """By which the best of a problem is found: the least of its filters' values."""
    return min((verdict.value or 0.0 for verdict in filters(rollout)), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Distil:
    """The stage: `gather` steps that ask, then `learning` ones."""

    roller: Roller
    """Who makes rollouts, with the spec before each problem; its examiner filters."""
    source: Callable[[int], Sequence[Problem]]
    """Step -> its problems, without the spec."""
    gather: int
    """Steps that ask."""
    group: int
    """Rollouts of each problem."""
    cell: Cell
    """How completions are asked for."""
    harvest: Harvest
    """What was kept so far."""
    clauses: tuple[str, ...]
    """Ids by which what was kept is balanced."""
    expected: tuple[str, ...] = ()
    """Those of them on which something is to rest; none where thinking need not name any."""
    teach: Callable[[Mapping[str, Kept]], ColdStart]
    """Makes the learning half out of what was kept, by kind."""
    before: int
    """Updates the policy had when the stage began."""
    learning: int
    """Steps that learn."""
    restated: str | None = None
    """Line before the thinking that is learned, with `{question}` in it."""
    name: str = NAME
    """Name of the stage."""

    @property
    def steps(self) -> int:
        """All of them."""
        return self.gather + self.learning

    def step(self, index: int) -> Step:
        """Ask, or learn from what was kept."""
        if index < self.gather:
            return self._ask(index)
        if not self.harvest.kept:
            return Step(metrics={"kept": 0.0}, halt=f"distil: nothing was kept; {self.harvest.told}")
        return self.second_half.step(index - self.gather)

    @cached_property
    def second_half(self) -> ColdStart:
        """The supervised learning of what was kept, once everything was asked."""
        return self.teach(self.kinds())

    def catch_up(self, run: Run, *, steps: int) -> None:
        """Take in again what a run has asked in its first `steps` steps."""
        for index in range(min(steps, self.gather)):
            rollouts = read_rollouts(run.rollouts_file(self.name, index))
            self.harvest.take(self.source(index), rollouts, group=self.group)

    def kinds(self) -> dict[str, Kept]:
        """What was kept, by domain, clause and outcome: each kind is learned from as often as the others."""
        found: dict[str, list[tuple[Problem, Rollout]]] = {}
        for problem, rollout in self.harvest.kept:
            found.setdefault(kind_of(problem, rollout, self.clauses), []).append((problem, rollout))
        return {name: Kept(name, pairs, restated=self.restated) for name, pairs in sorted(found.items())}

    def rests(self) -> Counter[str]:
        """How much of what was kept rests on each clause, or on none that is named."""
        return Counter(clause_of(rollout, self.clauses) for _, rollout in self.harvest.kept)

    def _ask(self, index: int) -> Step:
        problems = list(self.source(index))
        cells = [replace(self.cell, domain=p.domain, split=p.split, language=p.language) for p in problems]
        began = time.perf_counter()
        rollouts = self.roller.roll(problems, cells, group=self.group, stage=self.name, step=index, version=self.before)
        took, tokens = time.perf_counter() - began, sum(len(rollout.completion.tokens) for rollout in rollouts)
        timings = {"sample_seconds": took, "sample_tokens_per_second": tokens / took}
        metrics = self.harvest.take(problems, rollouts, group=self.group)
        rests = self.rests()
        untaught = [clause for clause in self.expected if not rests[clause]]
        last = index == self.gather - 1
        return Step(
            metrics=metrics | {"untaught": float(len(untaught))},
            timings=timings,
            rollouts=rollouts,
            warning=self._warning(untaught, rests) if last and untaught and rests else "",
        )

    def _warning(self, untaught: Sequence[str], rests: Counter[str]) -> str:
        found = ", ".join(f"{n} {clause}" for clause, n in sorted(rests.items()))
        return (
            f"distil: nothing that was kept rests on {', '.join(untaught)} ({self.harvest.told}; it rests on {found}): "
            "nobody asks about it, or the judge lets none of it pass"
        )
