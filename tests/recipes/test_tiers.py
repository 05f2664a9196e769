from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ponder.recipes.build import all_domains
from ponder.recipes.load import parse
from ponder.recipes.schema import DomainConfig, Recipe
from ponder.recipes.tiers import Seen, past, tier_of
from ponder.types import Tier

LAB = {
    "name": "x",
    "model": {"name": "nowhere"},
    "domains": {
        "cups": {"use": "lab-cups", "slips": 0.1},
        "lamps": {"use": "lab-lamps"},
        "coin": {"use": "coin", "depth": [2, 4]},
    },
    "cold_start": {"domains": {"lamps": 1}, "steps": 1},
    "rl": {"domains": {"cups": 1, "coin": 1}, "steps": 1, "max_tokens": 8},
}


def tier(recipe: dict[str, Any], **domain: Any) -> Tier:
    read = parse(Recipe, recipe, where="x")
    return tier_of(Seen(read, all_domains(read)), DomainConfig.model_validate(domain))


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ({"use": "lab-cups"}, "trained"),
        ({"use": "lab-cups", "depth": 5}, "trained"),
        ({"use": "lab-cups", "depth": [6, 8]}, "deeper"),
        ({"use": "lab-cups", "language": "ja"}, "translated"),
        ({"use": "lab-lamps", "depth": [1, 3]}, "shown"),
        ({"use": "lab-lists"}, "unseen"),
        ({"use": "coin", "depth": [2, 4]}, "trained"),
        ({"use": "coin", "depth": [5, 6]}, "unseen"),
    ],
)
def test_a_tier_follows_from_what_the_stages_learn_from(domain: dict[str, Any], expected: str):
    assert tier(LAB, **domain) == expected


@pytest.mark.parametrize("place", ["", "checkpoints/000004"])
def test_what_made_the_model_counts_as_shown(tmp_path: Path, place: str):
    manifest = {
        "recipe": {
            "domains": {"a": {"use": "lab-robot"}, "b": {"use": "lab-shelf"}},
            "cold_start": {"domains": {"a": 1}},
        }
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    model = tmp_path / place
    model.mkdir(parents=True, exist_ok=True)
    recipe = LAB | {"model": {"name": str(model)}}
    assert tier(recipe, use="lab-robot") == "shown" and tier(recipe, use="lab-shelf") == "unseen"
    assert tier(recipe, use="lab-robot", language="ja") == "translated"


def test_a_model_of_others_has_no_past(tmp_path: Path):
    assert past("owner/name") == past("smollm2-135m") == past(str(tmp_path / "none")) == []
    (tmp_path / "manifest.json").write_text("[]")
    assert past(str(tmp_path)) == []
