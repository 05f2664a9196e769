"""Checkpoint folders: complete or not there, each file's size and hash recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponder.runs.files import discard, sha256, write_atomic
from ponder.runs.lines import to_json

SEAL = "complete.json"
STATE = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A complete checkpoint of a run."""

    number: int
    """Grows with the run."""
    path: Path
    """`checkpoints/NNNNNN`."""
    state: dict[str, Any]
    """How far the run was, as its stages tell it."""
    marks: dict[str, Any]
    """How long `metrics.jsonl` was, and the last rollouts step of each stage, when it became the newest."""


def folder_of(parent: Path, number: int) -> Path:
    """Where a checkpoint lies."""
    return parent / f"{number:06d}"


def seal(folder: Path, state: Mapping[str, Any], marks: Mapping[str, Any]) -> None:
    """Finish a checkpoint folder: write its state, then the sizes and hashes of everything in it."""
    (folder / STATE).write_text(to_json(state, indent=1))
    files = {path.relative_to(folder).as_posix(): _record(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    (folder / SEAL).write_text(to_json({"files": files, "marks": marks}, indent=1))


def numbers(parent: Path) -> list[int]:
    """Numbers of the checkpoint folders, damaged ones included, in order."""
    names = (path.name for path in parent.glob("*") if path.is_dir())
    return sorted(int(name) for name in names if re.fullmatch(r"\d{6,}", name))


def damage(folder: Path, *, hashes: bool = False) -> str | None:
    """What is wrong with a checkpoint, or None; the content is read only if `hashes` are to be compared."""
    try:
        files = json.loads((folder / SEAL).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{SEAL} cannot be read"
    reasons = (_file_damage(folder / name, record, hashes) for name, record in files.items())
    return next((reason for reason in reasons if reason), None)


def latest(
    parent: Path, *, hashes: bool = False, unmet: Callable[[Mapping[str, Any]], str | None] = lambda marks: None
) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that can be gone on from, and one warning for each that was passed over.

    `unmet` says what is missing of that which was there when a checkpoint with these marks was made.
    """
    warnings = []
    for number in reversed(numbers(parent)):
        folder = folder_of(parent, number)
        reason = damage(folder, hashes=hashes)
        found = None if reason else _load(folder, number)
        reason = reason or (found and unmet(found.marks))
        if not reason:
            return found, warnings
        warnings.append(f"{folder}: damaged, passed over: {reason}")
    return None, warnings


def newest(parent: Path, wanted: Callable[[int], bool]) -> Checkpoint | None:
    """The newest whole checkpoint whose number is wanted."""
    whole = (number for number in reversed(numbers(parent)) if damage(folder_of(parent, number)) is None)
    found = next(filter(wanted, whole), None)
    return None if found is None else _load(folder_of(parent, found), found)


def remark(folder: Path, marks: Mapping[str, Any]) -> None:
    """Give a whole checkpoint other marks, at once or not at all."""
    files = json.loads((folder / SEAL).read_text())["files"]
    write_atomic(folder / SEAL, to_json({"files": files, "marks": marks}, indent=1))


def keep(parent: Path, n: int, protected: Collection[int] = ()) -> None:
    """Remove all whole checkpoints but the newest `n` and the protected ones."""
    assert n >= 1, "a run that keeps no checkpoint cannot be resumed"
    whole = [number for number in numbers(parent) if damage(folder_of(parent, number)) is None]
    for number in whole[:-n]:
        if number not in protected:
            discard(folder_of(parent, number))


def cut_after(parent: Path, number: int) -> None:
    """Remove every checkpoint newer than `number`."""
    for newer in numbers(parent):
        if newer > number:
            discard(folder_of(parent, newer))


def _record(path: Path) -> dict[str, Any]:
    return {"size": path.stat().st_size, "sha256": sha256(path)}


def _file_damage(path: Path, record: Mapping[str, Any], hashes: bool) -> str | None:
    if not path.is_file():
        return f"{path.name} is missing"
    size = path.stat().st_size
    if size != record["size"]:
        return f"{path.name} has {size} bytes, not {record['size']}"
    changed = hashes and sha256(path) != record["sha256"]
    return f"{path.name} does not match its hash" if changed else None


def _load(folder: Path, number: int) -> Checkpoint:
    marks = json.loads((folder / SEAL).read_text())["marks"]
    state = json.loads((folder / STATE).read_text())
    return Checkpoint(number=number, path=folder, state=state, marks=marks)
