"""Replies kept on disk: what has been answered once is not asked again."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ponder.runs.files import write_atomic
from ponder.types import PonderError, Reply, Status


class RepliesCache:
    """A folder with a file for each reply, named by the hash of what was asked; many processes may share it."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made where it is not there; raises PonderError where it cannot be."""
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise PonderError(f"cache = {str(folder)!r}: {reason}; give a folder that can be written") from None

    def get(self, key: str) -> Reply | None:
        """The reply kept under this key; None where there is none, or its file is damaged."""
        try:
            digest, _, text = self._path(key).read_bytes().partition(b"\n")
        except OSError:
            return None
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return None
        return _reply(text)

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply, whole or not at all; what the disk refuses is not kept, and the reply is there all the same."""
        assert reply.status is Status.JUDGED, "what failed may go well the next time"
        text = json.dumps(asdict(reply), sort_keys=True)
        with suppress(PonderError, OSError):
            write_atomic(self._path(key), f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def _reply(text: bytes) -> Reply | None:
    """A reply as it was written; None where another version wrote it in another form."""
    try:
        kept = json.loads(text)
        return Reply(**kept | {"status": Status(kept["status"])})
    except (ValueError, KeyError, TypeError):
        return None
