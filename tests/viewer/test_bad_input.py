"""Folders that are no whole run: one line each, and whatever can be shown is shown, as pages and as text."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from cli.command import mistake, ponder
from ponder.cli.overview import sparkline
from ponder.runs.folder import Run
from ponder.runs.table import SCHEMA
from viewer.made import HOSTILE, MANIFEST, fetch, served, write, write_hostile


def nothing(folder: Path) -> str:
    folder.mkdir()
    return "not a run folder"


def absent(folder: Path) -> str:
    return "no such run"


def other(folder: Path) -> str:
    folder.mkdir()
    (folder / "notes.txt").write_text("hello")
    return "not a run folder"


def file(folder: Path) -> str:
    folder.write_text("hello")
    return "no such run"


def torn(folder: Path) -> str:
    folder.mkdir()
    (folder / "manifest.json").write_text('{"schema_ver')
    return "half-written or damaged"


def newer(folder: Path) -> str:
    folder.mkdir()
    (folder / "manifest.json").write_text('{"schema_version": 99}')
    return "made by a newer ponder"


@pytest.mark.parametrize("options", [(), ("--text",)], ids=["pages", "text"])
@pytest.mark.parametrize("make", [nothing, absent, other, file, torn, newer], ids=lambda make: make.__name__)
def test_nothing_to_show_is_one_line(tmp_path: Path, make, options: tuple[str, ...]):
    reason = make(tmp_path / "run")
    assert reason in mistake("show", tmp_path / "run", *options)


def damaged(folder: Path, kind: str) -> str:
    """A run with rollouts that has one thing wrong with it, and what is said of that."""
    write(folder)
    manifest = folder / "manifest.json"
    first = folder / "rollouts" / "reinforce-000000.parquet"
    if kind == "torn manifest":
        manifest.write_text('{"schema_ver')
        return "manifest.json: half-written or damaged"
    if kind == "newer manifest":
        manifest.write_text(json.dumps(MANIFEST | {"schema_version": 99}))
        return "schema_version = 99: made by a newer ponder"
    if kind == "no manifest":
        manifest.unlink()
        return "a run that was killed before it began"
    if kind == "short file":
        first.write_bytes(first.read_bytes()[:-20])
        return "not a whole Parquet file"
    if kind == "torn metrics":
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        (folder / "metrics.jsonl").write_text("\n".join([lines[0], "{half", *lines[1:]]) + "\n")
        return "line 2 is damaged: left out"
    return _newer_file(first)


def _newer_file(path: Path) -> str:
    import pyarrow.parquet as pq

    table = pq.read_table(path).replace_schema_metadata({**(SCHEMA.metadata or {}), b"schema_version": b"99"})
    pq.write_table(table, path)
    return "schema_version = 99: made by a newer ponder"


KINDS = ["torn manifest", "newer manifest", "no manifest", "short file", "torn metrics", "newer file"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_shown(tmp_path: Path, kind: str):
    reason = damaged(tmp_path / "run", kind)
    count = 22 if kind.endswith("file") else 30
    with served(tmp_path / "run") as server:
        page = fetch(server.address)
        assert page.status == 200
        assert reason in page.text
        assert f"{count} rollouts" in page.text
    result = ponder("show", tmp_path / "run", "--text")
    assert result.exit_code == 0
    assert "What is 3 + 4?" in result.output
    if not kind.endswith("file"):  # only the newest file is read there
        assert reason in result.output.replace("\n", " ")


@pytest.mark.parametrize("keep", ["nothing", "empty folders"])
def test_a_run_without_rollouts(tmp_path: Path, keep: str):
    folder = tmp_path / "run"
    with Run.create(folder, MANIFEST) as run:
        run.log_metrics("reinforce", 0, {"reward": 0.5})
    if keep == "empty folders":
        (folder / "rollouts").mkdir()
        (folder / "measured").mkdir()
    with served(folder) as server:
        assert "This run has no rollouts so far" in fetch(server.address).text
    said = ponder("show", folder, "--text").output
    assert "no rollouts of training yet" in said
    assert "nothing measured yet" in said


def test_a_run_in_progress_as_text(tmp_path: Path):
    folder = write(tmp_path / "run", steps=20)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"status": "running"}))
    shutil.rmtree(folder / "measured")
    with (folder / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"stage": "reinforce", "step": 20, "rew')
    result = ponder("show", folder, "--text")
    assert result.exit_code == 0
    for told in ("running · made · tiny", "20 steps of reinforcement learning", "20 files of rollouts", "step 0 to 19",
                 "training, reinforce-000019: 8 rollouts", "3 and 4 are seven, step 19."):  # fmt: skip
        assert told in result.output
    assert re.search(r"reward +0\.00 +▁+.*1\.90", result.output)
    assert "warning" not in result.output


def test_hostile_texts_steer_no_terminal(tmp_path: Path):
    result = ponder("show", write_hostile(tmp_path / "run"), "--text")
    assert result.exit_code == 0
    assert not {"\x00", "\x1b", "\u202e", "\u2066"} & set(result.output)
    assert len(result.output) < 10_000
    assert HOSTILE[0] in result.output


def test_sparklines_by_hand():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([0.0, 0.5, 1.0], 1) == "▁▅█"
    assert sparkline([1, float("nan"), 1]) == "█ █"
    assert sparkline([-1, 0, 1]) == "▁▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([0.0, 2.0] * 40, 2) == "▅" * 40
