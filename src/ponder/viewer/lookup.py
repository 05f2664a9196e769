"""Questions to the index, and the texts of the few rollouts that a page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from ponder.runs.query import scan
from ponder.viewer.asked import EXACT, Asked, condition, key, order
from ponder.viewer.index import Index

PAGE = 50
"""Rollouts of a page."""
EXCERPT = 240
"""Characters of a text in a list."""
TEXTS = {"question": "messages[-1].content", "thinking": "thinking", "answer": "answer", "reference": "reference"}
"""Text of a list -> its column."""
KIN = 24
"""Relatives of one sort that a rollout's page lists."""

Row = Mapping[str, Any]

_TALLY = """
select count(*) as n, count(*) filter (paid >= 0.5) as high, count(*) filter (paid < 0.5) as low,
    count(*) filter (paid is null) as lost, count(*) filter (outcome = 'truncated') as truncated,
    count(*) filter (outcome = 'no_answer') as no_answer,
    count(*) filter (paid >= 0.5 and gold < 0.5) as fooled, count(*) filter (paid < 0.5 and gold >= 0.5) as missed,
    count(gold) as with_gold
from rollouts where
"""
_GROUP = ("path", "stage", "step", "checkpoint", "problem_id", "attack", "strength", "mode")
"""Columns that the rollouts of one group share."""


def tally(index: Index, asked: Asked, searched: str = "") -> Row:
    """How many rollouts are asked for, and how many of them met which fate."""
    where, values = condition(asked, searched)
    return index.ask(f"{_TALLY} {where}", values)[0]


def page(index: Index, asked: Asked, searched: str = "") -> list[Row]:
    """The rollouts of the page that is asked for, with excerpts of their texts."""
    where, values = condition(asked, searched)
    placed = f"order by {order(asked)} limit {PAGE} offset {(asked.page - 1) * PAGE}"
    return with_excerpts(index, index.ask(f"select * from rollouts where {where} {placed}", values))


def choices(index: Index) -> dict[str, list[tuple[str, int]]]:
    """Filter -> the values there are of it and how often, the most frequent first."""
    sets = ", ".join(f"({name})" for name in EXACT)
    found = index.ask(
        f"select {', '.join(EXACT)}, count(*) as n, grouping({', '.join(EXACT)}) as which from rollouts "
        f"group by grouping sets ({sets}) order by n desc"
    )
    bits = {name: (1 << len(EXACT)) - 1 - (1 << (len(EXACT) - 1 - place)) for place, name in enumerate(EXACT)}
    return {name: [(row[name] or "", row["n"]) for row in found if row["which"] == bits[name]] for name in EXACT}


def with_excerpts(index: Index, rows: Sequence[Row]) -> list[Row]:
    """The rows with the beginnings of their texts; without them where a file is gone."""
    if not rows:
        return []
    cut = ", ".join(f"left({column}, {EXCERPT}) as {name}" for name, column in TEXTS.items())
    found: dict[tuple[str, int], Row] = {}
    for path, numbers in _by_file(rows).items():
        where = f"file_row_number in ({', '.join(map(str, numbers))})"
        sql = f"select file_row_number as row, {cut} from {scan([Path(path)], places=True)} where {where}"
        for text in _read(index, sql):
            found[path, text["row"]] = text
    return [{**row, **found.get((row["path"], row["row"]), {})} for row in rows]


def whole(index: Index, path: Path, row: int) -> Row | None:
    """Every column of one rollout; None where it is not there any more."""
    found = _read(index, f"select * from {scan([path], places=True)} where file_row_number = {row}")
    return found[0] if found else None


def light(index: Index, path: Path, row: int) -> Row | None:
    """The index's row of one rollout."""
    found = index.ask("select * from rollouts where path = $path and row = $row", {"path": str(path), "row": row})
    return found[0] if found else None


def neighbours(index: Index, asked: Asked, here: Row, searched: str = "") -> tuple[Row | None, Row | None, int]:
    """The rollouts before and after one in the order that is asked for, and its place from 0."""
    where, values = condition(asked, searched)
    values |= {"here": here["path"], "at": here["row"]}
    own = f"(select {key(asked)} from rollouts where path = $here and row = $at)"

    def beside(sign: str, way: str) -> Row | None:
        ordered = f"where ({where}) and {key(asked)} {sign} {own} order by {key(asked)} {way} limit 1"
        return next(iter(index.ask(f"select kind, path, row from rollouts {ordered}", values)), None)

    place = index.ask(f"select count(*) as n from rollouts where ({where}) and {key(asked)} < {own}", values)[0]["n"]
    return beside("<", "desc"), beside(">", "asc"), place


def siblings(index: Index, here: Row) -> list[Row]:
    """The rollouts of its group, itself among them."""
    same = " and ".join(f"{name} is not distinct from ${name}" for name in _GROUP)
    values = {name: here[name] for name in _GROUP}
    return with_excerpts(
        index, index.ask(f"select * from rollouts where {same} order by sample, row limit {4 * KIN}", values)
    )


def kin(index: Index, here: Row) -> dict[str, list[Row]]:
    """Where else its problem was asked: heading -> rollouts, in the order of the weights."""
    same = "problem_id = $problem_id"
    item = "(problem_id = $problem_id or (pair_id = $pair_id and language = $language))"
    other = "(step, checkpoint, mode, path, stage) is distinct from ($step, $checkpoint, $mode, $path, $stage)"
    attack = "(attack, strength) is distinct from ($attack, $strength)"
    sorts = {
        "At other steps and checkpoints": f"{same} and not ({attack}) and ({other})",
        "In another language": "pair_id = $pair_id and language <> $language",
        "Under attack" if here["attack"] == "none" else "Under other attacks, or none": f"{item} and ({attack})",
    }
    return {name: rows for name, where in sorts.items() if (rows := _relatives(index, here, where))}


def _relatives(index: Index, here: Row, where: str) -> list[Row]:
    names = ("problem_id", "pair_id", "language", "step", "checkpoint", "mode", "path", "stage", "attack", "strength")
    values = {name: here[name] for name in names if f"${name}" in where}
    order = f"order by policy_version, kind, path, row limit {KIN + 1}"
    return with_excerpts(index, index.ask(f"select * from rollouts where {where} {order}", values))


def _by_file(rows: Sequence[Row]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["path"], []).append(row["row"])
    return found


def _read(index: Index, sql: str) -> list[dict[str, Any]]:
    """Rows of Parquet files; none where they are gone or damaged."""
    try:
        return index.ask(sql)
    except duckdb.Error:
        return []
