"""What rollouts are filtered and sorted by, read once from every file and kept in a small database of its own."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ponder.runs.query import scan
from ponder.runs.table import damage
from ponder.types import PonderError
from ponder.viewer.opened import Opened

FIRST, BATCH = 8, 100
"""Files that are read at a time, at first and then: the pages show them before the others are read."""
MEMORY = "256MB"
"""Most memory of the database; what is more goes to its folder."""
PAUSE = 1.0
"""Seconds between two looks for new files."""

_COLUMNS = """
    filename as path, file_row_number as row, stage, step, sample, policy_version, checkpoint, domain, tier, language,
    attack, strength, mode, problem_id, pair_id, outcome, paid, gold, thinking_tokens, completion_tokens,
    coalesce(list_filter(verdicts, lambda v: v.status <> 'judged')[1].status, '') as fault
"""
_EMPTY = """
create table rollouts (
    kind varchar, path varchar, row bigint, stage varchar, step integer, sample integer, policy_version integer,
    checkpoint varchar, domain varchar, tier varchar, language varchar, attack varchar, strength double, mode varchar,
    problem_id varchar, pair_id varchar, outcome varchar, paid double, gold double, thinking_tokens integer,
    completion_tokens integer, fault varchar
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A file as it was when it was read."""

    kind: str
    """`training` or `measured`."""
    size: int
    """Bytes of it."""
    changed: int
    """When it was written, in nanoseconds."""
    reason: str | None = None
    """Why it was left out; None where it was read."""


class Index:
    """The table `rollouts`: one light row for each rollout, and where the whole of it stands.

    As a context manager its database is removed at the end. Threads ask through cursors of their own.
    """

    def __init__(self, run: Opened) -> None:
        """`run`: whose files are read by `refresh`."""
        self.run = run
        self._folder = tempfile.TemporaryDirectory(prefix="ponder-")
        self._connection = _database(Path(self._folder.name))
        self._files: dict[Path, Known] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.first = threading.Event()
        """Set once there is something to show, or there is nothing to read."""
        self.reading = True
        """Whether there are files that have been seen and not read."""

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._lock:
            self._connection.close()
            self._folder.cleanup()

    def follow(self) -> threading.Thread:
        """Read what is there, and then what appears, in a thread of its own."""
        thread = threading.Thread(target=self._follow, daemon=True, name="index")
        thread.start()
        return thread

    def refresh(self) -> None:
        """Read every file that is new or has changed, forget those that are gone."""
        there = {path: known for kind, path in self.run.files() if (known := _stat(kind, path))}
        gone = [path for path, known in self._files.items() if not _same(there.get(path), known)]
        new = [path for path in there if path not in self._files or path in gone]
        self._forget(gone)
        for batch in _batches(sorted(new, key=_newest_first(there))):
            if self._ended.is_set():
                return
            self.reading = True
            self._read({path: there[path] for path in batch})
            self.first.set()
        self.reading = False
        self.first.set()

    def ask(self, sql: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a query; it is safe from any thread."""
        with self._connection.cursor() as cursor:
            result = cursor.execute(sql, values or {})
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def change(self, sql: str, rows: Sequence[Sequence[Any]] = ()) -> None:
        """Run a statement, or one for each of these rows."""
        with self._connection.cursor() as cursor:
            if rows:
                cursor.executemany(sql, rows)
            else:
                cursor.execute(sql)

    def files(self) -> list[Path]:
        """Every file that is read, newest first."""
        known = dict(self._files)
        return sorted((path for path, each in known.items() if each.reason is None), key=_newest_first(known))

    def changed(self, path: Path) -> int:
        """When a file that is read was written; 0 for another one."""
        known = self._files.get(path)
        return known.changed if known else 0

    def path(self, kind: str, name: str) -> Path | None:
        """The file of this kind and name without its ending, if it is one of those that are read."""
        known = dict(self._files)
        return next((p for p, each in known.items() if (each.kind, p.stem) == (kind, name) and not each.reason), None)

    @property
    def warnings(self) -> list[str]:
        """A line for each file that was left out."""
        return [f"{p.name}: left out: {each.reason}" for p, each in dict(self._files).items() if each.reason]

    @property
    def count(self) -> int:
        """Rollouts read so far."""
        return self.ask("select count(*) as n from rollouts")[0]["n"]

    def _follow(self) -> None:
        while not self._ended.is_set():
            with suppress(duckdb.ConnectionException):  # closed while it was read
                self.refresh()
            self._ended.wait(PAUSE)

    def _forget(self, paths: Sequence[Path]) -> None:
        for path in paths:
            del self._files[path]
        if paths:
            self.change("delete from rollouts where path = ?", [[str(path)] for path in paths])

    def _read(self, files: Mapping[Path, Known]) -> None:
        reasons = {path: _reason(path) for path in files}
        for kind in {known.kind for known in files.values()}:
            whole = [path for path, known in files.items() if known.kind == kind and not reasons[path]]
            reasons |= self._insert(kind, whole)
        with self._lock:
            for path, known in files.items():
                self._files[path] = Known(kind=known.kind, size=known.size, changed=known.changed, reason=reasons[path])

    def _insert(self, kind: str, files: Sequence[Path]) -> dict[Path, str]:
        """Read files together; where that fails one by one, and say which of them cannot be read."""
        if not files:
            return {}
        try:
            with self._lock:
                self.change(f"insert into rollouts select '{kind}', {_COLUMNS} from {scan(files, places=True)}")
        except duckdb.Error as error:
            if self._ended.is_set() or isinstance(error, duckdb.ConnectionException):
                raise
            if len(files) == 1:
                return {files[0]: "its content is damaged"}
            return {path: reason for each in files for path, reason in self._insert(kind, [each]).items()}
        return {}


def _database(folder: Path) -> duckdb.DuckDBPyConnection:
    settings: dict[str, Any] = {
        "memory_limit": MEMORY,
        "temp_directory": str(folder / "spilled"),
        "checkpoint_threshold": "1GB",
    }
    connection = duckdb.connect(str(folder / "index.duckdb"), config=settings)
    connection.execute(_EMPTY)
    return connection


def _stat(kind: str, path: Path) -> Known | None:
    with suppress(OSError):  # gone since it was listed
        found = path.stat()
        return Known(kind=kind, size=found.st_size, changed=found.st_mtime_ns)
    return None


def _same(one: Known | None, other: Known) -> bool:
    return one is not None and (one.size, one.changed) == (other.size, other.changed)


def _newest_first(known: Mapping[Path, Known]) -> Any:
    return lambda path: (-known[path].changed, path.name)


def _batches(paths: Sequence[Path]) -> list[Sequence[Path]]:
    """The newest few alone, so that there is something to show."""
    return (
        [paths[:FIRST], *(paths[start : start + BATCH] for start in range(FIRST, len(paths), BATCH))] if paths else []
    )


def _reason(path: Path) -> str | None:
    """Why a file is left out: it is damaged, or of another version."""
    try:
        return damage(path)
    except PonderError as other:
        return str(other).partition(": ")[2]
