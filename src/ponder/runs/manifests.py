"""`manifest.json`: what a run is, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ponder.runs import lock
from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.types import PonderError

NAME = "manifest.json"
SCHEMA_VERSION = 1
_FIXED = ("recipe", "suite", "seeds", "data")
_NOTED = ("versions", "git_commit", "machine")


def start(path: Path, manifest: Mapping[str, Any], *, resume: bool) -> dict[str, Any]:
    """The manifest of a run that begins, or of the one there that is to continue."""
    new = json.loads(to_json({"schema_version": SCHEMA_VERSION, "status": "running", **manifest}))
    if (path / NAME).exists():
        new = _continued(path, new, resume=resume)
    write(path, new)
    return new


def read(path: Path) -> dict[str, Any]:
    """The manifest in a run folder."""
    if not path.is_dir():
        raise PonderError(f"{path}: no such run: give the folder that a run was written to")
    if not (path / NAME).exists():
        raise PonderError(f"{path}: {_why_none(path)}")
    return _check(path, _parse(path))


def write(path: Path, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest in a run folder."""
    write_atomic(path / NAME, to_json(manifest, indent=1))


def _why_none(path: Path) -> str:
    if (path / lock.NAME).exists():
        return "a run that was killed before it began: start it again with --resume"
    return f"not a run folder (it has no {NAME}): give the folder that a run was written to"


def _parse(path: Path) -> Any:
    try:
        return json.loads((path / NAME).read_bytes())
    except ValueError as error:
        raise PonderError(f"{path / NAME}: half-written or damaged: restore it, or give another --out") from error


def _check(path: Path, manifest: Any) -> dict[str, Any]:
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if not isinstance(version, int):
        raise PonderError(f"{path / NAME}: has no schema_version, so not a run's: give another folder")
    if version > SCHEMA_VERSION:
        raise PonderError(f"{path}: schema_version = {version}: made by a newer ponder: upgrade this one")
    return manifest


def _continued(path: Path, new: dict[str, Any], *, resume: bool) -> dict[str, Any]:
    if not resume:
        raise PonderError(f"{path}: holds a run already: continue it with --resume, or give another --out")
    old = read(path)
    _refuse_change(path, old, new)
    return _with_changes(old, new) | {"status": new["status"]}


def _refuse_change(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    was, now = ({key: manifest.get(key) for key in _FIXED} for manifest in (old, new))
    if change := first_change(was, now):
        key, before, after = change
        made = f"the run in {path} was made with {before!r}"
        raise PonderError(
            f"{key.removeprefix('recipe.')} = {after!r}: {made}: resume it with that, or give another --out"
        )


def first_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """The first dotted key whose value differs, with both values; None where all are the same."""
    was, now = _flat(dict(old)), _flat(dict(new))
    changed = (key for key in sorted(was.keys() | now.keys()) if was.get(key) != now.get(key))
    return next(((key, was.get(key), now.get(key)) for key in changed), None)


def _with_changes(old: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The old manifest, with what else it is continued on noted in `resumed_on`."""
    noted = [old, *old.get("resumed_on", [])][-1]
    now = {key: new.get(key) for key in _NOTED}
    if all(noted.get(key) == now[key] for key in _NOTED):
        return old
    return old | {"resumed_on": [*old.get("resumed_on", []), now]}


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one dict with dotted keys."""
    if not isinstance(value, dict):
        return {prefix: value}
    inner = (_flat(child, f"{prefix}.{key}".lstrip(".")) for key, child in value.items())
    return {key: each for part in inner for key, each in part.items()}
