"""The quickstart's model after its cold start, where natural completions begin: `python -m benchmarks.cold_start`.

A process of its own makes it, so that the harness stays small.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ponder.recipes import build
from ponder.recipes.load import load_recipe
from ponder.recipes.schema import Recipe
from ponder.recipes.train import train
from ponder.runs.checkpoints import latest

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "quickstart.toml"


def only_cold_start(settings: Sequence[str]) -> Recipe:
    """The quickstart without measurements and without reinforcement."""
    recipe = load_recipe(RECIPE, settings)
    return recipe.model_copy(update={"rl": None, "measure": None, "domains": build.all_domains(recipe)})


def cold_started(folder: Path, settings: Sequence[str]) -> Path:
    """Folder of the model, made once for each recipe."""
    named = hashlib.sha256(only_cold_start(settings).model_dump_json().encode()).hexdigest()[:8]
    out = folder / f"cold-start-{named}"
    if not (out / "result.json").exists():
        subprocess.run([sys.executable, "-m", "benchmarks.cold_start", str(out), *settings], cwd=ROOT, check=True)
    checkpoint, _ = latest(out / "checkpoints")
    assert checkpoint, "a run that has ended has a checkpoint"
    return checkpoint.path


if __name__ == "__main__":
    train(only_cold_start(sys.argv[2:]), Path(sys.argv[1]), resume=True)
