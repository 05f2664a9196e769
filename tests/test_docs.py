"""What the pages show works: every recipe in them is read, and every objective and sampling option trains."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ponder import attacks, domains
from ponder.objectives import OBJECTIVES
from ponder.recipes.load import load_recipe, parse, shipped_suites
from ponder.recipes.schema import Recipe, SuiteConfig
from ponder.recipes.train import train
from ponder.runs.folder import Run
from recipes.small import write_small

DOCS = Path(__file__).parents[1] / "docs"
BLOCKS = [
    (page.name, number, tomllib.loads(block))
    for page in sorted(DOCS.glob("your_*.md"))
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize(("page", "number", "values"), BLOCKS, ids=lambda value: str(value)[:20])
def test_every_recipe_of_the_pages_is_read(page: str, number: int, values: dict[str, Any]):
    recipe = parse(Recipe, {"name": "page", "model": {"name": "smollm2-135m"}} | values, where=page)
    assert recipe.model_dump(exclude_unset=True).items() >= {"name": "page"}.items()
    for name, config in recipe.domains.items():
        if config.use == "gym":
            assert domains.build(name, config.use, config.options).problems("train", seed=0, n=1)


def test_the_suite_of_the_page_is_read_and_every_suite_that_ships_is_named():
    page = (DOCS / "your_suite.md").read_text()
    (block,) = re.findall(r"```\n(# mine\.toml.*?)```", page, re.DOTALL)
    suite = parse(SuiteConfig, tomllib.loads(block), where="your_suite.md")
    assert [attacks.build(each.use, each.options, name=name).name for name, each in suite.attacks.items()]
    table = re.findall(
        r"^\| (`.*?`) \|", page.partition("suite that ships")[2].partition("# The run folder")[0], re.MULTILINE
    )
    assert set(re.findall(r"`([\w-]+)`", " ".join(table))) == set(shipped_suites())


def test_every_suite_that_a_page_asks_for_is_there():
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    asked = {name for page in pages for name in re.findall(r"--suite ([\w./-]+)", page.read_text())}
    assert "transfer" in asked
    assert {name for name in asked if not name.endswith(".toml")} <= {*shipped_suites(), "NAME"}


def test_the_pages_name_every_objective_and_link_to_what_is_there():
    text = (DOCS / "your_objective.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(OBJECTIVES)
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (DOCS / link).exists(), f"{page.name}: {link}"


OPTIONS = [
    *([f'rl.objective="{name}"', "rl.minibatches=2"] for name in OBJECTIVES),
    ["rl.kl=0.1", 'rl.kl_estimator="k2"', "rl.epochs=2", 'rl.correction="mask"'],
    ["rl.temperature=0.7", "rl.top_p=0.9", "rl.min_p=0.01", 'rl.stop=["zz"]'],
    ["rl.think_at_most=2", "rl.max_tokens=32", "rl.drop_truncated=true", "rl.overlong=8"],
    ["rl.pools={}", "rl.mixture_temperature=2.0"],
    ["model.lora={rank=2}", 'model.dtype="bfloat16"'],
    ['model.freeze=["embed_tokens"]', 'model.thinking="qwen3"', "cold_start.worked=0.0"],
]


@pytest.mark.parametrize("settings", OPTIONS, ids=lambda settings: settings[0])
def test_every_option_of_the_pages_trains(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: list[str]
):
    monkeypatch.chdir(tmp_path)
    path = write_small(tmp_path, tiny, cold=12, rl=3)
    recipe = load_recipe(path, settings)
    run = Run.open(train(recipe.model_copy(update={"measure": None}), tmp_path / "run"))
    rows = [row for row in run.metrics() if row["stage"] == "reinforce"]
    assert len(rows) == 3
    assert any(row["groups_learned"] for row in rows) or settings[0].startswith("model.")
    assert all(row["loss"] == row["loss"] for row in rows if row["groups_learned"])
