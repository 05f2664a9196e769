"""The study that most tests here begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipes.small import write_small
from studies.letters import STUDY


@pytest.fixture
def file(tmp_path: Path, tiny: Path) -> Path:
    """Its file, beside its recipe."""
    write_small(tmp_path, tiny, cold=3, rl=1)
    path = tmp_path / "letters.toml"
    path.write_text(STUDY)
    return path
