from __future__ import annotations

from pathlib import Path

import pytest

from ponder.model.hub import shipped
from ponder.recipes.ask import AskConfig, find_weights, plan, room
from ponder.recipes.load import load_recipe
from ponder.recipes.train import train
from ponder.solve.tries import PolicySource
from ponder.types import Mode, PonderError
from recipes.small import write_small


def test_a_sample_has_room_for_thinking_and_an_answer():
    """1024 without a budget, 256 besides one, and never more than the context leaves."""
    assert room(100, 2048, AskConfig()) == 1024
    assert room(100, 2048, AskConfig(budget=500)) == 756
    assert room(100, 2048, AskConfig(longest=192)) == 192
    assert room(2000, 2048, AskConfig()) == 48
    assert room(100, 2048, AskConfig(budget=1932)) == 1948, "16 are left for the answer"
    with pytest.raises(PonderError, match=r"budget = 1933: .* give at most 1932"):
        room(100, 2048, AskConfig(budget=1933))


def test_a_budget_that_leaves_no_room_in_what_a_sample_may_take():
    with pytest.raises(ValueError, match="leaves no token of `longest` for an answer"):
        AskConfig(budget=192, longest=192)


def test_a_run_is_asked_by_its_newest_checkpoint_and_a_checkpoint_as_its_run_speaks(tiny: Path, tmp_path: Path):
    recipe = load_recipe(write_small(tmp_path / "made", tiny, cold=2, rl=2), ['model.system="Be brief."'])
    run = train(recipe.model_copy(update={"measure": None}), tmp_path / "run")
    newest = max((run / "checkpoints").iterdir())
    for target in (run, newest):
        found, weights = find_weights(str(target))
        assert (found.model.system, weights.folder, weights.version) == ("Be brief.", newest, int(newest.name))


def test_a_name_and_a_folder_are_models_even_beside_a_manifest():
    for target in ("lab-seed", str(shipped("lab-seed"))):
        recipe, weights = find_weights(target)
        assert (recipe.model.name, weights.folder, weights.version) == (target, None, 0)


def test_the_thinking_block_is_opened_where_that_is_asked_for(tiny: Path):
    modes = []
    for think in (False, True):
        source = plan(str(tiny), "3+4?", AskConfig(think=think, budget=8)).solver.source
        assert isinstance(source, PolicySource)
        modes.append((source.cell.mode, source.cell.think_at_most, source.longest))
    assert modes == [(Mode.FREE, 8, 264), (Mode.FORCED, 8, 264)]
