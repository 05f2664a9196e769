"""What a recipe says of the cost of thinking: what is refused, and a run with the lab's seed model."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ponder.recipes.load import load_recipe, parse
from ponder.recipes.schema import Recipe
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.types import PonderError
from recipes.test_resume import CLOCKED, Stopper

LAB = Path(__file__).parents[2] / "recipes" / "lab.toml"
SMALL = (
    "rl.steps=4",
    "rl.problems=3",
    "rl.group_size=4",
    "checkpoint_every=2",
    "domains.arithmetic.use=lab-arithmetic",
    "rl.domains={arithmetic=1}",
)
HELD = (*SMALL, "rl.cost.use=linear", "rl.cost.hold=8", "rl.cost.rate=0.5")


def refused(**cost: object) -> str:
    """What a recipe with this cost is refused with."""
    rl = {"domains": {"where": 1}, "steps": 1, "max_tokens": 64}
    rl |= {key: cost.pop(key) for key in list(cost) if key in ("normalise", "objective", "think_at_most", "token_cost")}
    rl |= {key: cost.pop(key) for key in list(cost) if key == "think_at_least"}
    with pytest.raises(PonderError) as error:
        parse(Recipe, {"name": "x", "model": {"name": "y"}, "rl": rl | {"cost": cost}}, where="x")
    (line,) = str(error.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({"use": "lienar"}, "rl.cost.use = 'lienar': must be one of linear, target, target_max, group, truncation"),
        ({"use": "group", "slop": 0.1}, "rl.cost.slop: unknown key; did you mean 'slope'?"),
        ({"use": "linear"}, "rl.cost.price: missing; give a price, or with hold a mean length"),
        ({"use": "linear", "price": -1.0}, "rl.cost.price = -1.0: input should be greater than or equal to 0"),
        ({"use": "linear", "price": 0.1, "rate": 0.1}, "rl.cost.rate = 0.1: is of the price that holds a mean length"),
        ({"use": "target", "slope": 0.1}, "rl.cost.target: missing; 'target' needs it"),
        ({"use": "target", "slope": 0.1, "target": [8, 16]}, "rl.cost.told: nobody can keep to one of several"),
        ({"use": "target", "slope": 0.1, "target": [8, 99], "told": True}, "so 99 is never crossed"),
        ({"use": "group", "slope": 0.1, "limit": 3}, "rl.cost.limit = 3: is no key of 'group', which takes slope"),
        ({"use": "group", "slope": 2.0}, "rl.cost.slope = 2.0: input should be less than or equal to 1"),
        ({"use": "truncation", "limit": 9, "normalise": "group"}, "add normalise = \"batch\""),
        ({"use": "truncation", "limit": 9, "objective": "grpo"}, "and normalise is 'group'"),
        ({"use": "linear", "price": 0.1, "objective": "maxrl"}, "takes none below 0, as 'linear' makes"),
        ({"use": "truncation", "limit": 64}, "rl.cost.limit: thinking is between 0 and 64 tokens long"),
        ({"use": "linear", "hold": 20.0, "think_at_most": 16}, "rl.cost.hold: thinking is between 0 and 16 tokens"),
        ({"use": "linear", "price": 0.1, "think_at_least": 8, "think_at_most": 8}, "every rollout thinks 8 tokens"),
        ({"use": "linear", "price": 0.1, "token_cost": 0.1}, "rl.token_cost = 0.1: thinking is paid for once"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused_in_a_line(cost: dict[str, object], said: str):
    assert said in refused(**cost)


def costed(*settings: str) -> Recipe:
    return load_recipe(LAB, settings).model_copy(update={"measure": None})


def bytes_of(run: Path) -> dict[str, bytes]:
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name not in CLOCKED}


def test_a_held_length_moves_the_price_and_a_resumed_run_finds_it_again(tmp_path: Path):
    recipe = costed(*HELD)
    whole, stopped = train(recipe, tmp_path / "whole" / "run"), tmp_path / "stopped" / "run"
    rows = Run.open(whole).metrics()
    assert rows[0]["price"] == 0.0
    for before, after in pairwise(rows):
        moved = 0.5 * (before["thinking_tokens"] - 8) / 64
        assert after["price"] == pytest.approx(min(1 / 8, max(0.0, before["price"] + moved)))
    assert any(row["price"] > 0 and row["cost"] > 0 for row in rows)
    for number, instant in enumerate(("stepped reinforce 2", "ended reinforce")):
        with pytest.raises(KeyboardInterrupt):
            train(recipe, stopped, resume=number > 0, watch=Stopper(instant))
    train(recipe, stopped, resume=True)
    assert bytes_of(stopped) == bytes_of(whole)


@pytest.mark.parametrize(
    "cost",
    [
        ("target", "rl.cost.target=24", "rl.cost.slope=0.01"),
        ("target_max", "rl.cost.target=[8, 24]", "rl.cost.slope=0.01", "rl.cost.told=true"),
        ("group", "rl.cost.slope=0.4"),
        ("truncation", "rl.cost.limit=8"),
    ],
    ids=lambda cost: cost[0],
)
def test_each_cost_trains_the_seed_model(tmp_path: Path, cost: tuple[str, ...]):
    use, *numbers = cost
    run = Run.open(train(costed(*SMALL, "rl.steps=1", f"rl.cost.use={use}", *numbers), tmp_path / "run"))
    (row,) = run.metrics()
    assert row["groups_learned"] and row["loss"] == row["loss"] and row["cost"] > 0 and "price" not in row
