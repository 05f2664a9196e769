"""`model.dtype = "auto"` is settled once, when a run begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ponder.cli.jobs import plan
from ponder.recipes import record
from ponder.recipes.load import load_recipe
from ponder.recipes.measure import find_subject, measure
from ponder.recipes.record import settled
from ponder.recipes.schema import MeasureConfig, Recipe
from ponder.recipes.train import train
from ponder.types import PonderError
from recipes.small import write_small

AUTO = 'model.dtype="auto"'


def machine(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    """Be on a machine on which this dtype is fastest."""
    monkeypatch.setattr(record, "fastest", lambda device: dtype)


def few(folder: Path) -> MeasureConfig:
    return MeasureConfig.model_validate({"suite": str(folder / "few.toml"), "problems": 2})


def dtype_of(run: Path) -> str:
    return json.loads((run / "manifest.json").read_text())["recipe"]["model"]["dtype"]


def test_auto_is_the_default_and_becomes_what_is_fastest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe.model_validate({"name": "r", "model": {"name": "m"}})
    assert recipe.model.dtype == "auto"
    for dtype in ("bfloat16", "float32"):
        machine(monkeypatch, dtype)
        found = settled(recipe, tmp_path / "run")
        assert found.model.dtype == dtype and settled(found, tmp_path / "run") is found
        assert plan(found, tmp_path).startswith(f"r: m in {dtype} → ")


def test_what_was_asked_for_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, "bfloat16")
    recipe = Recipe.model_validate({"name": "r", "model": {"name": "m", "dtype": "float32"}})
    assert settled(recipe, tmp_path) is recipe


def test_a_run_goes_on_and_is_measured_as_it_began(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, run = write_small(tmp_path, tiny, cold=2, rl=2), tmp_path / "run"
    machine(monkeypatch, "float32")
    train(load_recipe(path, [AUTO, "rl.steps=1"]), run)
    assert dtype_of(run) == "float32"
    machine(monkeypatch, "bfloat16")
    train(load_recipe(path, [AUTO, "rl.steps=1"]), run, resume=True)
    assert dtype_of(run) == dtype_of(measure(find_subject(str(run)), few(tmp_path), tmp_path / "again")) == "float32"
    with pytest.raises(PonderError, match=r"model\.dtype = 'bfloat16': the run in .* was made with 'float32'"):
        train(load_recipe(path, ['model.dtype="bfloat16"', "rl.steps=1"]), run, resume=True)


def test_a_model_is_measured_in_what_is_fastest_and_goes_on_in_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path, tiny)
    for number, dtype in enumerate(("float32", "bfloat16")):
        machine(monkeypatch, dtype)
        run = measure(find_subject(str(tiny)), few(tmp_path), tmp_path / "run", resume=number > 0)
        assert dtype_of(run) == "float32"
