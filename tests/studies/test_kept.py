"""Seeds of a study that are kept when their runs are gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cli.command import mistake, ponder
from ponder.cli.study import Progress
from ponder.studies import kept, results
from ponder.studies.asked import digest
from ponder.studies.run import plan
from ponder.studies.schema import load_study
from studies.letters import STUDY


def run(file: Path, out: Path) -> str:
    done = ponder("study", str(file), "--out", str(out), "--workers", "2")
    assert done.exit_code == 0, done.output
    return done.stdout


def test_runs_that_are_gone_count_on_and_a_further_seed_is_all_that_runs(file: Path, tmp_path: Path):
    out = tmp_path / "out"
    run(file, out)
    before = [(tmp_path / name).read_bytes() for name in (results.RESULTS, results.README, kept.NAME)]
    told = json.loads((tmp_path / kept.NAME).read_text())
    assert told["study"] == "letters" and list(told["runs"]["slow"]) == ["1", "2"]
    assert told["runs"]["slow"]["1"]["ponder"] and set(told["runs"]["slow"]["1"]["values"]) == {"slow"}
    shutil.rmtree(out)
    said = run(file, out)
    assert "4 of 4 runs are kept in seeds.json alone" in said and "done" not in said
    assert [(tmp_path / name).read_bytes() for name in (results.RESULTS, results.README, kept.NAME)] == before

    shutil.rmtree(out)
    file.write_text(file.read_text().replace("seeds = [1, 2]", "seeds = [1, 2, 3]") + "least = 0.5\n")
    said = run(file, out)
    assert "[6/6]" in said and "slow seed 3 done" in said and "seed 1" not in said and "seed 2" not in said
    numbers = json.loads((tmp_path / results.RESULTS).read_text())["numbers"]
    assert numbers["seeds"]["value"] == numbers["slow.minutes"]["n"] == 3

    file.write_text(file.read_text().replace("seeds = [1, 2, 3]", "seeds = [3]"))
    run(file, tmp_path / "one")  # fewer seeds for once: those that are not asked for are not lost
    assert list(json.loads((tmp_path / kept.NAME).read_text())["runs"]["slow"]) == ["1", "2", "3"]


def test_seeds_may_be_added_to_a_folder_and_a_run_that_would_be_asked_otherwise_is_refused(file: Path, tmp_path: Path):
    out, text = tmp_path / "out", file.read_text()
    file.write_text(text.replace("seeds = [1, 2]", "seeds = [1]"))
    run(file, out)
    file.write_text(text)
    assert "[4/4]" in run(file, out)
    file.write_text(text.replace("rl.learning_rate=1e-9", "rl.learning_rate=1e-8"))
    said = f"rl.learning_rate = 1e-08: the run in {out / 'slow-1'} was made with 1e-09: "
    assert said in mistake("study", str(file), "--out", str(out))
    file.write_text(text)
    few = tmp_path / "few.toml"
    few.write_text(f"samples = 3\n{few.read_text()}")
    said = f"suite.samples = 3: the run in {out / 'usual-1'} was made with "
    assert said in mistake("study", str(file), "--out", str(out))


def test_what_a_study_that_is_stopped_has_done_is_kept(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(progress: Progress, *_: object) -> None:
        progress.ended += 1
        if progress.ended == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "heard", stopped)
    assert ponder("study", str(file), "--out", str(tmp_path / "out"), "--workers", "1").exit_code
    told = json.loads((tmp_path / kept.NAME).read_text())["runs"]
    assert sum(map(len, told.values())) == 1 and not (tmp_path / results.RESULTS).exists()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (("more = ", 'says = "Other words."\nmore = '), True),
        (("seeds = [1, 2]", "seeds = [1, 2, 3]"), True),
        (("rl.learning_rate=1e-9", "rl.learning_rate=1e-8"), False),
        (("[numbers]", '[numbers]\nmore = "transfer.all.gain"'), False),
    ],
)
def test_a_run_counts_as_long_as_it_is_asked_the_same(file: Path, tmp_path: Path, change: tuple[str, str], same: bool):
    def asked() -> str:
        study = load_study(file)
        return next(
            digest(study, file, each) for each in plan(study, file, tmp_path / "out") if each.key == ("slow", 1)
        )

    before = asked()
    text = file.read_text()
    if change[0] == "more = ":
        text = text.replace('says = "The usual rate gains more."\n', "")
    file.write_text(text.replace(*change, 1))
    assert file.read_text() != STUDY and (asked() == before) is same


def test_what_a_recipe_or_its_suite_says_is_a_part_of_what_is_asked(file: Path, tmp_path: Path):
    study = load_study(file)
    (first, *_) = plan(study, file, tmp_path / "out")
    before = digest(study, file, first)
    recipe = tmp_path / "small.toml"
    recipe.write_text(recipe.read_text().replace("[rl]", "[rl]\ntemperature = 0.9"))
    assert digest(study, file, first) != before


def test_a_file_that_is_none_is_said_in_one_line(file: Path, tmp_path: Path):
    (tmp_path / kept.NAME).write_text("{")
    assert mistake("study", str(file), "--out", str(tmp_path / "out")).endswith(
        "seeds.json: not what ponder keeps of a study's seeds; move it away"
    )
