"""The command itself, on the work that needs no peer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_quick_run_writes_its_own_folder_alone():
    kept = ROOT / "benchmarks" / "results.json"
    before = kept.read_bytes() if kept.exists() else None
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "lab"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "| ponder |" in done.stdout
    assert (kept.read_bytes() if kept.exists() else None) == before
    work = json.loads((ROOT / ".bench" / "quick" / "raw.json").read_text())["works"]["lab"]
    assert work["repeats"]["ponder"][0]["tokens"] == 8 * 4 * 8
