from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tiny import make_tiny

# A shell that starts make in the background ignores it, and so would every process that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random model, fp32; tests that train copy what they change."""
    return make_tiny(tmp_path_factory.mktemp("tiny"))
