"""Rollouts that hold a text: file after file, newest first, for as long as a page can wait; the next one goes on."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from pathlib import Path

import duckdb

from ponder.runs.query import scan
from ponder.viewer.index import Index

WAIT = 1.0
"""Seconds that one page searches."""
BATCH = 25
"""Files that are searched at a time."""
KEPT = 8
"""Texts whose results are kept."""

_HOLDS = " or ".join(
    f"contains(lower({column}), lower($text))" for column in ("thinking", "answer", "messages[-1].content")
)


class Search:
    """What was found of one text so far."""

    def __init__(self, index: Index, text: str, table: str) -> None:
        """`table`: name of the table of the index that holds `path` and `row` of what is found."""
        self.index, self.text, self.table = index, text, table
        self.done: set[tuple[Path, int]] = set()
        self.lock = threading.Lock()
        index.change(f"create table {table} (path varchar, row bigint)")

    def go_on(self) -> tuple[int, int]:
        """Search until all is searched or time is up: files searched, and files there are."""
        end = time.monotonic() + WAIT
        with self.lock:
            left = [path for path in self.index.files() if self._mark(path) not in self.done]
            total = len(self.done) + len(left)
            while left and time.monotonic() < end:
                self._search(left[:BATCH])
                del left[:BATCH]
        return total - len(left), total

    def _search(self, files: list[Path]) -> None:
        """A file that cannot be read has nothing in it; those beside it are read."""
        marks = [self._mark(path) for path in files]
        found = f"select filename, file_row_number from {scan(files, places=True)} where {_HOLDS}"
        try:
            forget = f"delete from {self.table} where list_contains($paths, path)"
            self.index.ask(forget, {"paths": [str(path) for path in files]})
            self.index.ask(f"insert into {self.table} {found}", {"text": self.text})
        except duckdb.Error:
            for path in files if len(files) > 1 else ():
                self._search([path])
        self.done.update(marks)

    def _mark(self, path: Path) -> tuple[Path, int]:
        """The file as it is now: one that is written anew is searched anew."""
        return path, self.index.changed(path)


class Searches:
    """The latest searches."""

    def __init__(self, index: Index) -> None:
        """`index`: whose files are searched."""
        self.index = index
        self.kept: OrderedDict[str, Search] = OrderedDict()
        self.made = 0
        self.lock = threading.Lock()

    def of(self, text: str) -> Search:
        """The search for this text, a new one or one that goes on."""
        with self.lock:
            if text not in self.kept:
                self.made += 1
                self.kept[text] = Search(self.index, text, f"found_{self.made}")
            self.kept.move_to_end(text)
            if len(self.kept) > KEPT:
                _, oldest = self.kept.popitem(last=False)
                self.index.change(f"drop table {oldest.table}")
            return self.kept[text]
