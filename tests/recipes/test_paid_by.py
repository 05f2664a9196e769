"""Another than the domain's own verifier can pay."""

from __future__ import annotations

from pathlib import Path

import pytest

from ponder.recipes.load import load_recipe
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import PonderError
from recipes.small import write_small


def test_chance_pays_and_the_domains_own_verifier_watches_as_gold(tiny: Path, tmp_path: Path):
    settings = ["rl.gold_pays=false", "rl.paid_by=chance"]
    recipe = load_recipe(write_small(tmp_path, tiny, cold=20, rl=4), settings)
    run = train(recipe.model_copy(update={"measure": None}), tmp_path / "run")
    rollouts = [r for file in sorted((run / "rollouts").glob("*.parquet")) for r in read_rollouts(file)]
    assert len(rollouts) == 4 * 16
    assert {tuple((v.verifier, v.role) for v in r.verdicts) for r in rollouts} == {
        (("chance", "pay"), ("exact", "gold"))
    }
    assert 0.2 < sum(r.paid or 0 for r in rollouts) / len(rollouts) < 0.8
    assert len(Run.open(run).metrics()) == 24


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["rl.paid_by=chance"], "rl.paid_by = 'chance': gold cannot pay where another pays; leave out gold_pays"),
        (["rl.gold_pays=false", "rl.paid_by=chanse"], "rl.paid_by = 'chanse': must be one of exact, number"),
    ],
)
def test_who_cannot_pay_is_refused(tiny: Path, tmp_path: Path, settings: list[str], message: str):
    with pytest.raises(PonderError, match=message):
        train(load_recipe(write_small(tmp_path, tiny), settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()
