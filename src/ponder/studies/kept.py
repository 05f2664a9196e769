"""What every run came to, kept beside the study, so that its seeds count when their run folders are gone.

A run counts as long as it would be asked the same (`ponder.studies.asked`), and the study's numbers are the same; a
claim or a figure may change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from ponder.runs import manifests
from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.runs.lock import in_turn
from ponder.studies.run import Run
from ponder.studies.schema import Study
from ponder.types import PonderError

NAME = "seeds.json"
"""Beside the study's results."""

Values = Mapping[tuple[str, int], Mapping[str, Mapping[str, float]]]
"""By arm and seed of a run: name of each arm that it speaks for -> number -> value."""


class Seed(BaseModel):
    """What a run came to."""

    asked: str
    """`digest` of the run, when it was made."""
    ponder: str
    """Version that made it."""
    commit: str | None = None
    """Of the repository that it was made in, where there was one."""
    values: dict[str, dict[str, float]]
    """As in `Values`."""


class Seeds(BaseModel):
    """The file."""

    study: str
    """Its name."""
    runs: dict[str, dict[int, Seed]]
    """By arm and seed."""


def read(study: Study, path: Path, runs: list[Run]) -> tuple[Values, list[Run]]:
    """What is kept of these runs, and those of which is kept what was asked otherwise; `path`: the study's file."""
    found = _file(path.parent)
    kept = {run.key: seed for run in runs if (seed := found and found.runs.get(run.arm, {}).get(run.seed))}
    same = {run.key for run in runs if run.key in kept and kept[run.key].asked == digest(study, run)}
    other = [run for run in runs if run.key in kept.keys() - same]
    return {key: kept[key].values for key in kept if key in same}, other


def write(study: Study, path: Path, runs: list[Run], values: Values) -> None:
    """Keep what these runs came to, beside what is kept already: a seed that is not asked for today is not lost."""
    with in_turn(path):  # another `ponder study` of the same file may be adding its own
        before = _file(path.parent)
        made = before.runs if before else dict[str, dict[int, Seed]]()
        for run in runs:
            if run.done and run.key in values:
                made.setdefault(run.arm, {})[run.seed] = _seed(study, run, values[run.key])
        if made:
            told = Seeds(study=study.name, runs=made).model_dump(mode="json")
            write_atomic(path.parent / NAME, to_json(told, indent=1))


def digest(study: Study, run: Run) -> str:
    """SHA-256 of all that decides what a run is told to come to: what its processes are asked, and the numbers."""
    looks = {
        name: [study.parameters | look.parameters, look.told]
        for name, look in study.arms.items()
        if run.arm == (look.looks_at or name)
    }
    asked = [[task.asked for task in run.tasks], study.numbers, looks]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _seed(study: Study, run: Run, values: Mapping[str, Mapping[str, float]]) -> Seed:
    made = manifests.read(run.folder)
    return Seed(
        asked=digest(study, run),
        ponder=made["versions"]["ponder"],
        commit=made.get("git_commit"),
        values={arm: dict(numbers) for arm, numbers in values.items()},
    )


def _file(folder: Path) -> Seeds | None:
    path = folder / NAME
    if not path.exists():
        return None
    try:
        return Seeds.model_validate_json(path.read_text())
    except ValueError:
        raise PonderError(f"{path}: not what ponder keeps of a study's seeds; move it away") from None
