from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.stages import drive as drive_module
from ponder.stages.drive import Keeper, Stage, Step, WayBack, drive, went_back
from ponder.types import PonderError, Rollout
from test_types import rollout


class Counting:
    """A stage that adds one a step; a `Stage`."""

    name = "count"
    halts = 0

    def __init__(self, steps: int, rollouts: tuple[Rollout, ...] = ()) -> None:
        self.steps, self.rollouts, self.value = steps, rollouts, 0

    def step(self, index: int) -> Step:
        self.value += 1
        halt = "mend it" if self.value == self.halts else ""
        return Step(metrics={"value": float(self.value)}, timings={"busy": 0.5}, rollouts=self.rollouts, halt=halt)


class Clock:
    """Time that passes a second at each look; stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now

    def perf_counter(self) -> float:
        return 0.0


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with Run.create(tmp_path / "run", {"recipe": {}}) as run:
        yield run


def keeper(run: Run, stage: Counting, saved: list[tuple[int, int]], **changes: Any) -> Keeper:
    """Remembers each checkpoint's number and the stage's value then."""

    def save(folder: Path) -> None:
        (folder / "value").write_text(str(stage.value))

    class Noting(Keeper):
        def keep(self, stage: Stage, done: int) -> None:
            super().keep(stage, done)
            newest, _ = self.run.latest_checkpoint()
            assert newest and newest.state == {"stage": "count", "step": done}
            saved.append((newest.number, int((newest.path / "value").read_text())))

    return Noting(**({"run": run, "save": save, "every": 3, "before": 100} | changes))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (7, [(103, 3), (106, 6), (107, 7)]),
        (6, [(103, 3), (106, 6)]),
        (2, [(102, 2)]),
        (0, [(100, 0)]),
    ],
)
def test_checkpoints_come_every_so_many_steps_and_at_the_end(run: Run, steps: int, expected: list[tuple[int, int]]):
    stage, saved = Counting(steps), []
    assert drive(stage, keeper(run, stage, saved)) == steps
    assert saved == expected


def test_only_the_newest_two_checkpoints_and_the_protected_ones_stay(run: Run):
    first, second = Counting(4), Counting(5)
    drive(first, keeper(run, first, [], before=0))
    drive(second, keeper(run, second, [], before=4, protected=(4,)))
    assert sorted(path.name for path in (run.path / "checkpoints").iterdir()) == ["000004", "000007", "000009"]


def test_every_step_is_logged_and_watched_in_order(run: Run):
    stage, watched = Counting(3), []
    drive(stage, keeper(run, stage, []), watch=lambda stage, index, step: watched.append((stage.name, index, step)))
    assert run.metrics() == [{"stage": "count", "step": i, "value": i + 1.0} for i in range(3)]
    assert [(row["step"], row["busy"], set(row)) for row in run.timings()] == [
        (i, 0.5, {"stage", "step", "busy", "seconds"}) for i in range(3)
    ]
    assert [(name, index, step.metrics["value"]) for name, index, step in watched] == [
        ("count", i, i + 1.0) for i in range(3)
    ]


def test_rollouts_are_written_a_file_a_step_where_there_are_any(run: Run):
    drive(quiet := Counting(2), keeper(run, quiet, []))
    assert list(run.path.glob("rollouts/*")) == []
    drive(stage := Counting(2, (rollout(), rollout())), keeper(run, stage, [], before=200))
    assert sorted(path.name for path in run.path.glob("rollouts/*")) == ["count-000000.parquet", "count-000001.parquet"]
    assert len(list(read_rollouts(run.rollouts_file("count", 1)))) == 2


def test_it_goes_on_where_it_was(run: Run):
    stage, saved = Counting(5), []
    assert drive(stage, keeper(run, stage, saved), start=3) == 5
    assert [row["step"] for row in run.metrics()] == [3, 4]
    assert saved == [(105, 2)]


def test_a_deadline_stops_it_between_steps_with_a_checkpoint(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drive_module, "time", Clock())
    stage, saved = Counting(9), []
    assert drive(stage, keeper(run, stage, saved), deadline=4.5) == 4
    assert saved == [(103, 3), (104, 4)]


def test_a_deadline_at_a_checkpoint_does_not_write_it_twice(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drive_module, "time", Clock())
    stage, saved = Counting(9), []
    assert drive(stage, keeper(run, stage, saved), deadline=3.5) == 3
    assert saved == [(103, 3), (103, 3)]


def test_a_stage_that_was_done_is_not_done_again(run: Run):
    stage, saved = Counting(4), []
    drive(stage, keeper(run, stage, saved))
    lines = run.metrics()
    again = Counting(4)
    assert drive(again, keeper(run, again, saved), start=4) == 4
    assert saved[-2:] == [(104, 4), (104, 4)] and again.value == 0 and run.metrics() == lines


def test_a_later_stage_without_time_leaves_the_earlier_ones_checkpoint(run: Run):
    first, second = Counting(4), Counting(4)
    drive(first, keeper(run, first, []))
    second.name = "later"
    later = Keeper(run=run, save=lambda folder: None, every=3, before=104, protected=(104,))
    assert drive(second, later, deadline=0.0) == 0
    newest, _ = run.latest_checkpoint()
    assert newest and (newest.number, newest.state) == (104, {"stage": "count", "step": 4})


def test_a_deadline_that_has_passed_leaves_a_checkpoint_of_nothing_done(run: Run):
    stage, saved = Counting(9), []
    assert drive(stage, keeper(run, stage, saved), deadline=0.0) == 0
    assert saved == [(100, 0)] and run.metrics() == []


def test_a_step_that_halts_the_stage_is_recorded_first(run: Run):
    stage = Counting(3, (rollout(),))
    stage.halts = 2
    with pytest.raises(PonderError, match=r"^mend it$"):
        drive(stage, keeper(run, stage, []))
    assert len(run.metrics()) == 2 and len(read_rollouts(run.rollouts_file("count", 1))) == 1


class Drifting(Counting):
    """Halts at a step and asks to go back."""

    def step(self, index: int) -> Step:
        done = super().step(index)
        return Step(metrics=done.metrics, rollouts=done.rollouts, halt=done.halt, back=bool(done.halt))


@pytest.mark.parametrize(("good", "back", "kept"), [({3, 4, 6}, 6, [106]), ({3}, 3, [103]), (set(), 0, [100])])
def test_a_stage_that_goes_back_ends_with_its_last_good_checkpoint(
    run: Run, good: set[int], back: int, kept: list[int]
):
    stage, told, loaded = Drifting(40, (rollout(),)), list[str](), list[int]()

    def load(folder: Path) -> None:
        loaded.append(int((folder / "value").read_text()))

    stage.halts = 15
    way = WayBack(good=good.__contains__, load=load, tell=told.append)
    assert drive(stage, keeper(run, stage, saved := [], way_back=way)) == back and loaded == [back]
    assert [number for number, _ in saved] == [100, 103, 106, 109, 112]
    assert sorted(int(path.name) for path in (run.path / "checkpoints").iterdir()) == kept
    assert len(run.metrics()) == len(list((run.path / "rollouts").iterdir())) == 15
    first = run.rollouts_file("count", back)
    assert told == [f"mend it; back at step {back} of count: read {first} and the later ones"]
    newest, _ = run.latest_checkpoint(hashes=True)
    assert newest and went_back(newest, "count") == back and went_back(newest, "other") is None
    run.cut_back(newest)
    assert len(run.metrics()) == len(list((run.path / "rollouts").iterdir())) == 15


def test_a_checkpoint_as_it_was_made_is_none_that_a_run_went_back_to(run: Run):
    stage, found = Counting(7, (rollout(),)), []
    drive(stage, keeper(run, stage, []), watch=lambda *_: found.append(run.latest_checkpoint()[0]))
    assert {went_back(checkpoint, "count") for checkpoint in filter(None, found)} == {None}


def test_only_one_good_checkpoint_more_is_kept(run: Run):
    stage = Counting(20)
    drive(stage, keeper(run, stage, [], way_back=WayBack(good=(3, 6).__contains__, load=print, tell=print)))
    assert sorted(int(path.name) for path in (run.path / "checkpoints").iterdir()) == [106, 118, 120]


def test_an_error_in_a_step_keeps_what_was_logged(run: Run):
    class Breaking(Counting):
        def step(self, index: int) -> Step:
            if index == 4:
                raise ZeroDivisionError
            return super().step(index)

    stage, saved = Breaking(9), []
    with pytest.raises(ZeroDivisionError):
        drive(stage, keeper(run, stage, saved))
    assert [row["step"] for row in run.metrics()] == [0, 1, 2, 3] and saved == [(103, 3)]
