"""What a model says before any training: asked once for all runs that begin alike, as those of a study's seed do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponder.measure.suite import Suite
from ponder.recipes import build
from ponder.recipes.schema import Recipe
from ponder.runs.files import write_atomic
from ponder.runs.folder import Run
from ponder.runs.lines import to_json
from ponder.runs.table import damage, read_rollouts, write_rollouts
from ponder.types import Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A folder for all runs that ask the same suite of the same weights on the same streams."""

    folder: Path
    """Two files for each condition: its rollouts, and how long they took."""

    def find(self, condition: str) -> tuple[list[Rollout], float] | None:
        """What was said, and the seconds it took; None where nobody has asked yet, or is just asking."""
        path, seconds = self._files(condition)
        if not seconds.exists() or not path.exists() or damage(path):
            return None
        return read_rollouts(path), float(json.loads(seconds.read_text()))

    def keep(self, condition: str, rollouts: Sequence[Rollout], seconds: float) -> None:
        """For the runs that come after."""
        path, took = self._files(condition)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_rollouts(path, rollouts, run="")
        write_atomic(took, to_json(seconds))

    def _files(self, condition: str) -> tuple[Path, Path]:
        return self.folder / f"{condition}.parquet", self.folder / f"{condition}.json"


def beginning(folder: Path, run: Run, recipe: Recipe, suite: Suite) -> Beginning | None:
    """That of a run, among all in a folder; None where a judge watches, whose weights and spec may be others."""
    if suite.judged_by:
        return None
    told = hashlib.sha256(to_json(_what_decides(run, recipe, suite)).encode()).hexdigest()
    return Beginning(folder=folder / told[:16])


def _what_decides(run: Run, recipe: Recipe, suite: Suite) -> dict[str, Any]:
    """Everything that rollouts of weights as they came depend on: no stage, and of the domains those that are asked."""
    own = recipe.domains
    made: dict[str, Any] = run.manifest
    files = [file.stat() for file in sorted(build.source_of(recipe).iterdir())]
    return {
        "model": recipe.model.model_dump(mode="json"),
        "files": [(file.st_size, file.st_mtime_ns) for file in files],
        "measure": recipe.measure.model_dump(mode="json") if recipe.measure else None,
        "domains": {name: own[name].model_dump(mode="json") for name in suite.domains if name in own},
        "data": {name: made["data"].get(name) for name in suite.domains},
        "tiers": {name: str(tier) for name, tier in suite.tiers.items()},
        **{name: made[name] for name in ("suite", "seeds", "versions", "git_commit", "machine")},
    }
