"""JSON for the run folder: finite numbers only, and one object a line that a kill cannot spoil."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ponder.runs.files import refusals
from ponder.types import PonderError


def finite(value: Any) -> Any:
    """The same value with None for every NaN and infinity, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON text in ASCII, whatever the strings hold."""
    return json.dumps(finite(value), allow_nan=False, indent=indent) + "\n"


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append one object and hand it to the system; a torn line that a killed writer left is cut off first."""
    line = to_json(record).encode()
    with refusals(path), path.open("a+b") as file:
        _cut_torn_line(file)
        file.write(line)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Every complete line; a torn last one is left out, and a file that is not there is empty."""
    whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [_parse(path, number, line) for number, line in enumerate(whole, start=1)]


def salvage(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Every line that can be read, for showing only, and a warning for each that cannot."""
    rows, warnings = [], []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1] if path.exists() else [], start=1):
        try:
            rows.append(_object(json.loads(line)))
        except ValueError:
            warnings.append(f"{path}: line {number} is damaged: left out")
    return rows, warnings


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not {"stage", "step"} <= value.keys():
        raise ValueError("not a step")
    return value


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError as error:
        raise PonderError(f"{path}: line {number} is damaged: remove that line by hand") from error


def _cut_torn_line(file: BinaryIO) -> None:
    if file.seek(0, os.SEEK_END) == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
