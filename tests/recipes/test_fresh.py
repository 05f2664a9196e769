"""An untrained model that a recipe makes for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from ponder.model.chat import Chat
from ponder.recipes.build import source_of
from ponder.recipes.load import load_recipe
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.runs.result import read_result
from ponder.types import PonderError

RECIPE = """
name = "seedling"
seed = 3
[model]
name = "seedling"
dtype = "float32"
[model.fresh]
layers = 1
hidden = 32
heads = 2
inner = 64
context = 256
vocabulary = 400
examples = 40
[domains.chains]
use = "lab-arithmetic"
slips = 0.2
[domains.kusari]
use = "lab-arithmetic"
language = "ja"
[cold_start]
domains = { chains = 1, kusari = 1 }
steps = 12
batch = 8
worked = 0.5
learning_rate = 1e-2
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "seedling.toml"
    path.write_text(RECIPE)
    return path


def test_it_is_made_once_and_learns(recipe: Path, tmp_path: Path):
    asked = load_recipe(recipe)
    folder = source_of(asked)
    made = (folder / "model.safetensors").stat().st_mtime_ns
    out = train(asked, tmp_path / "run")
    assert source_of(asked) == folder and (folder / "model.safetensors").stat().st_mtime_ns == made
    losses = [row["loss"] for row in Run.open(out).metrics()]
    assert len(losses) == 12 and losses[-1] < 0.7 * losses[0]


def test_the_tokenizer_is_made_of_what_is_said_in_both_languages(recipe: Path):
    chat = Chat.load(source_of(load_recipe(recipe)))
    for text, most in (("Multiply by 7. Add 5.", 10), ("7を掛けます。5を足します。", 10)):
        assert len(chat._encode(text)) <= most


def test_another_seed_is_another_model(recipe: Path):
    one, other = (source_of(load_recipe(recipe, [f"seed={seed}"])) for seed in (3, 4))
    assert one != other


def test_what_cannot_begin_untrained_is_refused(recipe: Path, tmp_path: Path):
    recipe.write_text(
        RECIPE[: RECIPE.index("[cold_start]")]
        + "[rl]\ndomains = { chains = 1 }\ngold_pays = true\nsteps = 1\nmax_tokens = 8\n"
    )
    with pytest.raises(
        PonderError, match=r"model.fresh: an untrained model has to be taught first; add \[cold_start\]"
    ):
        train(load_recipe(recipe), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_random_is_not_measured(recipe: Path, tmp_path: Path):
    suite = tmp_path / "few.toml"
    suite.write_text('name = "few"\nproblems = 4\nmax_tokens = 24\n[domains.coin]\nuse = "coin"\n')
    asked = load_recipe(recipe, ["cold_start.steps=1", f'measure.suite="{suite}"'])
    out = train(asked, tmp_path / "run")
    assert sorted(path.stem for path in (out / "measured").iterdir()) == ["before", "forced"]
    numbers = read_result(out)
    assert "transfer.unseen.before" in numbers and "transfer.unseen.untouched" not in numbers
