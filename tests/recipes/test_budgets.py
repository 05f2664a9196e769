"""Budgets of thinking from a suite and a recipe to what was realised, with the lab's seed model."""

from __future__ import annotations

from pathlib import Path

import pytest

from ponder.recipes.load import load_recipe, parse
from ponder.recipes.measure import find_subject, measure
from ponder.recipes.schema import MeasureConfig, Recipe, SuiteConfig
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.runs.result import read_result
from ponder.runs.table import read_rollouts
from ponder.types import PonderError
from recipes.small import write_small

SUITE = """
name = "bounded"
problems = 4
max_tokens = 96
alone = true
budgets = [0, 8, { at_least = 24 }, { at_least = 16, at_most = 16 }]
[domains.arithmetic]
use = "lab-arithmetic"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("budgets")
    (folder / "bounded.toml").write_text(SUITE)
    asked = MeasureConfig(suite=str(folder / "bounded.toml"), problems=None, samples=None)
    return measure(find_subject("lab-seed"), asked, folder / "run")


def test_what_was_realised_is_on_every_rollout_and_within_its_bounds(run: Path):
    bounds = {"exactly-0": (0, 0), "most-8": (0, 8), "least-24": (24, None), "exactly-16": (16, 16)}
    for name, (least, most) in bounds.items():
        rollouts = read_rollouts(run / "measured" / f"untouched-{name}.parquet")
        assert len(rollouts) == 4
        for rollout in rollouts:
            assert (rollout.cell.think_at_least, rollout.cell.think_at_most) == (least, most)
            tokens = rollout.completion.thinking_tokens
            assert most is None or tokens <= most
            assert tokens >= least or rollout.completion.outcome == "truncated"
    exact = read_rollouts(run / "measured" / "untouched-exactly-16.parquet")
    assert any(rollout.completion.forced for rollout in exact)


def test_the_numbers_say_whether_the_budgets_were_held(run: Path):
    found = read_result(run)
    for name in ("exactly-0", "most-8", "exactly-16"):
        assert found[f"budget.untouched.all.{name}.over"].value == 0
    assert found["budget.untouched.all.exactly-0.thinking_tokens"].value == 0
    assert (found["budget.untouched.arithmetic.most-8.thinking_tokens"].value or 0) <= 8


def test_training_under_bounds_counts_what_was_outside_them(tmp_path: Path):
    lab = Path(__file__).parents[2] / "recipes" / "lab.toml"
    few = ["rl.steps=1", "rl.problems=2", "rl.group_size=3", "rl.think_at_least=4", "rl.think_at_most=12"]
    named = ["domains.arithmetic.use=lab-arithmetic", "rl.domains={arithmetic=1}"]
    recipe = load_recipe(lab, [*few, *named]).model_copy(update={"measure": None})
    (row,) = Run.open(train(recipe, tmp_path / "run")).metrics()
    assert row["over_budget"] == 0.0 and 0.0 <= row["under_budget"] <= 1.0 and row["thinking_tokens"] <= 12


def test_training_at_exactly_so_many_tokens(tmp_path: Path):
    lab = Path(__file__).parents[2] / "recipes" / "lab.toml"
    few = ["rl.steps=1", "rl.problems=2", "rl.group_size=3", "rl.think_at_least=9", "rl.think_at_most=9"]
    named = ["domains.arithmetic.use=lab-arithmetic", "rl.domains={arithmetic=1}", "rl.think_opened=true"]
    recipe = load_recipe(lab, [*few, *named]).model_copy(update={"measure": None})
    run = Run.open(train(recipe, tmp_path / "run"))
    rollouts = read_rollouts(run.rollouts_file("reinforce", 0))
    assert [rollout.completion.thinking_tokens for rollout in rollouts] == [9] * 6
    (row,) = run.metrics()
    assert (row["over_budget"], row["under_budget"], row["thinking_tokens"]) == (0.0, 0.0, 9.0)


def line(kind: type, values: dict[str, object]) -> str:
    with pytest.raises(PonderError) as error:
        parse(kind, values, where="x")
    (found,) = str(error.value).splitlines()
    return found


@pytest.mark.parametrize(
    ("budgets", "said"),
    [
        ([{"at_least": 9, "at_most": 8}], "budgets.0.at_most = 8: must be at least at_least = 9"),
        ([{}], "budgets.0.at_most: missing; give at_most, at_least or both"),
        ([-1], "budgets.0.at_most = -1: input should be greater than or equal to 0"),
        ([8, {"at_most": 8}], "give each budget once"),
        ([64], "at_most = 64 leaves no room for an answer in max_tokens = 64"),
        ([{"at_least": 70}], "at_least = 70 leaves no room"),
    ],
)
def test_budgets_that_cannot_be_held_are_refused(budgets: list[object], said: str):
    values = {"name": "s", "domains": {"coin": {"use": "coin"}}, "max_tokens": 64, "budgets": budgets}
    assert said in line(SuiteConfig, values)


@pytest.mark.parametrize("key", ["think_at_most", "think_at_least"])
def test_a_bound_that_leaves_no_room_is_refused(key: str):
    rl = {"domains": {"coin": 1}, "steps": 1, "max_tokens": 32, key: 32}
    assert f"rl.{key} = 32: leaves no room for an answer in max_tokens = 32" in line(
        Recipe, {"name": "x", "model": {"name": "y"}, "rl": rl}
    )


def test_completions_longer_than_the_context_are_refused_before_anything_is_written(tiny: Path, tmp_path: Path):
    recipe = load_recipe(write_small(tmp_path, tiny), ["rl.max_tokens=2048"])
    with pytest.raises(PonderError, match=r"rl\.max_tokens = 2048: the model's context is 2048 tokens"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
