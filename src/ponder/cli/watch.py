"""Shows a run as it goes: plain lines anywhere, and bars besides on a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Column

from ponder.cli.completions import show, to_read
from ponder.cli.screen import say, visible
from ponder.recipes.progress import Watcher
from ponder.stages.drive import Stage, Step
from ponder.stages.reinforce import summary
from ponder.types import Rollout

LINES = 20
"""Plain lines a stage has about."""
READINGS = 6
"""Times that a stage shows completions, about."""


@contextmanager
def watching(console: Console) -> Iterator[Lines]:
    """Whoever suits the console; bars are taken down however the run ends."""
    if not console.is_terminal:
        yield Lines(console)
        return
    progress = Progress(*COLUMNS, console=console, refresh_per_second=2, expand=True)
    with progress:
        yield Bars(console, progress)


class Lines(Watcher):
    """Lines without control codes, whatever a completion holds."""

    def __init__(self, console: Console) -> None:
        """`console`: where the lines go."""
        self.console = console
        self.pace = Pace(0)

    def began(self, stage: Stage, start: int) -> None:
        """Say which stage, and where it goes on."""
        self.pace = Pace(start)
        say(self.console, f"{stage.name}: {stage.steps} steps{f', from step {start} on' if start else ''}")

    def stepped(self, stage: Stage, index: int, step: Step) -> None:
        """A line for some steps, and completions for fewer."""
        if due(index, stage.steps, LINES):
            left = self.pace.left(index + 1, stage.steps)
            say(self.console, f"  step {index + 1}/{stage.steps}, {left} left: {note(step.metrics, step.timings)}")
        self._tell(stage, index, step)

    def ended(self, stage: Stage, done: int) -> None:
        """Say how far it came."""
        say(self.console, f"{stage.name}: {done} of {stage.steps} steps done in {self.pace.spent()}")

    def measuring(self, condition: str, completions: int) -> None:
        """Say what is measured."""
        self.pace = Pace(0)
        say(self.console, f"measuring {condition}: {completions} completions")

    def measured(self, condition: str, rollouts: Sequence[Rollout]) -> None:
        """Say what came out, and show two completions."""
        say(self.console, f"  {condition} in {self.pace.spent()}: {note(summary(rollouts), {})}")
        show(self.console, to_read(rollouts, len(rollouts) // 2))

    def warned(self, message: str) -> None:
        """Say it."""
        say(self.console, f"warning: {visible(message)}", style="yellow")

    def _tell(self, stage: Stage, index: int, step: Step) -> None:
        if step.rollouts and due(index, stage.steps, READINGS):
            show(self.console, to_read(step.rollouts, index))
        if step.warning:
            self.warned(step.warning)


COLUMNS = (
    TextColumn("{task.description}", markup=False),
    BarColumn(bar_width=16),
    MofNCompleteColumn(),
    TextColumn("{task.fields[left]}", style="cyan", markup=False),
    TextColumn("{task.fields[note]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
)
"""A bar: what, how far, how long it takes still, and how it goes."""


class Bars(Lines):
    """A bar for each stage and condition below the completions to read."""

    def __init__(self, console: Console, progress: Progress) -> None:
        """`progress`: shown on that console already."""
        super().__init__(console)
        self.progress = progress
        self.bar = TaskID(0)
        self.written, self.asked = 0, 0

    def began(self, stage: Stage, start: int) -> None:
        """A new bar."""
        self.pace = Pace(start)
        self.bar = self.progress.add_task(stage.name, total=stage.steps, completed=start, left="", note="")

    def stepped(self, stage: Stage, index: int, step: Step) -> None:
        """Move the bar."""
        left = f"{self.pace.left(index + 1, stage.steps)} left"
        self.progress.update(self.bar, completed=index + 1, left=left, note=note(step.metrics, step.timings))
        self._tell(stage, index, step)

    def ended(self, stage: Stage, done: int) -> None:
        """Say on the bar how long it took."""
        self.progress.update(self.bar, completed=done, left=self.pace.spent())
        self.progress.stop_task(self.bar)

    def measuring(self, condition: str, completions: int) -> None:
        """A new bar."""
        self.pace, self.written, self.asked = Pace(0), 0, completions
        self.bar = self.progress.add_task(f"measuring {condition}", total=completions, left="", note="")

    def wrote(self) -> None:
        """Move the bar."""
        self.written += 1
        left = f"{self.pace.left(self.written, self.asked)} left"
        self.progress.update(self.bar, completed=self.written, left=left)

    def measured(self, condition: str, rollouts: Sequence[Rollout]) -> None:
        """Fill the bar, and show two completions."""
        count = len(rollouts)
        told = note(summary(rollouts), {})
        self.progress.update(self.bar, total=count, completed=count, left=self.pace.spent(), note=told)
        show(self.console, to_read(rollouts, len(rollouts) // 2))


class Pace:
    """How long the rest will take, if it goes on as since `start`."""

    def __init__(self, start: int) -> None:
        """`start`: steps done already."""
        self.start, self.began = start, time.monotonic()

    def spent(self) -> str:
        """Minutes and seconds since the beginning."""
        return clock(time.monotonic() - self.began)

    def left(self, done: int, total: int) -> str:
        """Minutes and seconds to the end."""
        return clock((time.monotonic() - self.began) / (done - self.start) * (total - done))


def clock(seconds: float) -> str:
    """`4:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def due(index: int, steps: int, times: int) -> bool:
    """Whether step `index` is one of about `times` evenly spread ones; the first and the last are."""
    return index % max(1, steps // times) == 0 or index == steps - 1


PARTS: Mapping[str, str] = {
    "loss": "loss {:.3g}",
    "kept": "kept {:.0%}",
    "passed_gold": "right by gold {:.0%}",
    "reward": "reward {:.2f}",
    "share_thinking": "thinks {:.0%}",
    "thinking_tokens": "thinking {:.0f}",
    "price": "price {:.2g}",
    "answer_tokens": "answer {:.0f} tokens",
    "truncated": "truncated {:.0%}",
    "no_answer": "no answer {:.0%}",
    "not_judged": "not judged {:.0%}",
}
"""Name of a metric -> how it is told, in this order."""
FAULTS = ("no_answer", "not_judged")
"""Told only where there are any."""
RATES = ("sample_tokens_per_second", "learn_tokens_per_second")


def note(metrics: Mapping[str, float], timings: Mapping[str, float]) -> str:
    """How a step went, in a line."""
    known = {name: metrics[name] for name in PARTS if name in metrics and (metrics[name] or name not in FAULTS)}
    if "reward" in known:
        known.pop("loss", None)
    rates = [f"{timings[name]:.0f} tokens/s" for name in RATES if name in timings]
    return " · ".join([PARTS[name].format(value) for name, value in known.items()] + rates[:1])
