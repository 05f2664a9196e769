from __future__ import annotations

from pathlib import Path

import pytest

from tiny import make_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random model, fp32; tests that train copy what they change."""
    return make_tiny(tmp_path_factory.mktemp("tiny"))
