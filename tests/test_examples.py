"""The examples run as their first lines say, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *words: str | Path) -> str:
    """What an example prints."""
    command = [sys.executable, EXAMPLES / name, *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_check_answers() -> None:
    lines = run("check_answers.py").splitlines()
    values = [line.split()[1] for line in lines if line.startswith("  ")]
    assert values == ["1.0", "1.0"] * 2 + ["0.0", "1.0"] + ["1.0", "1.0"] * 3 + ["0.0", "1.0"]


def test_your_own_data() -> None:
    out = run("your_own_data.py")
    assert out.count(": 1.0 (") == out.count("  Atlantis: 0.0 (") == 3


def test_train_tiny(tiny: Path, tmp_path: Path) -> None:
    out = run("train_tiny.py", tiny, tmp_path / "run")
    assert "transfer.unseen.untouched" in out
    assert (tmp_path / "run" / "report.html").exists()


def test_pay_by_my_spec(tiny: Path, tmp_path: Path) -> None:
    out = run("pay_by_my_spec.py", tiny, tmp_path / "run")
    assert "of 16 rollouts" in out and out.count("; gold ") == 3


def test_solve_by_depth() -> None:
    head, *rows = run("solve_by_depth.py", "lab-seed", "arithmetic", "3", "--think").splitlines()
    assert head.split()[:2] == ["depth", "single"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert all(6 <= float(row.split()[8]) <= 32 for row in rows)


@pytest.mark.slow
def test_align_to_my_spec(tmp_path: Path) -> None:
    lines = run("align_to_my_spec.py", tmp_path / "run").splitlines()
    before, after = (float(line.split()[-4]) for line in lines[-2:])
    assert lines[-2].startswith("after distillation") and before > 0.3 and after > 0.3
    assert sum(" -> " in line for line in lines) == 3


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short_and_tested(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 60
    assert f'"{path.name}"' in Path(__file__).read_text()
