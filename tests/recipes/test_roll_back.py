"""A run whose judge drifts ends at its last good checkpoint, whenever it is stopped and resumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ponder.measure.watching import Watch
from ponder.recipes.load import load_recipe
from ponder.recipes.measure import find_subject
from ponder.recipes.progress import Watcher
from ponder.recipes.schema import Recipe
from ponder.recipes.train import train
from ponder.runs import checkpoints
from ponder.runs.folder import Run
from ponder.runs.result import read_result
from ponder.runs.table import policy_version
from ponder.stages.drive import Stage
from recipes.small import write_small
from recipes.test_resume import Stopper, content

WATCHED = ("rl.gold_pays=false", "rl.paid_by=chance", "rl.watch.opening=2", "rl.watch.on_alarm=roll_back")
DRIFTS = 8
"""The step that what pays drifts from."""


@pytest.fixture
def drift(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What pays agrees with what watches up to a step, and says 1 for 0 from there on."""
    monkeypatch.setattr(Watch, "gap", lambda self, paid, watch, *, problem, step, sample: float(step >= DRIFTS))
    monkeypatch.chdir(tmp_path)


def recipe(folder: Path, tiny: Path, *more: str, measured: bool = False) -> Recipe:
    found = load_recipe(write_small(folder, tiny, cold=4, rl=20), [*WATCHED, *more])
    return found if measured else found.model_copy(update={"measure": None})


def there(run: Path) -> list[int]:
    return checkpoints.numbers(run / "checkpoints")


class Listener(Watcher):
    """Remembers what was said, and the stages that began."""

    def __init__(self) -> None:
        self.said, self.stages = list[str](), list[str]()

    def warned(self, message: str) -> None:
        self.said.append(message)

    def began(self, stage: Stage, start: int) -> None:
        self.stages.append(f"{stage.name} {start}")


@pytest.mark.usefixtures("drift")
def test_it_ends_with_what_it_was_before_the_drift(tiny: Path, tmp_path: Path):
    told, heard = recipe(tmp_path, tiny, measured=True), Listener()
    run = train(told, tmp_path / "one" / "run", watch=heard)
    metrics = [row for row in Run.open(run).metrics() if row["stage"] == "reinforce"]
    alarm = metrics[-1]["step"]
    assert metrics[-1]["watch_alarm"] == 1 and DRIFTS < alarm < 16
    assert [row["watch_evidence"] <= 1 for row in metrics[6:10:3]] == [True, False]  # and checkpoints come every 3
    assert Run.open(run).manifest["status"] == "done" and there(run) == [4, 10]
    assert len(list((run / "rollouts").iterdir())) == alarm + 1
    (line,) = heard.said
    assert "mean gap +0.00 at first" in line and "; back at step 6 of reinforce: read " in line and "\n" not in line
    assert line.endswith("one/run/rollouts/reinforce-000006.parquet and the later ones")
    numbers = read_result(run)
    assert (numbers["watch.rolled_back_to"].value, numbers["watch.rolled_back_to"].n) == (6, alarm + 1)
    assert (numbers["watch.alarm"].value, numbers["watch.alarm_step"].value) == (1, alarm)
    assert {name: weights.version for name, weights in find_subject(str(run)).weights.items()} == {
        "untouched": 0,
        "cold_start": 4,
        "reinforce": 10,
    }
    short = train(load_recipe(tmp_path / "small.toml", [*WATCHED, "rl.steps=6"]), tmp_path / "short" / "run")
    assert policy_version(run / "measured" / "after.parquet") == 10
    for name in (
        "measured/after.parquet",
        "checkpoints/000010/model.safetensors",
        "checkpoints/000010/learner.safetensors",
    ):
        assert (run / name).read_bytes() == (short / name).read_bytes()


@pytest.mark.usefixtures("drift")
def test_a_run_that_went_back_is_not_trained_again(tiny: Path, tmp_path: Path):
    told, heard = recipe(tmp_path, tiny), Listener()
    run = train(told, tmp_path / "run")
    before = content(run)
    train(told, run, resume=True, watch=heard)
    assert content(run) == before and heard.stages == heard.said == []


def once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool = False) -> None:
    """Interrupt the first call, before or after what it does."""
    real: Callable[..., Any] = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(owner, name, real)
        if after:
            real(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, name, call)


@pytest.mark.usefixtures("drift")
def test_stopped_at_any_instant_it_ends_alike(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told = recipe(tmp_path, tiny)
    whole = content(train(told, tmp_path / "whole" / "run"))
    alarm = max(int(name[-14:-8]) for name in whole if name.startswith("rollouts"))
    stopped = tmp_path / "stopped" / "run"
    for instant in ("began reinforce", "stepped reinforce 1", "stepped reinforce 7", f"stepped reinforce {alarm}"):
        with pytest.raises(KeyboardInterrupt):
            train(told, stopped, resume=True, watch=Stopper(instant))
    for after in (False, True):
        for name in ("cut_after", "remark"):
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                train(told, tmp_path / f"{name}{after}" / "run", watch=Breaking(patch, name, alarm, after))
            assert content(train(told, tmp_path / f"{name}{after}" / "run", resume=True)) == whole
    with pytest.raises(KeyboardInterrupt):
        train(told, stopped, resume=True, watch=Deaf("nothing"))
    heard = Listener()
    train(told, stopped, resume=True, watch=heard)
    assert content(stopped) == whole and heard.stages == []


class Breaking(Watcher):
    """Interrupts a call of the way back, once the alarm has sounded."""

    def __init__(self, patch: pytest.MonkeyPatch, name: str, alarm: int, after: bool) -> None:
        self.patch, self.name, self.alarm, self.after = patch, name, alarm, after

    def stepped(self, stage: Stage, index: int, step: object) -> None:
        if (stage.name, index) == ("reinforce", self.alarm):
            once(self.patch, checkpoints, self.name, after=self.after)


class Deaf(Stopper):
    """Interrupts what it is told."""

    def warned(self, message: str) -> None:
        raise KeyboardInterrupt


@pytest.mark.usefixtures("drift")
@pytest.mark.parametrize("cold", [True, False])
def test_where_no_checkpoint_is_good_it_is_what_the_stage_began_with(tiny: Path, tmp_path: Path, cold: bool):
    told = recipe(tmp_path, tiny, "checkpoint_every=9")
    told = told if cold else told.model_copy(update={"cold_start": None})
    run, begun = train(told, tmp_path / "whole" / "run"), 4 if cold else 0
    assert there(run) == [begun] and read_result(run)["watch.rolled_back_to"].value == 0
    weights = find_subject(str(run)).weights
    assert (weights["cold_start"].version, weights["reinforce"].version) == (begun, begun)
    before = content(run)
    train(told, run, resume=True)
    assert content(run) == before
    stopped = tmp_path / "stopped" / "run"
    with pytest.raises(KeyboardInterrupt):
        train(told, stopped, watch=Stopper("stepped reinforce 9"))
    assert there(stopped) == [begun, begun + 9]
    assert content(train(told, stopped, resume=True)) == before


@pytest.mark.usefixtures("drift")
def test_without_an_alarm_the_last_good_checkpoint_is_kept_and_no_more(tiny: Path, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(Watch, "gap", lambda self, paid, watch, **_: 0.0)
    run = train(recipe(tmp_path, tiny), tmp_path / "run")
    assert there(run) == [4, 22, 24] and "watch.rolled_back_to" not in read_result(run)
