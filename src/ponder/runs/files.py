"""Files that are whole or not there: a temporary name, a flush, a rename."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from ponder.types import PonderError

_OTHER = "choose another folder with --out"
_REMEDIES = {
    errno.ENOSPC: "free some space and continue with --resume",
    errno.EDQUOT: "free some of your quota and continue with --resume",
    errno.EFBIG: f"this file system takes no file of that size; {_OTHER}",
    errno.EACCES: f"change its permissions, or {_OTHER}",
    errno.EPERM: f"change its permissions, or {_OTHER}",
    errno.EROFS: _OTHER,
    errno.ENOTDIR: f"a part of the path is a file; {_OTHER}",
    errno.EISDIR: f"a folder has this name; remove it, or {_OTHER}",
    errno.ENAMETOOLONG: "choose a shorter name with --out",
    errno.ENOLCK: f"this file system has no locks; {_OTHER}",
    errno.EOPNOTSUPP: f"this file system has no locks; {_OTHER}",
}
_TEMPORARY = re.compile(r".*\.tmp-\d+-[0-9a-f]{8}")


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Turn what a file system refuses while `path` is written into one line with a remedy."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        code = _code(error)
        if code not in _REMEDIES:
            raise
        raise PonderError(f"{path}: cannot be written ({os.strerror(code).lower()}): {_REMEDIES[code]}") from error


def _code(error: OSError | SafetensorError) -> int:
    """The system's number of an error, which safetensors tells in words only."""
    if isinstance(error, OSError):
        return error.errno or 0
    told = re.search(r"os error (\d+)", str(error))
    return int(told.group(1)) if told else 0


def make_folder(path: Path) -> Path:
    """The folder, made with its parents where it is not there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        code = error.errno or 0
        remedy = _REMEDIES.get(code, _OTHER)
        raise PonderError(f"{path}: this folder cannot be made ({os.strerror(code).lower()}): {remedy}") from error
    return path


@contextmanager
def replacing(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """A temporary name to write to; it takes the place of `path` once the block ends, and is gone if it raises.

    With `folder`, the temporary name is an empty folder, and nothing may be at `path` yet:
    a full folder cannot be replaced in one move.
    """
    assert not (folder and path.exists()), f"{path} is there already: a folder is written once"
    make_folder(path.parent)
    temporary = _temporary_name(path)
    try:
        with refusals(path):
            if folder:
                temporary.mkdir()
            yield temporary
            _flush(temporary)
            temporary.replace(path)
            _flush_one(path.parent)
    except BaseException:
        _remove(temporary)
        raise


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a whole file: after a crash at any instant the old content is there, or the new."""
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def discard(path: Path) -> None:
    """Remove a file or folder, if it is there; a folder is renamed first, so that half of it is never seen."""
    temporary = _temporary_name(path)
    with refusals(path), suppress(FileNotFoundError):
        path.replace(temporary)
        _remove(temporary)


def clean(folder: Path) -> None:
    """Remove what killed writers left behind anywhere below `folder`, which no one else may be writing."""
    for path in sorted(folder.rglob("*.tmp-*")):
        if _TEMPORARY.fullmatch(path.name):
            _remove(path)


def is_temporary(path: Path) -> bool:
    """Whether this is the name of something half-written."""
    return _TEMPORARY.fullmatch(path.name) is not None


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Make sure that a file, if it is there, survives a power cut."""
    if path.exists():
        _flush_one(path)


def _temporary_name(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp-{os.getpid()}-{secrets.token_hex(4)}")


def _flush(path: Path) -> None:
    inner = path.rglob("*") if path.is_dir() else ()
    for each in (*inner, path):
        _flush_one(each)


def _flush_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)
