"""Rows of a data file as mappings: JSONL, JSON, CSV, TSV or Parquet, gzipped or not."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import itertools
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ponder.options import nearest
from ponder.types import PonderError

Row = tuple[str, Mapping[str | int, Any]]
"""Where it stands in the file, for people, and its values by field name, or by column number without a header."""


def read_rows(field: str, path: Path, *, header: bool = True, records: str | None = None) -> list[Row]:
    """Every row of a file; `field` names the option that holds the path.

    `header` says whether CSV and TSV name their columns in the first line; `records` is the key of a JSON object that
    holds the list. Raises PonderError for a file that is missing, unreadable, malformed (with the line) or empty.
    """
    suffixes = [s.lower() for s in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    kind = "".join(suffixes[-2:-1] if zipped else suffixes[-1:])
    if kind not in READERS:
        raise PonderError(f"{field} = '{path}': must end in one of {', '.join(READERS)}, with or without .gz")
    content = _content(field, path, zipped)
    try:
        rows = list(READERS[kind](content, header, records))
    except PonderError as mistake:
        raise PonderError(f"{field} = '{path}': {mistake}") from None
    except UnicodeDecodeError as error:
        raise PonderError(f"{field} = '{path}': byte {error.start} is not UTF-8; save the file as UTF-8") from None
    if not rows:
        raise PonderError(f"{field} = '{path}': holds no rows; give a file with at least one")
    return rows


def _content(field: str, path: Path, zipped: bool) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if zipped else raw
    except FileNotFoundError:
        raise PonderError(f"{field} = '{path}': there is no such file; check the path") from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise PonderError(f"{field} = '{path}': is not a whole gzip file; fetch it again") from None
    except OSError as error:
        raise PonderError(f"{field} = '{path}': cannot be read: {error.strerror}") from None


def _jsonl(content: bytes, header: bool, records: str | None) -> Iterator[Row]:
    for number, line in enumerate(content.decode("utf-8-sig").split("\n"), start=1):
        if line.strip():
            yield f"line {number}", _record(_parse(line, f"line {number}"), f"line {number}")


def _json(content: bytes, header: bool, records: str | None) -> Iterator[Row]:
    data = _parse(content.decode("utf-8-sig"), "the file")
    if isinstance(data, dict):
        data = data[_list_key(data, records)]
    if not isinstance(data, list):
        raise PonderError("must hold a list of objects, or an object with a list of them")
    for number, record in enumerate(data, start=1):
        yield f"item {number}", _record(record, f"item {number}")


def _list_key(data: Mapping[str, Any], records: str | None) -> str:
    """The key that holds the list: the one named, or the only one."""
    keys = [key for key, value in data.items() if isinstance(value, list)]
    if records is not None and records not in keys:
        raise PonderError(f"records = {records!r}: no list under this key; {nearest(records, keys)}")
    if records is None and len(keys) != 1:
        raise PonderError(f"records is missing: name the key that holds the list, one of {', '.join(keys) or 'none'}")
    return records or keys[0]


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = where if error.lineno == 1 else f"line {error.lineno}"
        raise PonderError(f"{place} is not JSON: {error.msg} at column {error.colno}") from None


def _record(value: Any, where: str) -> Mapping[str | int, Any]:
    if not isinstance(value, dict):
        raise PonderError(f"{where} must be an object, not {type(value).__name__}")
    return value


def _csv(content: bytes, header: bool, records: str | None) -> Iterator[Row]:
    return _table(csv.reader(_text(content), strict=True), header)


def _tsv(content: bytes, header: bool, records: str | None) -> Iterator[Row]:
    return _table(csv.reader(_text(content), delimiter="\t", quoting=csv.QUOTE_NONE, strict=True), header)


def _text(content: bytes) -> io.StringIO:
    return io.StringIO(content.decode("utf-8-sig"), newline="")


def _table(reader: Any, header: bool) -> Iterator[Row]:
    """Rows of as many columns as the first line has."""
    try:
        lines = filter(None, reader)
        first = next(lines, [])
        columns = first if header else range(len(first))
        for values in lines if header else itertools.chain([first], lines):
            if len(values) != len(columns):
                raise PonderError(f"line {reader.line_num} has {len(values)} columns instead of {len(columns)}")
            yield f"line {reader.line_num}", dict(zip(columns, values, strict=True))
    except csv.Error as error:
        raise PonderError(f"line {reader.line_num}: {error}") from None


def _parquet(content: bytes, header: bool, records: str | None) -> Iterator[Row]:
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    try:
        table = parquet.read_table(io.BytesIO(content))
    except arrow.ArrowException as error:
        raise PonderError(f"is not a Parquet file: {str(error).splitlines()[0]}") from None
    for number, record in enumerate(table.to_pylist(), start=1):
        yield f"row {number}", record


READERS: dict[str, Callable[[bytes, bool, str | None], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}
