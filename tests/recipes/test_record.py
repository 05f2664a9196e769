import hashlib
from pathlib import Path
from typing import Any

import pytest

from ponder.recipes.record import manifest
from ponder.recipes.schema import DomainConfig, Recipe
from ponder.types import PonderError


def made(path: Any) -> dict[str, Any]:
    """The manifest of a recipe with a domain that reads this file."""
    domain = DomainConfig.model_validate({"use": "file", "path": path})
    return manifest(Recipe.model_validate({"name": "r", "model": {"name": "m"}}), {"letters": domain})


def test_the_files_of_domains_are_named_by_what_they_hold(tmp_path: Path):
    (tmp_path / "q.jsonl").write_bytes(b"abc")
    assert made(str(tmp_path / "q.jsonl"))["data"] == {"letters": hashlib.sha256(b"abc").hexdigest()}


@pytest.mark.parametrize("path", [5, True, ["a"]])
def test_a_path_that_is_no_text_is_one_line(path: Any):
    with pytest.raises(PonderError) as raised:
        made(path)
    assert str(raised.value) == f"letters.path = {path!r}: must be text or a path"


def test_the_specs_of_judges_are_named_by_what_they_say(tmp_path: Path):
    def data(text: str) -> dict[str, str]:
        (tmp_path / "house.md").write_text(f"# House\n\n## k1 (must) Doors\n\n{text}\n")
        judge = {"spec": str(tmp_path / "house.md")}
        recipe = Recipe.model_validate({"name": "r", "model": {"name": "m"}, "verifiers": {"house": judge}})
        return manifest(recipe, {})["data"]

    first, second = data("Close it."), data("Open it.")
    assert first.keys() == second.keys() == {"spec of house"} and first != second
    assert data("Close it.") == first
