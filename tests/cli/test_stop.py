"""Ctrl-C: what was saved is said, and it goes on from there."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import pytest

from cli.command import logged, ponder, start
from ponder.cli import jobs
from ponder.runs.folder import Run
from recipes.small import write_small


def test_a_run_that_is_stopped_goes_on(tiny: Path, tmp_path: Path) -> None:
    recipe, run = write_small(tmp_path, tiny, cold=24, rl=4), tmp_path / "run"
    asked = ("train", recipe, "--out", run, "--set", "checkpoint_every=2")
    quiet = "ignore::ResourceWarning"  # Ctrl-C may come while a file is being opened
    with start(tmp_path, *asked, PYTHONWARNINGS=quiet) as process:
        while process.poll() is None and logged(run, "cold_start") < 4:
            pass
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert len(said.splitlines()) == 1
    found = re.fullmatch(
        r"ponder: interrupted; saved in (\S+): checkpoint (\d+) \((\w+), step \d+\) and measured: (.*); "
        r"go on with: (.*)\n",
        said,
    )
    assert found, said
    checkpoint, _ = Run.open(run).latest_checkpoint(hashes=True)
    assert checkpoint and checkpoint.number == int(found[2]) >= 2
    assert found[3] == "cold_start" and "untouched" in found[4]
    assert Run.open(run).manifest["status"] == "interrupted"
    name, *words = shlex.split(found[5])
    assert name == "ponder"
    assert ponder(*words).exit_code == 0
    assert (logged(run, "cold_start"), logged(run, "reinforce")) == (24, 4)


def test_stopped_before_there_is_a_run(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "train_recipe", stopped)
    result = ponder("train", write_small(tmp_path / "made", tiny), "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert result.stderr.startswith("ponder: interrupted; nothing was written yet; go on with: ponder train ")


def test_a_measurement_that_is_stopped_names_what_it_has(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(tmp_path, tiny)
    words = ("measure", tiny, "--suite", tmp_path / "few.toml", "--problems", "2", "--out", tmp_path / "out")
    assert ponder(*words).exit_code == 0

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "measure_subject", stopped)
    result = ponder(*words)
    assert result.exit_code == 130
    assert "no checkpoint" not in result.stderr
    assert "measured: fewshot, untouched; go on with: ponder measure" in result.stderr
    monkeypatch.undo()
    again = shlex.split(result.stderr.partition("go on with: ")[2])[1:]
    assert ponder(*again).exit_code == 0


def test_a_reader_that_goes_away_is_no_error(tiny: Path, tmp_path: Path) -> None:
    """`ponder models | head -0`: no traceback."""
    with start(tmp_path, "models", output=True) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        said = process.stderr.read()
    assert "Traceback" not in said and "Exception" not in said
