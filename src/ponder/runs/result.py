"""`result.json`: the numbers a run comes to, each with its interval, its n and where it is from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.types import PonderError

NAME = "result.json"


@dataclass(frozen=True, slots=True)
class Number:
    """One measured number."""

    value: float | None
    """The estimate; None where there is none."""
    low: float | None
    """Lower end of its 95% interval."""
    high: float | None
    """Upper end of its 95% interval."""
    n: int
    """How many problems (or seeds, or steps) it rests on."""
    unit: str = ""
    """`share`, `tokens`, `minutes`, ..."""
    query: str = ""
    """What computes it from the run folder."""


def write_result(run: Path, numbers: Mapping[str, Number]) -> None:
    """Add numbers to those in `result.json`; one of the same name is replaced."""
    merged = read_result(run) | dict(numbers)
    records = {name: asdict(merged[name]) for name in sorted(merged)}
    write_atomic(run / NAME, to_json({"numbers": records}, indent=1))


def read_result(run: Path) -> dict[str, Number]:
    """The numbers in `result.json`; none where it is not there."""
    path = run / NAME
    if not path.exists():
        return {}
    try:
        return {name: Number(**record) for name, record in json.loads(path.read_text())["numbers"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PonderError(f"{path}: not a result file: remove it and measure again") from error
