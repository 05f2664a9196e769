"""A suite that asks in more ways than usual."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ponder.recipes.load import load_recipe
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.runs.query import connect
from ponder.types import PonderError
from recipes.small import write_small

MODES = ["none", "filler", "forced", "corrupted", "translated"]


def suite_with(folder: Path, line: str) -> None:
    suite = folder / "few.toml"
    suite.write_text(suite.read_text().replace("shots = 2\n", f"shots = 2\n{line}\n"))


def test_before_and_after_are_asked_in_every_way(tiny: Path, tmp_path: Path):
    path = write_small(tmp_path, tiny, cold=8, rl=2)
    suite_with(tmp_path, f"modes = {MODES}\nfiller = 3")
    run = train(load_recipe(path), tmp_path / "run")
    files = {file.stem for file in (run / "measured").iterdir()}
    more = {f"after-{mode}" for mode in MODES} | {f"before-{mode}" for mode in MODES if mode != "forced"}
    assert files == {"untouched", "fewshot", "before", "forced", "after"} | more
    found, (connection, _) = Run.open(run).result(), connect(run)
    told = {name: number for name, number in found.items() if name.startswith("modes.")}
    assert {name.split(".")[3] for name in told} == {"free", *MODES}
    assert {name.split(".")[1] for name in told} == {"before", "after"}
    with connection:
        for number in told.values():
            assert number.value == pytest.approx(query(connection, number.query)) and number.n == 4
        filled = connection.execute("select prompt_ids from rollouts where mode = 'filler'").fetchall()
        plain = connection.execute("select prompt_ids from rollouts where mode = 'none'").fetchall()
    assert {len(a) for (a,) in filled} != {len(b) for (b,) in plain}


def query(connection: duckdb.DuckDBPyConnection, sql: str) -> float:
    (value,) = connection.execute(sql).fetchone() or (None,)
    assert isinstance(value, float)
    return value


def test_a_way_nobody_knows_is_refused(tiny: Path, tmp_path: Path):
    path = write_small(tmp_path, tiny)
    suite_with(tmp_path, 'modes = ["louder"]')
    with pytest.raises(PonderError, match=r"modes.0 = 'louder'"):
        train(load_recipe(path), tmp_path / "run")
