"""A run stopped at any instant resumes and ends with the same bytes."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.command import finish, logged, start
from ponder.recipes.load import load_recipe
from ponder.recipes.progress import Watcher
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.stages.drive import Stage, Step
from ponder.types import Rollout
from recipes.small import write_small

CLOCKED = ("timings.jsonl", "report.html", "result.json")
INSTANTS = (
    "measuring untouched",
    "measured untouched",
    "began cold_start",
    "stepped cold_start 1",
    "stepped cold_start 3",
    "ended cold_start",
    "measuring forced",
    "began reinforce",
    "stepped reinforce 0",
    "stepped reinforce 4",
    "ended reinforce",
    "measuring after",
    "measured after",
)


class Stopper(Watcher):
    """Stops the run at one instant."""

    def __init__(self, instant: str) -> None:
        self.instant = instant

    def began(self, stage: Stage, start: int) -> None:
        self._pass(f"began {stage.name}")

    def stepped(self, stage: Stage, index: int, step: Step) -> None:
        self._pass(f"stepped {stage.name} {index}")

    def ended(self, stage: Stage, done: int) -> None:
        self._pass(f"ended {stage.name}")

    def measuring(self, condition: str, completions: int) -> None:
        self._pass(f"measuring {condition}")

    def measured(self, condition: str, rollouts: Sequence[Rollout]) -> None:
        self._pass(f"measured {condition}")

    def _pass(self, instant: str) -> None:
        if instant == self.instant:
            raise KeyboardInterrupt


def content(run: Path) -> dict[str, Any]:
    """Every file of a run, without what depends on the clock."""
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    numbers = json.loads((run / "result.json").read_text())["numbers"]
    timeless = {name: number for name, number in numbers.items() if not name.startswith("cost.")}
    return {name: path.read_bytes() for name, path in files.items() if name not in CLOCKED} | {"numbers": timeless}


def test_interrupted_at_every_kind_of_instant(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(write_small(tmp_path, tiny, cold=5, rl=5))
    whole, stopped = train(recipe, tmp_path / "whole" / "run"), tmp_path / "stopped" / "run"
    for number, instant in enumerate(INSTANTS):
        with pytest.raises(KeyboardInterrupt):
            train(recipe, stopped, resume=number > 0, watch=Stopper(instant))
        assert Run.open(stopped).manifest["status"] == "interrupted"
    train(recipe, stopped, resume=True)
    assert content(stopped) == content(whole)


def test_a_finished_run_resumed_changes_nothing(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(write_small(tmp_path, tiny, cold=2, rl=2))
    run = train(recipe, tmp_path / "run")
    before = content(run)
    train(recipe, run, resume=True)
    assert content(run) == before


def test_a_run_out_of_time_before_its_first_step_still_ends(tiny: Path, tmp_path: Path) -> None:
    recipe = load_recipe(write_small(tmp_path, tiny), ["minutes=1e-9"])
    run = train(recipe, tmp_path / "run")
    assert not (run / "metrics.jsonl").exists()
    assert Run.open(run).manifest["status"] == "done"


def test_killed_in_cold_start_and_in_reinforcement(tiny: Path, tmp_path: Path) -> None:
    recipe = write_small(tmp_path, tiny, cold=24, rl=24)
    whole, killed = tmp_path / "whole" / "run", tmp_path / "killed" / "run"
    assert finish(start(tmp_path, "train", recipe, "--out", whole)) == (0, "")
    kill(killed, recipe, "cold_start", 4)
    assert logged(killed, "reinforce") == 0
    kill(killed, recipe, "reinforce", 4, "--resume")
    assert finish(start(tmp_path, "train", recipe, "--out", killed, "--resume")) == (0, "")
    assert logged(killed, "cold_start") == logged(killed, "reinforce") == 24
    assert content(killed) == content(whole)


def kill(run: Path, recipe: Path, stage: str, steps: int, *options: str) -> None:
    """SIGKILL once so many steps of a stage are logged."""
    with start(recipe.parent, "train", recipe, "--out", run, *options) as process:
        while process.poll() is None and logged(run, stage) < steps:
            pass
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert Run.open(run).manifest["status"] == "running"
