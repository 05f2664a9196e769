"""What decides what a run of a study comes to: two that were asked the same are the same run.

What differs from the defaults alone is told, so that a key that a later ponder knows changes nothing. Not looked at:
ponder's own version, data that a recipe names by path, weights that no `needs` of the study makes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ponder.recipes.judges import digests, specs_read
from ponder.recipes.load import load_recipe, load_suite
from ponder.recipes.schema import Recipe
from ponder.studies.schema import Need, Study, recipe_of


def asked_of(study: Study, path: Path, arm: str, seed: int) -> dict[str, Any]:
    """Of the training of an arm and seed: recipe, suite and specs, and the same of what it begins with."""
    own = _of_recipe(load_recipe(recipe_of(study, path, arm), study.settings(arm, seed)))
    also = [said_of_suite(str(path.parent / suite)) for suite in study.arms[arm].also]
    return {**own, "needs": _needs(study, path, [own, *also])}


def asked_of_need(path: Path, need: Need) -> dict[str, Any]:
    """Of something that runs begin with; `path`: the study's file."""
    return _of_recipe(load_recipe(path.parent / need.recipe, need.settings))


def said_of_suite(name: str) -> dict[str, Any]:
    """Of a suite by path, or of one that ships."""
    return _said(load_suite(name))


def _needs(study: Study, path: Path, own: list[dict[str, Any]]) -> dict[str, Any]:
    """What of the study's `needs` is named there, and what that names: others may change, or be added."""
    used, named = dict[str, Any](), _text(own)
    for need in reversed(study.needs):  # one may begin with those before it
        if re.search(rf"{re.escape(need.out.rstrip('/'))}(?![\w-])", named):
            used[need.out] = asked_of_need(path, need)
            named += _text(used[need.out])
    return used


def _of_recipe(recipe: Recipe) -> dict[str, Any]:
    suite = said_of_suite(recipe.measure.suite) if recipe.measure else None
    return {"recipe": _said(recipe), "suite": suite, "specs": digests(specs_read(recipe))}


def _said(config: BaseModel) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude_defaults=True)


def _text(asked: object) -> str:
    return json.dumps(asked, ensure_ascii=False)
