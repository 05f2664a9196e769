"""Running a study, collecting its numbers and deciding its claims."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.command import ponder
from ponder.measure.statistics import Estimate
from ponder.recipes.load import load_recipe
from ponder.runs.files import write_atomic
from ponder.runs.query import connect
from ponder.runs.result import Number, write_result
from ponder.studies import results
from ponder.studies.figures import Found
from ponder.studies.run import Run, held, plan, run_all
from ponder.studies.schema import Claim, Study, load_study
from ponder.types import PonderError
from studies.letters import STUDY


def run_left(study: Study, file: Path, out: Path) -> list[str]:
    """Run what is not done; returns each with what went wrong."""
    heard = list[str]()

    def hear(run: Run, why: str) -> str:
        heard.append(f"{run.arm} {run.seed}: {why}")
        return why

    run_all([run for run in plan(study, file, out) if not run.done], workers=2, heard=hear)
    return heard


def test_every_arm_runs_with_every_seed_and_only_what_is_left_runs_again(file: Path, tmp_path: Path):
    study, out = load_study(file), tmp_path / "out"
    heard = run_left(study, file, out)
    assert sorted(heard) == ["slow 1: ", "slow 2: ", "usual 1: ", "usual 2: "]
    seeds = [json.loads((out / f"slow-{seed}" / "manifest.json").read_text())["recipe"]["seed"] for seed in (1, 2)]
    assert seeds == [1, 2]
    assert len(list((out / "beginnings").iterdir())) == 2  # a seed's arms begin alike
    assert not run_left(study, file, out)


def test_an_arm_that_fails_stops_nobody_and_is_told(file: Path, tmp_path: Path):
    file.write_text(
        STUDY.replace("[arms.usual]\n", '[arms.usual]\nset = ["rl.max_not_judged=0.5", "model.name=nowhere"]\n')
    )
    done = ponder("study", str(file), "--out", str(tmp_path / "out"), "--workers", "2")
    assert done.exit_code == 2
    assert "2 of 4 runs failed: usual seed" in done.stderr and "no such folder" in done.stderr
    assert "slow seed 1 done" in done.stdout
    told = json.loads((tmp_path / results.RESULTS).read_text())["numbers"]
    assert told["slow.minutes"]["n"] == 2 and "usual.minutes" not in told and told["seeds"]["value"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seeds = [1, 2]", "seeds = [1, 1]"), "seeds = \\[1, 1\\]: each may stand there once"),
        (('more = "usual"', 'more = "fast"'), "claims.*no arm is called 'fast'; there are usual, slow"),
        (('number = "minutes"', 'number = "hours"'), "claims.*no number is called 'hours'"),
        (('recipe = "small.toml"\n', ""), "arm 'usual' has none"),
        (("rl.learning_rate=1e-9", "rl.learning_rat=1e-9"), "arms.slow: .*unknown key; did you mean 'learning_rate'"),
        (('more = "usual"', 'more = "usual"\nleas = 0.1'), "claims.0.leas: unknown key; did you mean 'least'"),
        (("[arms.slow]", "[arms.slow]\nsett = []"), "arms.slow.sett: unknown key; did you mean 'set"),
        (('recipe = "small.toml"', 'recipe = "smal.toml"'), "arms.usual: .*did you mean .*small.toml"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(file: Path, change: tuple[str, str], message: str):
    file.write_text(STUDY.replace(*change))
    with pytest.raises(PonderError, match=message):
        load_study(file)


def test_two_processes_at_one_study_are_refused(tmp_path: Path):
    with held(tmp_path / "out"), pytest.raises(PonderError, match="is writing this run"), held(tmp_path / "out"):
        pass


def made(study: Study, file: Path, out: Path, values: dict[str, list[float]]) -> Found:
    """Runs that came to these numbers, by arm and seed."""
    runs = plan(study, file, out)
    for run in runs:
        run.folder.mkdir(parents=True)
        value = values[run.arm][study.seeds.index(run.seed)]
        write_result(run.folder, {"cost.minutes": Number(value, value, value, 1)})
    return results.collect(study, results.told(study, runs))


@pytest.mark.parametrize(
    ("usual", "slow", "least", "word"),
    [
        ([3.0, 3.2], [1.0, 1.1], 0.0, "held"),  # differences 2.0, 2.1: 2.05 +- 12.706 * .05
        ([1.0, 1.1], [3.0, 3.2], 0.0, "not held"),
        ([1.0, 1.1], [1.0, 1.1], 0.5, "not held"),  # no difference at all, and .5 would matter
        ([1.0, 2.0], [1.5, 1.4], 0.0, "undecided"),
    ],
)
def test_claims_are_decided_by_paired_seeds(
    file: Path, tmp_path: Path, usual: list[float], slow: list[float], least: float, word: str
):
    file.write_text(f"{STUDY}least = {least}\n")
    study = load_study(file)
    found = made(study, file, tmp_path / "out", {"usual": usual, "slow": slow})
    (decision,) = results.decide(study, found)
    assert decision.word == word
    assert decision.difference and decision.difference.value == pytest.approx(sum(usual) / 2 - sum(slow) / 2)


def test_results_hold_the_interval_over_seeds_and_a_readme_keeps_what_people_wrote(file: Path, tmp_path: Path):
    study = load_study(file)
    found = made(study, file, tmp_path / "out", {"usual": [1.0, 3.0], "slow": [1.0, 1.0]})
    write_atomic(tmp_path / results.README, f"# Mine\n\nWords.\n\n{results.BEGIN}\nold\n{results.END}\n\nMore words.\n")
    results.write(study, found, tmp_path)
    told = json.loads((tmp_path / results.RESULTS).read_text())
    usual = told["numbers"]["usual.minutes"]
    assert (usual["value"], usual["n"]) == (2.0, 2)
    assert usual["high"] == pytest.approx(2 + 12.7062, abs=1e-3)  # t with one degree of freedom, error 1
    assert told["claims"] == [
        pytest.approx(
            {"says": "The usual rate gains more.", "word": "undecided"}
            | {k: told["claims"][0][k] for k in ("value", "low", "high", "n")}
        )
    ]
    readme = (tmp_path / results.README).read_text()
    assert "Words." in readme and "More words." in readme and "old" not in readme
    assert "**undecided**: The usual rate gains more." in readme
    assert "| arm | minutes | gain |" in readme and "| usual | 2.000 [-10.706, 14.706], n = 2 | · |" in readme
    results.write(study, found, tmp_path)
    assert (tmp_path / results.README).read_text() == readme


def test_a_claim_without_shared_seeds_is_undecided():
    claim = Claim(says="x", number="n", more="a", than="b", least=0.0)
    assert results.Decision(claim=claim, difference=None, by_model={}).word == "undecided"
    assert results.Decision(claim=claim, difference=Estimate(1.0, 0.5, 1.5, 5), by_model={}).word == "held"


def test_claims_and_shares_tell_what_the_seeds_of_each_model_come_to(file: Path, tmp_path: Path):
    text = file.read_text().replace("seeds = [1, 2]", 'seeds = [1, 2, 3]\nmodels = ["one", "two"]')
    file.write_text(f'{text}\n[shares]\npart = {{number = "minutes", of = "slow", to = "usual"}}\n')
    study = load_study(file)
    found: Found = {
        "usual": {"minutes": {1: 4.0, 2: 5.0, 3: 6.0}, "gain": {}},
        "slow": {"minutes": {1: 1.0, 2: 5.0, 3: 4.0}, "gain": {}},
    }
    (decision,) = results.write(study, found, tmp_path)  # one: seeds 1 and 3; two: seed 2
    assert decision.by_model == {"one": 2.5, "two": 0.0}
    assert json.loads((tmp_path / results.RESULTS).read_text())["claims"][0]["by_model"] == {"one": 2.5, "two": 0.0}
    page = (tmp_path / results.README).read_text()
    assert "n = 3; by model 2.500, 0.000)" in page and "n = 3; by model 0.500, 1.000)" in page and "By model: " in page
    found["slow"]["minutes"] |= {1: -4.0}  # 1 and 3: a share of nothing has no value
    found["usual"]["minutes"] = {2: 5.0, 1: 2.0, 3: -2.0}
    results.write(study, found, tmp_path)
    assert "n = 3; by model ·, 1.000)" in (tmp_path / results.README).read_text()
    del found["slow"]["minutes"][2]
    (decision,) = results.decide(study, found)
    assert decision.by_model == {"one": 0.0}


def test_seeds_rotate_the_models(file: Path):
    study = load_study(file).model_copy(update={"models": ["one", "two"], "seeds": [5, 6, 7]})
    assert [study.settings("slow", seed)[:2] for seed in (5, 6, 7)] == [
        ["seed=5", "model.name=one"],
        ["seed=6", "model.name=two"],
        ["seed=7", "model.name=one"],
    ]


def test_seeds_rotate_any_key_of_the_recipe(file: Path):
    rotate = '[rotate]\n"verifiers.judge.model" = ["one", "2"]\n"rl.warmup" = [1, 2, 3]\n[arms.usual]'
    file.write_text(STUDY.replace("seeds = [1, 2]", "seeds = [5, 6, 7]").replace("[arms.usual]", rotate))
    study = load_study(file)
    assert [study.settings("usual", seed) for seed in (5, 6, 7)] == [
        ["seed=5", 'verifiers.judge.model="one"', "rl.warmup=1"],
        ["seed=6", 'verifiers.judge.model="2"', "rl.warmup=2"],
        ["seed=7", 'verifiers.judge.model="one"', "rl.warmup=3"],
    ]
    recipe = load_recipe(file.with_name("small.toml"), study.settings("usual", 6))
    assert (recipe.verifiers["judge"].model, recipe.rl and recipe.rl.warmup) == ("2", 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('[rotate]\n"rl.warmup" = []', r"toml: rotate\.rl\.warmup: names no value; give a list of one or more"),
        ('models = ["a"]\n[rotate]\n"model.name" = ["b"]', r"rotate\.model\.name: models says it already; leave out"),
        ('[rotate]\n"rl.warmup" = [1, 0]', r"arms\.usual: .*rl\.warmup = 0: "),
        ('[rotate]\n"rl.warm" = [1]', r"arms\.usual: .*rl\.warm: unknown key; did you mean 'warmup'"),
    ],
)
def test_a_rotation_that_is_none_is_refused(file: Path, change: str, message: str):
    file.write_text(STUDY.replace("[arms.usual]", f"{change}\n[arms.usual]", 1))
    with pytest.raises(PonderError, match=message):
        load_study(file)


RIGHT = "select avg(paid) from rollouts where checkpoint = $checkpoint and domain = 'letters'"


def looking(file: Path, **changes: str) -> Study:
    """A study whose numbers are queries, with an arm that looks at the runs of another."""
    text = STUDY.partition("[numbers]")[0].replace("[arms.slow]\nset", "[arms.before]\nlooks_at = 'usual'\nwith")
    text = text.replace('["rl.learning_rate=1e-9", "cold_start.learning_rate=1e-9"]', '{checkpoint = "untouched"}')
    head = 'baseline = "before"\nwith = {checkpoint = "reinforce"}\n[arms.usual]'
    text = text.replace("[arms.usual]", head) + f'[numbers]\ngain = "{RIGHT}"\nrows = "select count(*) from rollouts"\n'
    for old, new in changes.items():
        text = text.replace(old, new)
    file.write_text(text)
    return load_study(file)


def test_a_number_can_be_a_query_and_an_arm_a_look_at_another(file: Path, tmp_path: Path):
    study, out = looking(file), tmp_path / "out"
    assert {run.arm for run in plan(study, file, out)} == {"usual"}
    run_left(study, file, out)
    found, runs = results.collect(study, results.told(study, plan(study, file, out))), plan(study, file, out)
    for run in runs:
        connection, _ = connect(run.folder)
        after, before = (
            connection.execute(RIGHT, {"checkpoint": checkpoint}).fetchall()[0][0]
            for checkpoint in ("reinforce", "untouched")
        )
        assert found["usual"]["gain"][run.seed] == pytest.approx(after - before)
        assert found["before"]["gain"][run.seed] == 0 and found["usual"]["rows"] == found["before"]["rows"]


def test_a_query_that_fails_is_one_line(file: Path, tmp_path: Path):
    study, out = looking(file, paid="pay"), tmp_path / "out"
    run_left(study, file, out)
    with pytest.raises(PonderError, match=r"^numbers\.gain: the query fails on .*usual-1: Binder Error: .*pay"):
        results.collect(study, results.told(study, plan(study, file, out)))


def test_rollouts_that_are_cut_short_are_one_line_and_no_number(file: Path, tmp_path: Path):
    study, out = looking(file), tmp_path / "out"
    run_left(study, file, out)
    broken = out / "usual-2" / "measured" / "after.parquet"
    broken.write_bytes(broken.read_bytes()[:200])
    with pytest.raises(PonderError, match=r"usual-2/measured/after\.parquet: left out: .*; remove its folder and run"):
        results.collect(study, results.told(study, plan(study, file, out)))


def test_a_look_at_what_is_not_run_is_refused(file: Path):
    with pytest.raises(
        PonderError, match=r"toml: arms\.before\.looks_at: must name an arm that has runs of its own.*are usual"
    ):
        looking(file, **{"looks_at = 'usual'": "looks_at = 'nobody'"})
    with pytest.raises(PonderError, match=r"toml: baseline = 'nobody': no arm is called 'nobody'"):
        looking(file, **{'baseline = "before"': 'baseline = "nobody"'})


def test_what_runs_tell_of_themselves_is_told_of_a_look_that_asks_for_it(file: Path, tmp_path: Path):
    look = "[arms.quiet]\nlooks_at = 'usual'\n[arms.loud]\nlooks_at = 'usual'\ntold = true\n[numbers]"
    file.write_text(STUDY.replace("[numbers]", look))
    found = made(load_study(file), file, tmp_path / "out", {"usual": [1.0, 3.0], "slow": [2.0, 2.0]})
    assert found["loud"]["minutes"] == found["usual"]["minutes"] == {1: 1.0, 2: 3.0}
    assert found["quiet"]["minutes"] == {}


def test_told_of_an_arm_that_runs_is_refused(file: Path):
    file.write_text(STUDY.replace("[arms.usual]", "[arms.usual]\ntold = true"))
    with pytest.raises(PonderError, match=r"toml: arms\.usual\.told: its own runs tell of it anyway; leave it out"):
        load_study(file)


def test_a_run_is_measured_with_further_suites_and_its_numbers_see_all_of_them(file: Path, tmp_path: Path):
    few = (tmp_path / "few.toml").read_text()
    (tmp_path / "more.toml").write_text(few.replace('name = "few"', 'name = "more"\nsamples = 3\nseed = 5'))
    file.write_text(
        STUDY.replace("[arms.usual]\n", '[arms.usual]\nalso = ["more.toml"]\n').replace(
            'minutes = "cost.minutes"',
            "minutes = \"select count(*) from rollouts where checkpoint = 'reinforce' and mode = 'free'\"",
        )
    )
    study, out = load_study(file), tmp_path / "out"
    run_left(study, file, out)
    found = results.collect(study, results.told(study, plan(study, file, out)))
    assert found["slow"]["minutes"] == {1: 12.0, 2: 12.0}  # 3 domains of 4 problems
    assert found["usual"]["minutes"] == {1: 12.0 + 36.0, 2: 12.0 + 36.0}
    (out / "usual-2-more" / "manifest.json").unlink()
    (again,) = run_left(study, file, out)
    assert again.startswith("usual 2: ")  # nothing is thrown away: what is wrong with the folder is told


def test_a_suite_that_is_not_there_is_said_before_anything_runs(file: Path):
    file.write_text(STUDY.replace("[arms.usual]\n", '[arms.usual]\nalso = ["none.toml"]\n'))
    with pytest.raises(PonderError, match=r"letters\.toml: arms\.usual: .*none\.toml"):
        load_study(file)


def test_a_claim_may_set_one_number_against_another(file: Path, tmp_path: Path):
    file.write_text(STUDY.replace('than = "slow"', 'than = "slow"\nagainst = "gain"'))
    study = load_study(file)
    found = {
        "usual": {"minutes": {1: 3.0, 2: 4.0}, "gain": {}},
        "slow": {"minutes": {1: 9.0, 2: 9.0}, "gain": {1: 1.0, 2: 1.5}},
    }
    (decision,) = results.decide(study, found)
    assert decision.difference and decision.difference.value == pytest.approx(2.25)
    assert "minutes, usual less slow's gain: 2.250" in results.page(study, found, [decision])
    file.write_text(STUDY.replace('than = "slow"', 'than = "slow"\nagainst = "loss"'))
    with pytest.raises(PonderError, match="no number is called 'loss'; there are minutes, gain"):
        load_study(file)


def test_two_studies_want_two_folders(file: Path, tmp_path: Path):
    study = load_study(file)
    results.check_own(study, tmp_path / results.RESULTS)
    results.write(study, {arm: {name: {} for name in study.numbers} for arm in study.arms}, tmp_path)
    results.check_own(study, tmp_path / results.RESULTS)
    other = study.model_copy(update={"name": "digits"})
    with pytest.raises(
        PonderError, match=r"results\.json: holds the results of study 'letters'; give each study a folder"
    ):
        results.check_own(other, tmp_path / results.RESULTS)
    (tmp_path / results.RESULTS).write_text("[]")
    with pytest.raises(PonderError, match=r"results\.json: not what ponder writes beside a study; move it away"):
        results.check_own(study, tmp_path / results.RESULTS)


def test_a_share_is_a_ratio_of_two_arms_in_results_and_readme(file: Path, tmp_path: Path):
    file.write_text(f'{file.read_text()}\n[shares]\npart = {{number = "minutes", of = "slow", to = "usual"}}\n')
    study = load_study(file)
    found: Found = {
        "usual": {"minutes": {1: 2.0, 2: 4.0}, "gain": {}},
        "slow": {"minutes": {1: 1.0, 2: 2.0}, "gain": {}},
    }
    results.write(study, found, tmp_path)
    share = json.loads((tmp_path / "results.json").read_text())["numbers"]["part"]
    assert (share["value"], share["low"], share["high"], share["n"]) == (0.5, 0.5, 0.5, 2)
    assert "part: 0.500 [0.500, 0.500] (minutes, slow over usual, n = 2)" in (tmp_path / "README.md").read_text()
    file.write_text(file.read_text().replace('to = "usual"', 'to = "nobody"'))
    with pytest.raises(PonderError, match=r"shares\.part: of and to must be arms"):
        load_study(file)
