"""Texts that people have labelled with a clause: the rows that come with a policy."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from ponder.specs.files import read_file
from ponder.specs.lines import fault, quoted
from ponder.specs.records import Spec
from ponder.types import PonderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text and what people found in it."""

    text: str
    """What was judged."""
    clause: str
    """Id of the clause that applies to it."""


def read_labelled(path: Path, spec: Spec) -> tuple[Labelled, ...]:
    """The labelled texts of a CSV file, whatever its columns are called.

    The column with most ids of the spec's clauses holds the labels; of the others, the one with most characters holds
    the texts. A row without a text is left out (a heading, a total); a text whose label is no clause is an error.
    """
    lines, rows = _rows(path)
    columns = list(zip_longest(*rows, fillvalue=""))
    ids = {clause.id for clause in spec.clauses}
    counts = [sum(cell in ids for cell in column) for column in columns]
    if len(columns) < 2 or not any(counts):
        raise PonderError(
            f"{path}: needs a column of texts and one with ids of {spec.name}'s clauses; give such a file"
        )
    labels = columns.pop(counts.index(max(counts)))
    texts = max(columns, key=lambda column: sum(map(len, column)))
    found = [(line, text, label) for line, text, label in zip(lines, texts, labels, strict=True) if text]
    for line, _, label in found:
        if label not in ids:
            raise fault(str(path), line, f"label = {quoted(label)}: {spec.name} has no such clause; correct the label")
    return tuple(Labelled(text=text, clause=label) for _, text, label in found)


def _rows(path: Path) -> tuple[list[int], list[list[str]]]:
    """The line that each row ends in, and its cells."""
    reader = csv.reader(io.StringIO(read_file(path), newline=""), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise fault(str(path), reader.line_num, f"not CSV: {error}; correct the row") from None
    return [line for line, _ in rows], [cells for _, cells in rows]
