from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ponder.cli.jobs import plan
from ponder.model.devices import device_of
from ponder.recipes.record import settled
from ponder.recipes.schema import Recipe
from ponder.types import PonderError


def machine(monkeypatch: pytest.MonkeyPatch, *, gpu: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)


@pytest.mark.parametrize("gpu", [False, True])
def test_auto_is_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch, gpu: bool):
    machine(monkeypatch, gpu=gpu)
    assert device_of("auto").type == ("cuda" if gpu else "cpu")
    assert device_of("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch):
    machine(monkeypatch, gpu=False)
    with pytest.raises(PonderError, match=r"^model\.device = 'cuda': torch finds no GPU here; take 'auto' or 'cpu'"):
        device_of("cuda")


def test_on_a_gpu_auto_computes_in_bfloat16_and_the_plan_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    machine(monkeypatch, gpu=True)
    recipe = settled(Recipe.model_validate({"name": "r", "model": {"name": "m"}}), tmp_path)
    assert (recipe.model.dtype, recipe.model.device) == ("bfloat16", "auto")
    assert plan(recipe, tmp_path).startswith("r: m in bfloat16 on cuda")
