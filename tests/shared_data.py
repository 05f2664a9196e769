"""Public data that tests use where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def data(*parts: str) -> Path:
    """A file of the shared data, from the folder PONDER_DATA or `../shared/data`; skips the test where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("PONDER_DATA", beside)).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no {'/'.join(parts)} in {path.parents[len(parts) - 1]}: set PONDER_DATA to the shared data")
    return path
