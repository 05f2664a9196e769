"""What a run tells whoever is watching; by itself it tells nobody."""

from __future__ import annotations

from collections.abc import Sequence

from ponder.stages.drive import Stage, Step
from ponder.types import Rollout


class Watcher:
    """Hears of everything as it happens; a subclass shows what it likes."""

    def began(self, stage: Stage, start: int) -> None:
        """A stage begins at step `start`."""

    def stepped(self, stage: Stage, index: int, step: Step) -> None:
        """Step `index` of a stage is done."""

    def ended(self, stage: Stage, done: int) -> None:
        """A stage is over after `done` steps: all of them, or what the time allowed."""

    def measuring(self, condition: str, completions: int) -> None:
        """A condition is about to be measured."""

    def wrote(self) -> None:
        """A completion of the condition being measured is finished."""

    def measured(self, condition: str, rollouts: Sequence[Rollout]) -> None:
        """A condition has been measured."""

    def warned(self, message: str) -> None:
        """Something a person should know."""
