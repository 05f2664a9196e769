import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ponder.runs import lock
from ponder.runs.folder import Run, RunStatus
from ponder.runs.result import Number
from ponder.runs.table import read_rollouts, write_rollouts
from ponder.types import PonderError, Rollout

MANIFEST: dict[str, Any] = {"recipe": {"seed": 1, "rl": {"steps": 20, "betas": (0.9, 0.99)}}, "data": {"gsm8k": "abc"}}


def status(path: Path) -> str:
    return json.loads((path / "manifest.json").read_text())["status"]


def save(run: Run, number: int, **state: object) -> None:
    with run.checkpoint(number, state) as folder:
        (folder / "model.bin").write_bytes(b"w" * number)


def test_a_run_ends_done_interrupted_or_failed(tmp_path: Path):
    with Run.create(tmp_path / "done", MANIFEST):
        assert status(tmp_path / "done") == "running"
    with pytest.raises(KeyboardInterrupt), Run.create(tmp_path / "stopped", MANIFEST):
        raise KeyboardInterrupt
    with pytest.raises(ZeroDivisionError), Run.create(tmp_path / "broken", MANIFEST):
        _ = 1 // 0
    assert [status(tmp_path / name) for name in ("done", "stopped", "broken")] == ["done", "interrupted", "failed"]


def test_the_manifest_comes_back_with_its_schema_version(tmp_path: Path):
    with Run.create(tmp_path / "run", MANIFEST | {"rate": float("nan")}) as run:
        run.set_status(RunStatus.FAILED)
        manifest = Run.open(tmp_path / "run").manifest
    assert manifest == run.manifest | {"status": "failed"}
    assert manifest["schema_version"] == 1 and manifest["rate"] is None
    assert manifest["recipe"] == {"seed": 1, "rl": {"steps": 20, "betas": [0.9, 0.99]}}


def test_an_existing_run_is_not_overwritten(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST):
        pass
    with pytest.raises(PonderError) as raised:
        Run.create(tmp_path, MANIFEST)
    assert str(raised.value) == f"{tmp_path}: holds a run already: continue it with --resume, or give another --out"


def test_resume_continues_and_changes_nothing_if_nothing_changed(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST | {"machine": {"cores": 2}}):
        pass
    before = (tmp_path / "manifest.json").read_bytes()
    with Run.create(tmp_path, MANIFEST | {"machine": {"cores": 2}}, resume=True):
        assert status(tmp_path) == "running"
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_resume_of_nothing_starts(tmp_path: Path):
    with Run.create(tmp_path / "new", MANIFEST, resume=True) as run:
        assert run.latest_checkpoint() == (None, [])


def test_resume_elsewhere_is_noted_once(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST | {"machine": {"cores": 2}, "git_commit": "a"}):
        pass
    for _ in range(2):
        with Run.create(tmp_path, MANIFEST | {"machine": {"cores": 8}, "git_commit": "b"}, resume=True):
            pass
    manifest = Run.open(tmp_path).manifest
    assert manifest["machine"] == {"cores": 2}
    assert manifest["resumed_on"] == [{"versions": None, "git_commit": "b", "machine": {"cores": 8}}]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"recipe": {"seed": 1, "rl": {"steps": 40, "betas": (0.9, 0.99)}}}, "rl.steps = 40: the run in .* with 20:"),
        ({"recipe": {"seed": 1}}, r"rl.betas = None: the run in .* with \[0.9, 0.99\]:"),
        ({"data": {"gsm8k": "xyz"}}, "data.gsm8k = 'xyz': the run in .* with 'abc':"),
    ],
)
def test_resume_with_another_recipe_or_data_names_the_difference(tmp_path: Path, change: dict, line: str):
    with Run.create(tmp_path, MANIFEST):
        pass
    with pytest.raises(PonderError, match=line):
        Run.create(tmp_path, MANIFEST | change, resume=True)
    Run.create(tmp_path, MANIFEST, resume=True).close()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(PonderError, match="holds files that are not of a run: give another --out"):
        Run.create(tmp_path, MANIFEST)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("place", ["file", "file/run", "/proc/ponder/run"])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, place: str):
    (tmp_path / "file").write_text("")
    with pytest.raises(PonderError, match=r"cannot be made .*--out"):
        Run.create(tmp_path / place, MANIFEST)


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({}, "not a run folder"),
        ({lock.NAME: ""}, "killed before it began: start it again with --resume"),
        ({"manifest.json": '{"schema_ver'}, "half-written or damaged"),
        ({"manifest.json": "\0\0"}, "half-written or damaged"),
        ({"manifest.json": "[1]"}, "not a run's"),
        ({"manifest.json": '{"name": "a web app"}'}, "not a run's"),
        ({"manifest.json": '{"schema_version": 2}'}, "schema_version = 2: made by a newer ponder: upgrade this one"),
    ],
)
def test_open_says_in_one_line_what_is_wrong(tmp_path: Path, files: dict[str, str], line: str):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(PonderError, match=line) as raised:
        Run.open(tmp_path)
    assert str(raised.value).startswith(str(tmp_path)) and "\n" not in str(raised.value)


def test_open_of_nothing_is_one_line(tmp_path: Path):
    with pytest.raises(PonderError, match="no such run"):
        Run.open(tmp_path / "nothing")


def test_one_writer_and_many_readers(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST) as run:
        run.log_metrics("rl", 0, {"reward": 0.5})
        assert Run.open(tmp_path).metrics() == [{"stage": "rl", "step": 0, "reward": 0.5}]
        for second in (lambda: Run.open(tmp_path, write=True), lambda: Run.create(tmp_path, MANIFEST, resume=True)):
            with pytest.raises(PonderError, match=r"process \d+ is writing this run"):
                second()
    with pytest.raises(AssertionError, match="opened for reading"):
        Run.open(tmp_path).log_metrics("rl", 1, {})


def test_a_later_writer_does_not_change_the_status(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST):
        pass
    with pytest.raises(KeyboardInterrupt), Run.open(tmp_path, write=True) as run:
        run.write_result({"gain": Number(0.1, 0.0, 0.2, 30)})
        raise KeyboardInterrupt
    assert Run.open(tmp_path).manifest["status"] == "done"
    assert run.result() == {"gain": Number(0.1, 0.0, 0.2, 30)}


def test_metrics_and_timings_lie_apart(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST) as run:
        run.log_metrics("rl", 0, {"reward": 1 / 3, "gap": float("nan")})
        run.log_timing("rl", 0, {"seconds": 2.5})
    assert (tmp_path / "metrics.jsonl").read_text() == (
        '{"stage": "rl", "step": 0, "reward": 0.3333333333333333, "gap": null}\n'
    )
    assert run.timings() == [{"stage": "rl", "step": 0, "seconds": 2.5}]


def train(run: Run, steps: range, make_rollout: Callable[..., Rollout]) -> None:
    for step in steps:
        run.log_metrics("rl", step, {"reward": step / 7})
        write_rollouts(run.rollouts_file("rl", step), [make_rollout(step=step)], run="first")
        save(run, step, stage="rl", step=step)


def content(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_cut_back_returns_to_the_checkpoint(tmp_path: Path, make_rollout: Callable[..., Rollout]):
    with Run.create(tmp_path, MANIFEST) as run:
        run.log_metrics("cold", 0, {"loss": 1.0})
        write_rollouts(run.rollouts_file("cold", 0), [make_rollout(step=0)], run="first")
        train(run, range(3), make_rollout)
        before = content(tmp_path)
        checkpoint = run.latest_checkpoint()[0]
        run.log_metrics("rl", 3, {"reward": 0.9})
        write_rollouts(run.rollouts_file("rl", 3), [make_rollout(step=3)], run="first")
        write_rollouts(run.rollouts_file("later", 0), [make_rollout(step=0)], run="first")
        run.cut_back(checkpoint)
        assert content(tmp_path) == before


def test_a_run_that_returned_keeps_what_came_since(tmp_path: Path, make_rollout: Callable[..., Rollout]):
    with Run.create(tmp_path, MANIFEST) as run:
        train(run, range(1, 5), make_rollout)
        before = content(tmp_path)
        good = run.newest_checkpoint(lambda number: number < 3)
        assert good and good.number == 2 and run.newest_checkpoint(lambda number: number > 4) is None
        run.return_to(good)
        there = content(tmp_path)
        gone = {name for name in before if name.startswith(("checkpoints/000003", "checkpoints/000004"))}
        changed = {name for name in there if there[name] != before[name]}
        assert there.keys() == before.keys() - gone and changed == {"checkpoints/000002/complete.json"}
        newest, warnings = run.latest_checkpoint(hashes=False)
        assert newest and (newest.number, newest.state, warnings) == (2, good.state, [])
        assert (good.marks["rollouts"], newest.marks["rollouts"]) == ({"rl": 2}, {"rl": 4})
        run.cut_back(newest)
        assert content(tmp_path) == there


def test_cut_back_to_nothing(tmp_path: Path, make_rollout: Callable[..., Rollout]):
    with Run.create(tmp_path, MANIFEST) as run:
        before = content(tmp_path)
        train(run, range(2), make_rollout)
        run.cut_back(None)
        assert content(tmp_path) == before | {"metrics.jsonl": b""}


def test_a_truncated_checkpoint_costs_only_the_steps_since_the_one_before(
    tmp_path: Path, make_rollout: Callable[..., Rollout]
):
    with Run.create(tmp_path, MANIFEST) as run:
        train(run, range(1, 4), make_rollout)
        whole = content(tmp_path)
        (run.checkpoint_path(3) / "model.bin").write_bytes(b"w")
        checkpoint, warnings = run.latest_checkpoint()
        assert checkpoint is not None and checkpoint.state == {"stage": "rl", "step": 2}
        assert warnings == [f"{tmp_path}/checkpoints/000003: damaged, passed over: model.bin has 1 bytes, not 3"]
        run.cut_back(checkpoint)
        assert [record["step"] for record in run.metrics()] == [1, 2]
        train(run, range(3, 4), make_rollout)
        assert content(tmp_path) == whole


def test_metrics_shorter_than_the_checkpoint_says_are_one_line(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST) as run:
        run.log_metrics("rl", 0, {})
        save(run, 1)
        (tmp_path / "metrics.jsonl").write_bytes(b"")
        with pytest.raises(PonderError, match="0 bytes, but the checkpoint was made at 27: copy the whole run"):
            run.cut_back(run.latest_checkpoint()[0])


def test_a_checkpoint_that_fails_is_not_there(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST) as run:
        with pytest.raises(KeyboardInterrupt), run.checkpoint(1, {}) as folder:
            (folder / "model.bin").write_text("half")
            raise KeyboardInterrupt
        assert list((tmp_path / "checkpoints").iterdir()) == []
        save(run, 1)
        save(run, 2)
        run.keep(1)
        assert not run.checkpoint_path(1).exists() and run.checkpoint_path(2).exists()


def test_names_keep_to_their_folder(tmp_path: Path):
    with Run.create(tmp_path, MANIFEST) as run:
        assert run.rollouts_file("rl", 12) == tmp_path / "rollouts" / "rl-000012.parquet"
        assert run.measured_file("transfer") == tmp_path / "measured" / "transfer.parquet"
        for name in ("", "../x", "a/b", ".hidden"):
            with pytest.raises(AssertionError, match="cannot name a file"):
                run.measured_file(name)


def test_leftovers_of_a_killed_writer_are_cleaned_by_the_next(tmp_path: Path):
    Run.create(tmp_path, MANIFEST).close()
    (tmp_path / "checkpoints" / "000001.tmp-9-0123abcd").mkdir(parents=True)
    Run.create(tmp_path, MANIFEST, resume=True).close()
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_the_folder_needs_no_pyarrow():
    code = "import sys, ponder.runs.folder; print(sorted({'pyarrow', 'duckdb', 'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_rollouts_of_a_run_read_back(tmp_path: Path, make_rollout: Callable[..., Rollout]):
    with Run.create(tmp_path, MANIFEST) as run:
        train(run, range(1), make_rollout)
    assert read_rollouts(run.rollouts_file("rl", 0)) == [make_rollout(step=0)]
