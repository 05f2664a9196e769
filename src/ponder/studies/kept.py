"""What every run came to, kept beside the study, so that its seeds count when their run folders are gone.

A run counts as long as it would be asked the same: its recipe with all settings, what it is measured with, what it
begins with, and the study's numbers. What else it hangs on is not looked at (ponder itself, though its version is told;
data that a recipe names by path; weights that it names), and neither is a claim or a figure, which can change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ponder.recipes.load import load_recipe, load_suite
from ponder.recipes.schema import Recipe
from ponder.runs import manifests
from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.studies.run import Run
from ponder.studies.schema import Study, recipe_of
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


def digest(study: Study, path: Path, run: Run) -> str:
    """SHA-256 of all that a run is asked."""
    return hashlib.sha256(json.dumps(list(_asked(study, path, run)), sort_keys=True).encode()).hexdigest()


def _asked(study: Study, path: Path, run: Run) -> Iterator[Any]:
    arm = study.arms[run.arm]
    yield from _of_recipe(load_recipe(recipe_of(study, path, run.arm), study.settings(run.arm, run.seed)))
    yield [_said(load_suite(str(path.parent / suite))) for suite in arm.also]
    yield arm.audits
    for need in study.needs:
        yield [need.out, *_of_recipe(load_recipe(path.parent / need.recipe, need.settings))]
    yield study.numbers
    yield {
        name: [study.parameters | look.parameters, look.told]
        for name, look in study.arms.items()
        if run.arm == (look.looks_at or name)
    }


def _of_recipe(recipe: Recipe) -> Iterator[Any]:
    """The recipe, its suite, and the spec where it is a file."""
    yield _said(recipe)
    yield recipe.measure and _said(load_suite(recipe.measure.suite))
    yield recipe.spec and Path(recipe.spec).is_file() and Path(recipe.spec).read_text()


def _said(config: BaseModel) -> dict[str, Any]:
    """What differs from the defaults: so that a key that a later ponder knows changes nothing."""
    return config.model_dump(mode="json", exclude_defaults=True)


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
