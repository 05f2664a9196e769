"""What every run came to, kept beside the study, so that its seeds count when their run folders are gone.

A run counts as long as it would be asked the same: its recipe with all settings, what it is measured with, those of the
study's `needs` that it begins with, and the study's numbers. What else it hangs on is not looked at (ponder itself,
though its version is told; data that a recipe names by path; weights that it names), and neither is a claim or a
figure, which can change.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from ponder.runs import manifests
from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.studies.asked import digest
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


def read(study: Study, path: Path, runs: list[Run]) -> Values:
    """What is kept of these runs; `path`: the study's file. What was asked otherwise, or of another study, is not."""
    found = _file(path.parent)
    if found is None or found.study != study.name:
        return {}
    known = ((run, found.runs.get(run.arm, {}).get(run.seed)) for run in runs)
    return {run.key: seed.values for run, seed in known if seed and seed.asked == digest(study, path, run)}


def write(study: Study, path: Path, runs: list[Run], values: Values) -> None:
    """Keep what these runs came to, beside what is kept already: a seed that is not asked for today is not lost."""
    before = _file(path.parent)
    made = before.runs if before and before.study == study.name else dict[str, dict[int, Seed]]()
    for run in runs:
        if run.done and run.key in values:
            made.setdefault(run.arm, {})[run.seed] = _seed(study, path, run, values[run.key])
    write_atomic(path.parent / NAME, to_json(Seeds(study=study.name, runs=made).model_dump(mode="json"), indent=1))


def _seed(study: Study, path: Path, run: Run, values: Mapping[str, Mapping[str, float]]) -> Seed:
    made = manifests.read(run.folder)
    return Seed(
        asked=digest(study, path, run),
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
