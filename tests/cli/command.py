"""The command line as tests call it: in this process, or as one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from ponder.cli.main import app

COMMAND = (sys.executable, "-c", "from ponder.cli.main import run; run()")
"""What the console script does."""


def ponder(*words: str | Path) -> Result:
    """The command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="ponder")


def mistake(*words: str | Path) -> str:
    """The one line that the command refuses with."""
    result = ponder(*words)
    assert result.exit_code == 2, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("ponder: ")
    return lines[0].removeprefix("ponder: ")


def start(folder: Path, *words: str | Path, output: bool = False, **environment: str) -> subprocess.Popen[str]:
    """The command as a process of its own, with one thread, so that its bytes repeat; `output`: to a pipe."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"} | environment,
        stdout=subprocess.PIPE if output else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status and what it said on standard error."""
    _, said = process.communicate()
    return process.returncode, said


def logged(run: Path, stage: str) -> int:
    """Steps of a stage in `metrics.jsonl` so far."""
    path = run / "metrics.jsonl"
    return path.read_bytes().count(f'"stage": "{stage}"'.encode()) if path.exists() else 0
