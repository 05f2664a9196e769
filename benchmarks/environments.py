"""Each peer's environment, made once; one that cannot be made says why in a line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.contestants import Environment
from benchmarks.rounds import GoneError

LIMIT = 1800
"""Seconds that an installation may take."""


def ensure(environment: Environment, folder: Path) -> Path:
    """The environment's folder in `folder`; made unless it was made of the same requirements before."""
    target, mark = folder / environment.name, folder / f"{environment.name}.installed"
    wanted = "\n".join((*environment.requirements, *(f"without {name}" for name in environment.removed)))
    if mark.is_file() and mark.read_text() == wanted and target.exists():
        return target
    shutil.rmtree(target, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    _call(environment, [sys.executable, "-m", "venv", str(target)])
    pip = [str(target / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _call(environment, [*pip, "install", *environment.requirements])
    if environment.removed:
        _call(environment, [*pip, "uninstall", "--yes", *environment.removed])
    mark.write_text(wanted)
    return target


def _call(environment: Environment, command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise GoneError(f"{environment.name}: not installed within {LIMIT} s") from None
    if done.returncode:
        raise GoneError(f"{environment.name}: not installed: {last_line(done.stderr)}")


def last_line(text: str) -> str:
    """The last line that says something, shortened."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "without a word"
