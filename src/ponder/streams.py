"""Where randomness comes from: a stream is named by its parts and seeded by their hash.

Integers are never added, so neighbouring seeds share nothing.
"""

from __future__ import annotations

import hashlib
import json
from random import Random


def digest(*parts: str | int) -> bytes:
    """32 bytes that depend on every part and on where one part ends and the next begins."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode(errors="replace")).digest()


def stream(*parts: str | int) -> Random:
    """The random stream with this name."""
    return Random(int.from_bytes(digest(*parts)))
