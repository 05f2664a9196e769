"""Runs that begin alike ask their beginning once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ponder.measure.suite import Suite
from ponder.recipes.load import load_recipe
from ponder.recipes.measure import find_subject, measure
from ponder.recipes.schema import MeasureConfig
from ponder.recipes.train import train
from ponder.runs.folder import Run
from recipes.small import write_small


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the conditions that were really asked."""
    found: list[str] = []
    ask = Suite.ask

    def listening(suite: Suite, condition: Any, *rest: Any, **named: Any) -> Sequence[Any]:
        found.append(condition.name)
        return ask(suite, condition, *rest, **named)

    monkeypatch.setattr(Suite, "ask", listening)
    return found


def begin(tiny: Path, tmp_path: Path, name: str, *settings: str, shared: bool = True) -> Path:
    """A run of the small recipe; without a cold start it is the model itself that reinforcement begins with."""
    recipe = write_small(tmp_path, tiny, cold=2, rl=2)
    text = recipe.read_text()
    begins, ends = text.index("[cold_start]"), text.index("[rl]")
    recipe.write_text(text[:begins] + text[ends:])
    beginnings = tmp_path / "beginnings" if shared else None
    return train(load_recipe(recipe, settings), tmp_path / name, beginnings=beginnings)


def test_the_second_run_finds_what_the_first_one_asked(tiny: Path, tmp_path: Path, asked: list[str]):
    first = begin(tiny, tmp_path, "one")
    assert {"untouched", "fewshot", "before", "forced", "after"} <= set(asked)
    asked.clear()
    second = begin(tiny, tmp_path, "two", "rl.learning_rate=1e-9")
    assert asked == ["after"]
    alone = begin(tiny, tmp_path / "elsewhere", "two", "rl.learning_rate=1e-9", shared=False)
    for path in (alone / "measured").iterdir():
        assert path.read_bytes() == (second / "measured" / path.name).read_bytes(), path.name
    took = [
        {row["condition"]: row["seconds"] for row in Run.open(run).timings() if row["stage"] == "measure"}
        for run in (first, second)
    ]
    assert all(took[0][name] == took[1][name] for name in ("untouched", "fewshot", "before", "forced"))


@pytest.mark.parametrize("change", ["seed=4", "measure.problems=3", "model.system=Be brief."])
def test_who_begins_otherwise_asks_anew(tiny: Path, tmp_path: Path, asked: list[str], change: str):
    begin(tiny, tmp_path, "one")
    asked.clear()
    begin(tiny, tmp_path, "two", change)
    assert {"untouched", "fewshot", "before", "forced", "after"} <= set(asked)


def test_what_is_damaged_or_was_cut_off_is_asked_again(tiny: Path, tmp_path: Path, asked: list[str]):
    begin(tiny, tmp_path, "one")
    (kept,) = (tmp_path / "beginnings").iterdir()
    (kept / "before.parquet").write_bytes(b"half")
    (kept / "forced.json").unlink()
    asked.clear()
    begin(tiny, tmp_path, "two")
    assert sorted(asked) == ["after", "before", "forced"]


def test_a_further_suite_finds_its_beginning_too(tiny: Path, tmp_path: Path, asked: list[str]):
    runs = [begin(tiny, tmp_path, name, f"rl.learning_rate={rate}") for name, rate in (("one", 1e-3), ("two", 1e-9))]
    suite = MeasureConfig(suite=str(tmp_path / "few.toml"), problems=2, samples=1)
    for run in runs:
        asked.clear()
        measure(find_subject(str(run)), suite, tmp_path / f"{run.name}-more", beginnings=tmp_path / "beginnings")
    assert asked == ["after"]


def test_what_a_judge_watches_is_asked_anew(tiny: Path, tmp_path: Path, asked: list[str]):
    judge = ('verifiers.watcher={form="lab", max_tokens=4}', "measure.judged_by=watcher", "measure.problems=2")
    for name in ("one", "two"):
        asked.clear()
        begin(tiny, tmp_path, name, *judge)
    assert {"untouched", "before", "forced", "after"} <= set(asked)
    assert not (tmp_path / "beginnings").exists()
