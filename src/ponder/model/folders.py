"""Where ponder keeps what it fetched or built, for all runs of a user."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """`$PONDER_CACHE`, else `~/.cache/ponder`."""
    return Path(os.environ.get("PONDER_CACHE") or Path.home() / ".cache" / "ponder")
