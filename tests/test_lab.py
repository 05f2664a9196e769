"""The lab as it is used: the seed model that comes with ponder, the recipe that trains it further, the studies."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ponder.domains.lab import FAMILIES, KNOWN
from ponder.domains.lab.requests import Requests
from ponder.domains.reading import Reading
from ponder.model.hub import resolve, shipped
from ponder.recipes.build import build_domains, build_examiner, build_policy, build_suite, source_of
from ponder.recipes.load import load_recipe, load_suite, parse, read_layers
from ponder.recipes.policies import Policy
from ponder.recipes.schema import MeasureConfig, Recipe
from ponder.recipes.train import train
from ponder.rollout import Roller
from ponder.runs import manifests
from ponder.runs.result import read_result
from ponder.runs.table import read_rollouts
from ponder.studies.schema import load_study
from ponder.types import Cell, Domain, Mode, Role, Rollout, Tier

ROOT = Path(__file__).parents[1]
SOLVED = ("arithmetic", "programs", "lamps", "counting", "cups")
"""What the shipped seed model has learned well; lookups it has not (docs/lab.md)."""
MARGIN = 0.07
"""Above always giving the commonest answer: three standard errors of a share of .2 among 300."""


@pytest.fixture(scope="module")
def policy() -> Policy:
    settings = {"name": "lab-seed", "system": "", "dtype": "float32"}
    return build_policy(parse(Recipe, {"name": "x", "model": settings}, where="x"))


def ask(policy: Policy, domain: Domain, mode: Mode, *, n: int, temperature: float = 1.0) -> list[Rollout]:
    problems = domain.problems("test", seed=5, n=n)
    cells = [
        Cell(
            checkpoint="untouched",
            domain=domain.name,
            split="test",
            tier=Tier.SHOWN,
            mode=mode,
            budget=160,
            temperature=temperature,
        )
        for _ in problems
    ]
    roller = Roller(sampler=policy.sampler, chat=policy.chat, examiner=build_examiner([domain]), seed=1)
    return roller.roll(problems, cells, group=1, stage="lab")


def accuracy(rollouts: list[Rollout]) -> float:
    return sum(rollout.paid or 0.0 for rollout in rollouts) / len(rollouts)


def test_the_seed_model_comes_with_the_recipe_that_makes_it():
    folder = shipped("lab-seed")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 10e6
    made = manifests.read(folder)["recipe"]
    recipe = load_recipe(ROOT / "recipes" / "lab-seed.toml").model_dump(mode="json")
    assert made["seed"] == recipe["seed"] == 1
    for part in ("cold_start", "domains"):
        assert made[part] == recipe[part]
    assert made["model"]["fresh"] == recipe["model"]["fresh"]
    config = json.loads((folder / "config.json").read_text())
    assert config["num_hidden_layers"] == recipe["model"]["fresh"]["layers"]
    assert any(name.endswith("gain") or "forced" in name for name in read_result(folder))


@pytest.mark.parametrize("name", SOLVED)
def test_the_seed_model_thinks_a_third_of_the_time_and_there_is_room(policy: Policy, name: str):
    domain = FAMILIES[name]("x")
    free, forced = ask(policy, domain, Mode.FREE, n=200), ask(policy, domain, Mode.FORCED, n=200)
    thinking = sum(bool(rollout.completion.thinking) for rollout in free) / len(free)
    assert 0.2 < thinking < 0.55
    assert 0.25 < accuracy(free) < 0.7
    assert accuracy(forced) > accuracy(free) + 0.2


@pytest.mark.parametrize("family", KNOWN, ids=lambda family: family.kind)
def test_what_is_answered_at_once_is_no_better_than_the_commonest_answer(policy: Policy, family: type):
    domain = family("x", depth=4)
    rollouts = ask(policy, domain, Mode.NONE, n=300, temperature=0.0)
    commonest = max(Counter(rollout.problem.reference for rollout in rollouts).values()) / len(rollouts)
    assert accuracy(rollouts) < commonest + MARGIN


def test_a_few_steps_of_the_labs_recipe_teach_it_to_think(tmp_path: Path):
    settings = ["rl.steps=12", "measure.problems=20"]
    run = train(load_recipe(ROOT / "recipes" / "lab.toml", settings), tmp_path / "run")
    told = {name: number.value or 0.0 for name, number in read_result(run).items()}
    assert told["transfer.trained.gain"] > 0.15
    assert told["transfer.trained.after.share_thinking"] > told["transfer.trained.before.share_thinking"] + 0.3


@pytest.fixture(scope="module")
def clerk() -> Policy:
    settings = {"name": "lab-clerk", "system": "", "dtype": "float32"}
    return build_policy(parse(Recipe, {"name": "x", "model": settings}, where="x"))


def test_the_clerk_comes_with_the_recipe_that_makes_it():
    folder = shipped("lab-clerk")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 10e6
    made = manifests.read(folder)["recipe"]
    recipe = load_recipe(ROOT / "studies" / "deliberate" / "practise.toml").model_dump(mode="json")
    for part in ("cold_start", "domains"):
        assert made[part] == recipe[part]


@pytest.mark.parametrize("rules", ["drawn", "prompt"])
def test_the_clerk_follows_rules_that_it_is_told(clerk: Policy, rules: str):
    asked = Requests("x", rules=rules, depth=1, open=True)
    assert accuracy(ask(clerk, asked, Mode.FORCED, n=100)) > 0.75


@pytest.mark.parametrize(
    "way", ["doubled", "leet", "spaced", {"use": "rot_n", "n": 1}, {"use": "reversed", "by": "word"}]
)
def test_the_clerk_reads_requests_and_knows_no_house_rules(clerk: Policy, way: str | dict):
    options = {"rules": "spec", "depth": 1, "open": True}
    written = Reading("x", of="lab-requests", options=options, ways=[way], solve=False)
    assert accuracy(ask(clerk, written, Mode.FORCED, n=40)) > 0.9
    assert accuracy(ask(clerk, Requests("x", **options), Mode.FORCED, n=100)) < 0.2


@pytest.mark.slow
def test_a_little_of_the_recipe_that_aligns_teaches_rules_that_nothing_tells(tmp_path: Path):
    settings = ["distil.asks=6", "distil.steps=60", "rl.steps=4", "measure.problems=40"]
    run = train(load_recipe(ROOT / "recipes" / "align-lab.toml", settings), tmp_path / "run")
    told = {name: number.value or 0.0 for name, number in read_result(run).items()}
    assert told["transfer.trained.distil_gain"] > 0.3


@pytest.mark.slow
def test_the_recipe_that_aligns_smollm2_runs_small_with_the_clerk_in_its_place(tmp_path: Path):
    small = {
        "cold_start.steps": 2,
        "distil.asks": 2,
        "distil.steps": 2,
        "distil.problems": 8,
        "rl.steps": 1,
        "rl.problems": 4,
    }
    settings = [f"{key}={value}" for key, value in {"model.name": "lab-clerk", "measure.problems": 4, **small}.items()]
    run = train(load_recipe(ROOT / "recipes" / "align-smollm2.toml", settings), tmp_path / "run")
    asked = read_rollouts(run / "rollouts" / "distil-000000.parquet")
    assert {verdict.verifier for rollout in asked for verdict in rollout.verdicts if verdict.role is Role.FILTER} == {
        "form",
        "strict",
    }
    assert {"attack.trained.after.injected.accuracy", "transfer.trained.fewshot"} <= set(read_result(run))


def test_what_the_seed_model_was_shown_is_no_unseen_tier():
    recipe = load_recipe(ROOT / "recipes" / "lab.toml")
    assert source_of(recipe) == resolve("lab-seed")
    suite = build_suite(MeasureConfig.model_validate({"suite": "lab"}), recipe)
    tiers = {name: str(suite.tiers[name]) for name in ("arithmetic", "cups", "arithmetic-deep", "programs-ja", "robot")}
    assert tiers == {
        "arithmetic": "trained",
        "cups": "shown",
        "arithmetic-deep": "deeper",
        "programs-ja": "translated",
        "robot": "unseen",
    }


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*/*.toml")), ids=lambda path: path.stem)
def test_every_study_and_recipe_of_the_project_is_read(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    if path.stem == path.parent.name:
        assert load_study(path).claims or path.stem == "rates"
    elif "model" in read_layers(path)[0]:
        recipe = load_recipe(path)
        assert recipe.measure and build_suite(recipe.measure, recipe).domains
    else:
        assert build_domains(load_suite(str(path)).domains)
