"""Runs that a study's arms begin with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.command import mistake, ponder
from ponder.runs.folder import Run
from ponder.studies.asked import asked_of
from ponder.studies.run import needed, plan
from ponder.studies.schema import load_study
from ponder.types import PonderError
from recipes.small import write_small

STUDY = """
name = "heirs"
asks = "Can what one run has learned be the beginning of others?"
recipe = "small.toml"
seeds = [1, 2]
models = ["{begun}/checkpoints/000003"]
[[needs]]
recipe = "small.toml"
out = "{begun}"
set = ["seed=7", "rl.steps={steps}"]
[arms.heir]
[numbers]
minutes = "cost.minutes"
"""


@pytest.fixture
def begun(tmp_path: Path, tiny: Path) -> Path:
    write_small(tmp_path, tiny, cold=2, rl=1)
    return tmp_path / "begun"


def written(begun: Path, steps: int | str) -> Path:
    path = begun.with_name("heirs.toml")
    path.write_text(STUDY.format(begun=begun, steps=steps))
    return path


def test_what_a_study_needs_is_made_once_before_its_runs_begin_with_it(begun: Path, tmp_path: Path):
    file = written(begun, 1)
    told = ponder("study", str(file), "--out", str(tmp_path / "out"))
    assert told.exit_code == 0 and f"made {begun}" in told.output.replace("\n", "")
    heir: Any = Run.open(tmp_path / "out" / "heir-1").manifest["recipe"]
    assert heir["model"]["name"] == f"{begun}/checkpoints/000003" and heir["seed"] == 1
    study = load_study(file)
    (task,) = needed(study, file, plan(study, file, tmp_path / "out"))
    assert task.done
    again = ponder("study", str(file), "--out", str(tmp_path / "out"))
    assert again.exit_code == 0 and "made" not in again.output


def test_one_need_may_begin_with_another(begun: Path, tmp_path: Path):
    file = written(begun, 1)
    last = tmp_path / "last"
    more = f'[[needs]]\nrecipe = "small.toml"\nout = "{last}"\nset = ["model.name={begun}/checkpoints/000003"]\n'
    text = file.read_text().replace("[arms.heir]", f"{more}[arms.heir]")
    file.write_text(text.replace(f'models = ["{begun}/', f'models = ["{last}/'))
    told = ponder("study", str(file), "--out", str(tmp_path / "out"), "--workers", "2")
    assert told.exit_code == 0, told.output
    recipe: Any = Run.open(last).manifest["recipe"]
    assert recipe["model"]["name"] == f"{begun}/checkpoints/000003"


def test_a_need_that_fails_stops_the_study_in_one_line(begun: Path, tmp_path: Path):
    begun.mkdir()
    (begun / "letter.txt").write_text("mine")
    line = mistake("study", str(written(begun, 1)), "--out", str(tmp_path / "out"))
    assert "needs" in line and "holds files that are not of a run" in line


def test_what_is_wrong_with_its_recipe_is_said_before_anything_runs(begun: Path):
    with pytest.raises(PonderError, match=r"rl\.steps"):
        load_study(written(begun, "many"))


def test_the_verifiers_that_runs_make_are_audited_after_them(begun: Path, tmp_path: Path):
    file = written(begun, 1)
    file.write_text(file.read_text().replace("[arms.heir]", '[arms.heir]\naudits = {itself = ["lab-cups", "chains"]}'))
    study = load_study(file)
    (first, _) = plan(study, file, tmp_path / "out")
    assert [task.folder.name for task in first.tasks] == ["heir-1", "heir-1-itself-lab-cups", "heir-1-itself-chains"]
    words = first.tasks[1].command[3:]
    assert words[:4] == ("audit", f"{tmp_path / 'out' / 'heir-1'}:itself", "--on", "lab-cups")


@pytest.mark.parametrize("name", ["begun", "begun/", "prüfer"])
def test_a_run_hangs_on_what_it_begins_with_and_on_nothing_else_that_is_needed(begun: Path, tmp_path: Path, name: str):
    file = written(begun.with_name(name.rstrip("/")), 1)
    if name.endswith("/"):
        file.write_text(file.read_text().replace('begun"\n', 'begun/"\n'))
    before = asked(file)
    (out,) = before["needs"]
    other = f'[[needs]]\nrecipe = "small.toml"\nout = "{begun}-2"\n'
    file.write_text(file.read_text().replace("[[needs]]", f"{other}[[needs]]", 1))
    assert asked(file) == before  # nobody names it
    file.write_text(file.read_text().replace('"seed=7"', f'"model.name={begun}-2/checkpoints/000003", "seed=7"'))
    assert list(asked(file)["needs"]) == [out, f"{begun}-2"]  # begins with what begins with it


def asked(file: Path) -> dict[str, Any]:
    return asked_of(load_study(file), file, "heir", 1)


def test_what_begins_with_something_else_now_is_refused_though_that_is_gone(begun: Path, tmp_path: Path):
    file, out = written(begun, 1), tmp_path / "out"
    assert ponder("study", str(file), "--out", str(out)).exit_code == 0
    file.write_text(file.read_text().replace("rl.steps=1", "rl.steps=2"))
    change = "recipe.rl.steps was 1 when it was begun and is 2 now; change it back, or remove"
    assert (
        mistake("study", str(file), "--out", str(out))
        == f"{out / 'heir-1'}: needs.{begun}.{change} {out / 'heir-1'} and {out / 'heir-1'}-*"
    )


def test_what_only_kept_seeds_begin_with_is_not_made_again(begun: Path, tmp_path: Path):
    file = written(begun, 1)
    file.write_text(file.read_text().replace("seeds = [1, 2]", "seeds = [1]"))
    assert ponder("study", str(file), "--out", str(tmp_path / "out")).exit_code == 0
    shutil.rmtree(tmp_path / "out")
    begun.rename(tmp_path / "moved")
    other = f'[[needs]]\nrecipe = "small.toml"\nout = "{begun}-2"\n'
    text = file.read_text().replace("seeds = [1]", "seeds = [1, 2]").replace("[[needs]]", f"{other}[[needs]]", 1)
    file.write_text(
        text.replace("models = [", f'models = ["{begun}/checkpoints/000003", "{begun}-2/checkpoints/000003"]#')
    )
    said = ponder("study", str(file), "--out", str(tmp_path / "out"))
    assert said.exit_code == 0 and "heir seed 2 done" in said.stdout and "seed 1" not in said.stdout
    assert (tmp_path / "begun-2").exists() and not begun.exists()
