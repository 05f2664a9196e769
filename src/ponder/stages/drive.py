"""The loop that all stages share: step, record, checkpoint, stop in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ponder.runs.folder import Run
from ponder.runs.table import write_rollouts
from ponder.types import PonderError, Rollout

KEPT = 2
"""Checkpoints of a stage: the newest, and one before it in case that one is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of a stage did."""

    metrics: dict[str, float]
    """No clock in them: a resumed run writes the same bytes."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds and rates."""
    rollouts: Sequence[Rollout] = ()
    """All rollouts of the step; none in supervised stages."""
    halt: str = ""
    """Why the stage must stop here, in a line for the user; recorded first, so that they can look."""


class Stage(Protocol):
    """One kind of training, a step at a time; step i depends on i and on the policy alone."""

    @property
    def name(self) -> str:
        """Name of the stage, as metrics and rollouts show it."""
        ...

    @property
    def steps(self) -> int:
        """How many steps it has."""
        ...

    def step(self, index: int) -> Step:
        """Make one update."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """When and how a stage's progress is kept."""

    run: Run
    """Where."""
    save: Callable[[Path], None]
    """Writes model and learner into a folder."""
    every: int
    """Steps between checkpoints; the last step always has one."""
    before: int
    """Updates that earlier stages made: the number of this stage's checkpoint 0."""
    protected: tuple[int, ...] = ()
    """Checkpoints of earlier stages, never removed."""

    def keep(self, stage: Stage, done: int) -> None:
        """Write the checkpoint after `done` steps of `stage` unless it is there, and drop the older ones of it."""
        number = self.before + done
        if not self.run.checkpoint_path(number).exists():  # a number tells the updates, and those tell the weights
            with self.run.checkpoint(number, {"stage": stage.name, "step": done}) as folder:
                self.save(folder)
        self.run.keep(KEPT, protected=self.protected)


def drive(
    stage: Stage,
    keeper: Keeper,
    *,
    start: int = 0,
    deadline: float | None = None,
    watch: Callable[[Stage, int, Step], None] = lambda stage, index, step: None,
) -> int:
    """Run `stage` from step `start` to its end, or past `deadline` (monotonic seconds); returns the steps done."""
    done = start
    while done < stage.steps and (deadline is None or time.monotonic() < deadline):
        began = time.perf_counter()
        step = stage.step(done)
        if step.halt:
            keeper.keep(stage, done)  # the steps before are not lost, and what follows is there to be read
        if step.rollouts:
            write_rollouts(keeper.run.rollouts_file(stage.name, done), step.rollouts, run=keeper.run.name)
        keeper.run.log_metrics(stage.name, done, step.metrics)
        keeper.run.log_timing(stage.name, done, step.timings | {"seconds": time.perf_counter() - began})
        watch(stage, done, step)
        if step.halt:
            raise PonderError(step.halt)
        done += 1
        if done % keeper.every == 0 and done < stage.steps:
            keeper.keep(stage, done)
    keeper.keep(stage, done)
    return done
