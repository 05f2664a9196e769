"""One writer a run folder, and one at a time elsewhere."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ponder.runs.files import refusals
from ponder.types import PonderError

NAME = ".lock"


def acquire(folder: Path) -> TextIO:
    """The open lock file of a run folder; the lock ends when it is closed or its process dies."""
    path = folder / NAME
    with refusals(path):
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _held(folder, file) from error
        # A forked worker that outlives a killed parent would hold the lock for ever.
        os.register_at_fork(after_in_child=file.close)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
    return file


def release(file: TextIO) -> None:
    """Let the next writer in; the lock file stays, empty."""
    if not file.closed:
        file.truncate(0)
        file.close()


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Wait until no other process is in its turn with this file, which must be there and stays as it is."""
    with refusals(path):
        file = path.open("a")  # NFS locks only what may be written
    with file:
        with refusals(path):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _held(folder: Path, file: TextIO) -> PonderError:
    with file:
        file.seek(0)
        holder = file.read() or "unknown"
    return PonderError(f"{folder}: process {holder} is writing this run: wait for it, or give another --out")
