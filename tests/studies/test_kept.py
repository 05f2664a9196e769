"""Seeds of a study that are kept when their runs are gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cli.command import mistake, ponder
from ponder.cli.study import Progress
from ponder.studies import kept, results
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
    said = "recipe.rl.learning_rate was 1e-09 when it was begun and is 1e-08 now; change it back, or remove"
    assert (
        mistake("study", str(file), "--out", str(out))
        == f"{out / 'slow-1'}: {said} {out / 'slow-1'} and {out / 'slow-1'}-*"
    )
    file.write_text(text)
    few = tmp_path / "few.toml"
    few.write_text(f"samples = 3\n{few.read_text()}")
    assert "usual-1: suite.samples was None when it was begun and is 3 now" in mistake(
        "study", str(file), "--out", str(out)
    )
    file.write_text(text.replace("rl.learning_rate=1e-9", "rl.learning_rate=1e-8"))
    said = run(file, tmp_path / "elsewhere")
    assert "4 of 4 runs stand in seeds.json and were asked otherwise: they run again" in said


def test_measurements_of_an_older_training_are_refused(file: Path, tmp_path: Path):
    few, out = (tmp_path / "few.toml").read_text(), tmp_path / "out"
    (tmp_path / "more.toml").write_text(few.replace('name = "few"', 'name = "more"'))
    file.write_text(file.read_text().replace("[arms.usual]\n", '[arms.usual]\nalso = ["more.toml"]\n'))
    run(file, out)
    recipe = tmp_path / "small.toml"
    recipe.write_text(recipe.read_text().replace("[rl]", "[rl]\ntemperature = 0.9"))
    for folder in out.glob("*-[12]"):
        shutil.rmtree(folder)
    said = "usual-1-more: recipe.rl.temperature was None when it was begun and is 0.9 now"
    assert said in mistake("study", str(file), "--out", str(out))


def test_a_run_whose_numbers_cannot_be_told_stops_nobody(file: Path, tmp_path: Path):
    file.write_text(file.read_text().replace('gain = "gain.trained"', 'gain = "select avg(pay) from rollouts"'))
    done = ponder("study", str(file), "--out", str(tmp_path / "out"), "--workers", "2")
    assert done.exit_code == 2 and "4 of 4 runs failed: " in done.stderr and "[4/4]" in done.stdout
    assert "numbers.gain: the query fails on" in mistake("study", str(file), "--out", str(tmp_path / "out"))


def test_what_a_study_that_is_stopped_has_done_is_kept(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(progress: Progress, *_: object) -> None:
        progress.ended += 1
        if progress.ended == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "heard", stopped)
    assert ponder("study", str(file), "--out", str(tmp_path / "out"), "--workers", "1").exit_code
    told = json.loads((tmp_path / kept.NAME).read_text())["runs"]
    assert sum(map(len, told.values())) == 2 and not (tmp_path / results.RESULTS).exists()


def test_what_another_folder_has_added_meanwhile_counts(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert not ponder("study", str(file), "--out", str(tmp_path / "out")).exit_code
    seeds, told = ((tmp_path / name).read_text() for name in (kept.NAME, results.RESULTS))
    (tmp_path / kept.NAME).unlink()

    def added(*_: object, **__: object) -> dict[tuple[str, int], str]:
        (tmp_path / kept.NAME).write_text(seeds)
        return {}

    monkeypatch.setattr("ponder.cli.study._run", added)
    assert not ponder("study", str(file), "--out", str(tmp_path / "other")).exit_code
    assert (tmp_path / results.RESULTS).read_text() == told


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
        return next(kept.digest(study, each) for each in plan(study, file, tmp_path / "out") if each.key == ("slow", 1))

    before = asked()
    text = file.read_text()
    if change[0] == "more = ":
        text = text.replace('says = "The usual rate gains more."\n', "")
    file.write_text(text.replace(*change, 1))
    assert file.read_text() != STUDY and (asked() == before) is same


def test_what_a_recipe_or_its_suite_says_is_a_part_of_what_is_asked(file: Path, tmp_path: Path):
    study = load_study(file)

    def asked() -> str:
        return kept.digest(study, plan(study, file, tmp_path / "out")[0])

    before = asked()
    for written, old, new in (
        ("small.toml", "[rl]", "[rl]\ntemperature = 0.9"),
        ("few.toml", "problems", "seed = 3\nproblems"),
    ):
        path = tmp_path / written
        path.write_text(path.read_text().replace(old, new, 1))
        assert asked() != before
        before = asked()


def test_a_file_that_is_none_is_said_in_one_line(file: Path, tmp_path: Path):
    (tmp_path / kept.NAME).write_text("{")
    assert mistake("study", str(file), "--out", str(tmp_path / "out")).endswith(
        "seeds.json: not what ponder writes beside a study; move it away"
    )
