"""SQL over the rollouts of a run."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import duckdb

from ponder.runs.folder import Run
from ponder.runs.table import SCHEMA, damage


def connect(
    *runs: Path, kind: Literal["measured", "rollouts"] = "measured"
) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """A connection with the view `rollouts`, of one run or several; a warning to show for each damaged file left out.

    `kind` says which: those of measuring or those of training. The view has the columns of `ponder.runs.table.SCHEMA`.
    """
    files = [file for run in runs for file in sorted((Run.open(run).path / kind).glob("*.parquet"))]
    reasons = {path: damage(path) for path in files}
    connection = duckdb.connect()
    _create_view(connection, [path for path in files if reasons[path] is None])
    return connection, [f"{path}: left out: {reason}" for path, reason in reasons.items() if reason]


def _create_view(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
    if not files:
        connection.register("rollouts", SCHEMA.empty_table())
        return
    connection.execute(f"CREATE VIEW rollouts AS SELECT * FROM {scan(files)}")


def scan(files: Iterable[Path], *, places: bool = False) -> str:
    """SQL that reads these files as one table; with `places` it has the columns `filename` and `file_row_number`."""
    # Without these, brackets in a path are a pattern, and a folder named `lr=1` becomes a column.
    names = ", ".join(quoted(glob.escape(str(path))) for path in files)
    options = ", filename = true, file_row_number = true" if places else ""
    return f"read_parquet([{names}], hive_partitioning = false{options})"


def quoted(text: str) -> str:
    """A text as SQL says it."""
    return "'" + text.replace("'", "''") + "'"
