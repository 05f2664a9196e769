"""What a run of a study is asked, and whether what is there was asked the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ponder.recipes.load import load_recipe, load_suite, parse
from ponder.recipes.record import settled
from ponder.recipes.schema import Recipe, SuiteConfig
from ponder.runs import manifests
from ponder.studies.run import Run
from ponder.studies.schema import Study, recipe_of


def check_same(study: Study, path: Path, runs: list[Run]) -> None:
    """Raise PonderError where a run, or one of what runs begin with, was made with another recipe or another suite.

    Seeds, arms, numbers and claims of a study may change at any time: numbers are asked anew of what was run.
    """
    for need in study.needs:
        _check_run(Path(need.out), load_recipe(path.parent / need.recipe, need.settings))
    for run in runs:
        _check_run(run.folder, load_recipe(recipe_of(study, path, run.arm), study.settings(run.arm, run.seed)))
        for suite, beside in zip(study.arms[run.arm].also, run.tasks[1:], strict=False):  # audits come after them
            _check_suite(beside.folder, str(path.parent / suite))


def _check_run(folder: Path, recipe: Recipe) -> None:
    if (folder / manifests.NAME).exists():
        made = manifests.read(folder)["recipe"]
        was = parse(Recipe, made, where=str(folder / manifests.NAME))  # what this ponder knows more of has its default
        manifests.refuse_change(folder, {"recipe": _whole(was)}, {"recipe": _whole(settled(recipe, folder))})
        if recipe.measure:
            _check_suite(folder, recipe.measure.suite)


def _check_suite(folder: Path, name: str) -> None:
    if (folder / manifests.NAME).exists():
        was = parse(SuiteConfig, manifests.read(folder)["suite"], where=str(folder / manifests.NAME))
        manifests.refuse_change(folder, {"suite": _whole(was)}, {"suite": _whole(load_suite(name))})


def _whole(config: BaseModel) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude={"name"})  # which decides nothing


def digest(study: Study, path: Path, run: Run) -> str:
    """SHA-256 of all that a run is asked, the study's numbers included."""
    return hashlib.sha256(json.dumps(list(_asked(study, path, run)), sort_keys=True).encode()).hexdigest()


def _asked(study: Study, path: Path, run: Run) -> Iterator[Any]:
    arm = study.arms[run.arm]
    recipe = load_recipe(recipe_of(study, path, run.arm), study.settings(run.arm, run.seed))
    own = [*_of_recipe(recipe), [_said(load_suite(str(path.parent / suite))) for suite in arm.also], arm.audits]
    yield from own
    yield from _begun_with(study, path, own)
    yield study.numbers
    yield {
        name: [study.parameters | look.parameters, look.told]
        for name, look in study.arms.items()
        if run.arm == (look.looks_at or name)
    }


def _begun_with(study: Study, path: Path, own: list[Any]) -> list[Any]:
    """The study's `needs` that a run names, and those that these name: other ones may change, or be added."""
    used, named = list[Any](), json.dumps(own)
    for need in reversed(study.needs):  # one may begin with those before it
        if re.search(rf"{re.escape(need.out)}(?![\w-])", named):
            used.append([need.out, *_of_recipe(load_recipe(path.parent / need.recipe, need.settings))])
            named += json.dumps(used[-1])
    return used[::-1]


def _of_recipe(recipe: Recipe) -> Iterator[Any]:
    """The recipe, its suite, and the spec where it is a file."""
    yield _said(recipe)
    yield recipe.measure and _said(load_suite(recipe.measure.suite))
    yield recipe.spec and Path(recipe.spec).is_file() and Path(recipe.spec).read_text()


def _said(config: BaseModel) -> dict[str, Any]:
    """What differs from the defaults: so that a key that a later ponder knows changes nothing."""
    return config.model_dump(mode="json", exclude_defaults=True)
