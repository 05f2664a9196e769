"""The loop that all stages share: step, record, checkpoint, stop in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ponder.runs.checkpoints import Checkpoint
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
    warning: str = ""
    """What the user should look at, in a line that is shown and kept nowhere; the stage goes on."""
    halt: str = ""
    """Why the stage must stop here, in a line for the user; recorded first, so that they can look."""
    back: bool = False
    """Whether a halt is no error: the stage ends, with the policy of its last good checkpoint."""


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
class WayBack:
    """How a stage goes back to its last good checkpoint."""

    good: Callable[[int], bool]
    """Whether nothing is known to speak against the policy after so many steps."""
    load: Callable[[Path], None]
    """Takes model and learner from a checkpoint."""
    tell: Callable[[str], None]
    """Says it, in a line."""


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
    way_back: WayBack | None = None
    """For a stage that may go back: its last good checkpoint is kept too."""

    def keep(self, stage: Stage, done: int) -> None:
        """Write the checkpoint after `done` steps of `stage` unless it is there, and drop the older ones of it."""
        number = self.before + done
        if not self.run.checkpoint_path(number).exists():  # a number tells the updates, and those tell the weights
            with self.run.checkpoint(number, {"stage": stage.name, "step": done}) as folder:
                self.save(folder)
        good = self._last_good()
        self.run.keep(KEPT, protected=(*self.protected, good.number) if good else self.protected)

    def go_back(self, stage: Stage, why: str) -> int:
        """End `stage` at its last good checkpoint; what came since stays, to be read. Returns the steps done then."""
        good = self._last_good()
        if not (self.way_back and good):
            raise PonderError(f"{why}; there is no whole checkpoint to go back to")
        self.run.return_to(good)
        self.way_back.load(good.path)
        done = good.number - self.before
        first = self.run.rollouts_file(stage.name, done)
        self.way_back.tell(f"{why}; back at step {done} of {stage.name}: read {first} and the later ones")
        return done

    def _last_good(self) -> Checkpoint | None:
        """The newest whole one that is good, or that which the stage began with."""
        if self.way_back is None:
            return None
        good, before = self.way_back.good, self.before
        return self.run.newest_checkpoint(
            lambda number: number == before or (number > before and good(number - before))
        )


def went_back(checkpoint: Checkpoint, stage: str) -> int | None:
    """The step of `stage` that a run has gone back to for good; None where it has not.

    Rollouts of that step are older than the marks of its checkpoint only where the run has come back to it.
    """
    step = checkpoint.state["step"] if checkpoint.state["stage"] == stage else 0
    return step if checkpoint.marks["rollouts"].get(stage, -1) >= step else None


def ended_before(run: Run, checkpoint: Checkpoint) -> Iterator[tuple[str, int]]:
    """The stages before that of a checkpoint which left one of their own, the last first: name, and its number."""
    while checkpoint.state["step"] and (number := checkpoint.number - checkpoint.state["step"]):
        earlier = run.newest_checkpoint(lambda other, wanted=number: other == wanted)
        if earlier is None:
            return
        yield earlier.state["stage"], number
        checkpoint = earlier


def drive(
    stage: Stage,
    keeper: Keeper,
    *,
    start: int = 0,
    deadline: float | None = None,
    watch: Callable[[Stage, int, Step], None] = lambda stage, index, step: None,
) -> int:
    """Run `stage` from step `start` to its end, or past `deadline` (monotonic seconds); returns the steps done.

    With a way back, the stage begins with a checkpoint; where it goes back, the steps done are those of the good one.
    """
    done = start
    if keeper.way_back:
        keeper.keep(stage, done)
    while done < stage.steps and (deadline is None or time.monotonic() < deadline):
        began = time.perf_counter()
        step = stage.step(done)
        if step.halt and not step.back:
            keeper.keep(stage, done)  # the steps before are not lost, and what follows is there to be read
        if step.rollouts:
            write_rollouts(keeper.run.rollouts_file(stage.name, done), step.rollouts, run=keeper.run.name)
        keeper.run.log_metrics(stage.name, done, step.metrics)
        keeper.run.log_timing(stage.name, done, step.timings | {"seconds": time.perf_counter() - began})
        watch(stage, done, step)
        if step.back:
            return keeper.go_back(stage, step.halt)
        if step.halt:
            raise PonderError(step.halt)
        done += 1
        if done % keeper.every == 0 and done < stage.steps:
            keeper.keep(stage, done)
    keeper.keep(stage, done)
    return done
