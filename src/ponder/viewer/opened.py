"""A run as far as it can be read: what is damaged is said, and the rest is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponder.runs.folder import METRICS, Run
from ponder.runs.lines import salvage
from ponder.types import PonderError

KINDS = {"training": "rollouts", "measured": "measured"}
"""What rollouts were made for -> the folder of a run that they stand in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A run folder that is there to be looked at."""

    path: Path
    """The folder."""
    manifest: Mapping[str, Any]
    """Its manifest; empty where that cannot be read."""
    warnings: tuple[str, ...] = ()
    """What could not be read, a line each."""

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.resolve().name

    @property
    def status(self) -> str:
        """What became of the run, as its manifest says now."""
        manifest = _manifest(self.path)[0]
        return str(manifest.get("status", "unknown"))

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The recipe that made it; empty where it has none."""
        recipe = self.manifest.get("recipe")
        return recipe if isinstance(recipe, dict) else {}

    def files(self) -> list[tuple[str, Path]]:
        """Kind and path of every file of rollouts there is now, whole or not."""
        return [(kind, path) for kind, name in KINDS.items() for path in sorted((self.path / name).glob("*.parquet"))]

    def metrics(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Every step logged that can be read, and a warning for each that cannot."""
        return salvage(self.path / METRICS)


def opened(path: Path) -> Opened:
    """The run in this folder, even where its manifest is damaged or newer, as long as there are rollouts.

    Raises `PonderError` where there is nothing to show.
    """
    manifest, reason = _manifest(path)
    run = Opened(path=path, manifest=manifest, warnings=(str(reason),) if reason else ())
    if reason and not (path.is_dir() and run.files()):
        raise reason
    return run


def _manifest(path: Path) -> tuple[Mapping[str, Any], PonderError | None]:
    try:
        return Run.open(path).manifest, None
    except PonderError as reason:
        return {}, reason
