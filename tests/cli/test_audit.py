"""`ponder audit`, from its words to its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.command import mistake, ponder
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import Role
from recipes.small import write_small

RECIPE = """
name = "judged"
[model]
name = {model}
dtype = "float32"
[verifiers.lab]
form = "lab"
gate = false
[verifiers.same]
form = "reference"
[verifiers.house]
spec = {spec}
max_tokens = 8
[verifiers.both]
members = ["house", "same"]
[verifiers.mine]
model = "policy"
[verifiers.ours]
members = ["house", "mine"]
[verifiers.long]
spec = "privacy"
"""
SPEC = "# House rules\n## k1 (must) Be right\n## k2 (should) Be short\n"
RUBRIC = "# Notes\n## right (essential) It is right\n## long (pitfall) It is long\n"


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """Forty sums with a right answer and a wrong one each."""
    path = tmp_path / "sums.jsonl"
    rows = [
        {"question": f"{i} + 1?", "answer": str(i + 1 + wrong), "label": not wrong, "reference": str(i + 1)}
        for i in range(40)
        for wrong in (0, 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def recipe(tiny: Path, tmp_path: Path) -> Path:
    path = tmp_path / "judged.toml"
    house = tmp_path / "house.md"
    house.write_text(SPEC)
    path.write_text(RECIPE.format(model=json.dumps(str(tiny)), spec=json.dumps(str(house))))
    return path


def test_a_verifier_on_a_file(sums: Path, tmp_path: Path):
    out = tmp_path / "run"
    result = ponder("audit", "number", "--on", sums, "--out", out, "--tries", "5")
    assert result.exit_code == 0, result.output
    assert "Fit to rank: the area under the ROC curve is 1.00" in result.stdout
    assert "answers: 80" in result.stdout and str(out / "report.html") in result.stdout
    run = Run.open(out)
    assert run.manifest["status"] == "done" and run.result()["audit.j"].value == 1.0
    rollouts = read_rollouts(run.measured_file("tricks"))
    assert len(rollouts) == 24 * 5 and {len(rollout.verdicts) for rollout in rollouts} == {2}
    assert all(rollout.verdict(Role.PAY).value == 0.0 for rollout in rollouts)  # type: ignore[union-attr]
    assert (out / "report.html").read_text().count("</html>") == 1


def test_a_verifier_on_a_domain_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    result = ponder("audit", "number", "--on", "lab-arithmetic", "--problems", "220", "--tries", "20", "--json")
    told = json.loads(result.stdout)
    assert told["fit"] == "fit to pay" and told["sentence"].startswith("Fit to pay: J is 1.00")
    assert told["numbers"]["audit.same.language"]["value"] == 1.0
    assert told["numbers"]["audit.seconds"]["value"] > 0
    assert Path(told["report"]).exists() and told["run"] == "runs/audit-number-lab-arithmetic"


def test_a_judge_of_a_recipe_and_going_on_with_it(sums: Path, recipe: Path, tmp_path: Path):
    """A tiny random model judges no better than chance; what is there is not asked again."""
    words = ("audit", f"{recipe}:lab", "--on", sums, "--out", tmp_path / "run", "--tries", "2")
    assert "Unfit" in ponder(*words).stdout
    first = (tmp_path / "run" / "result.json").read_bytes()
    (tmp_path / "run" / "measured" / "tricks.parquet").unlink()
    assert "holds a run already" in mistake(*words)
    again = ponder(*words, "--resume")
    assert "tricks: 48" in again.stdout and "answers: 80" not in again.stdout
    found, before = (json.loads(text)["numbers"] for text in ((tmp_path / "run" / "result.json").read_bytes(), first))
    assert all(found[name] == before[name] for name in before if name != "audit.seconds")


def test_a_spec_is_asked_about_backwards_too(sums: Path, recipe: Path, tmp_path: Path):
    words = ("audit", f"{recipe}:house", "--on", sums, "--out", tmp_path / "run", "--tries", "2")
    assert "reordered: 80" in ponder(*words).stdout
    run = Run.open(tmp_path / "run")
    again = {r.problem.id + r.completion.answer: r.paid for r in read_rollouts(run.measured_file("reordered"))}
    first = {r.problem.id + r.completion.answer: r.paid for r in read_rollouts(run.measured_file("answers"))}
    assert again.keys() == first.keys() and again != first
    same = run.result()["audit.same.order"]
    alike = [(again[key] or 0) > 0.5 for key in first] == [(first[key] or 0) > 0.5 for key in first]
    assert same.n == 40 and (same.value == 1.0) == alike
    card = (tmp_path / "run" / "report.html").read_text()
    assert "same decision with the spec backwards" in card and "backwards too" in card
    run.measured_file("reordered").unlink()
    told = ponder(*words, "--resume").stdout
    assert (
        "reordered: 80" in told
        and "answers: 80" not in told
        and Run.open(run.path).result()["audit.same.order"] == same
    )
    (tmp_path / "house.md").write_text(SPEC.replace("right", "kind"))
    assert "data.spec of house = " in mistake(*words, "--resume")


def test_a_run_whose_judge_is_the_policy_is_audited_with_its_newest_checkpoint(sums: Path, tiny: Path, tmp_path: Path):
    recipe = write_small(tmp_path / "made", tiny, cold=2, rl=1)
    recipe.write_text(f'{recipe.read_text()}\n[verifiers.itself]\nmodel = "policy"\nform = "lab"\ngate = false\n')
    run, out = tmp_path / "run", tmp_path / "audit"
    assert ponder("train", recipe, "--out", run).exit_code == 0
    assert ponder("audit", f"{run}:itself", "--on", sums, "--out", out, "--tries", "2").exit_code == 0
    recipe_then: Any = Run.open(out).manifest["recipe"]
    judge = recipe_then["verifiers"]["itself"]
    assert judge["model"] == str(run / "checkpoints" / "000003")
    audited = read_rollouts(out / "measured" / "answers.parquet")
    assert all(rollout.verdicts[0].explanation.startswith(judge["model"]) for rollout in audited)
    assert "there is no [verifiers.other]" in mistake("audit", f"{run}:other", "--on", sums)


def test_a_rubric_has_no_order_and_says_so(sums: Path, recipe: Path, tmp_path: Path):
    (tmp_path / "house.md").write_text(RUBRIC)
    told = ponder("audit", f"{recipe}:house", "--on", sums, "--out", tmp_path / "run", "--tries", "2").stdout
    assert "reordered" not in told and "backwards" not in told
    assert "audit.same.order" not in Run.open(tmp_path / "run").result()
    assert "one only: a rubric is asked criterion by criterion" in (tmp_path / "run" / "report.html").read_text()


def test_a_verifier_without_a_spec_has_no_order(sums: Path, tmp_path: Path):
    told = ponder("audit", "number", "--on", sums, "--out", tmp_path / "run", "--tries", "2").stdout
    assert "reordered" not in told and "backwards" not in told
    assert "order of the clauses" not in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", "verifiers.mine.model: there is no policy in an audit; name another model"),
        ("ours", "verifiers.mine.model: there is no policy in an audit; name another model"),
        ("long", "the judge's context is 2048 tokens; shorten the spec"),
    ],
)
def test_a_judge_that_cannot_judge_here(sums: Path, recipe: Path, tmp_path: Path, name: str, said: str):
    assert said in mistake("audit", f"{recipe}:{name}", "--on", sums, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("verifier", "said"),
    [
        (
            "numbr",
            "VERIFIER = 'numbr': neither RECIPE.toml:NAME nor RUN:NAME nor a verifier that needs no config",
        ),
        ("{recipe}", "describes lab, same, house, both, mine, ours, long; say which: "),
        ("{recipe}:lap", ":lap: there is no [verifiers.lap]; the nearest is 'lab'"),
        ("none.toml:lab", "none.toml: no such file"),
    ],
)
def test_a_verifier_that_is_not_there(sums: Path, recipe: Path, tmp_path: Path, verifier: str, said: str):
    line = mistake("audit", verifier.format(recipe=recipe), "--on", sums, "--out", tmp_path / "run")
    assert said in line and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no rows"),
        ('{"question": "1?", "answer": "1", "label": 1, "reference": "1"}', "all 1 answers are labelled right"),
        ('{"question": "1?", "answer": "1", "label": "\\u001b[2J"}', "give true or false, 1 or 0, yes or no"),
        ('{"question": "1?", "answer": "1", "lable": 1}', "no such column; the nearest is 'label'"),
        ('{"question": "1?", ', "is not JSON"),
    ],
)
def test_labelled_answers_that_are_none(sums: Path, tmp_path: Path, text: str, said: str):
    sums.write_text(text)
    assert said in mistake("audit", "number", "--on", sums, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("verifier", ["number", "{recipe}:same", "{recipe}:both"])
def test_what_compares_needs_references(sums: Path, recipe: Path, tmp_path: Path, verifier: str):
    rows = [json.loads(line) for line in sums.read_text().splitlines()]
    sums.write_text("".join(json.dumps(row | {"reference": ""}) + "\n" for row in rows))
    line = mistake("audit", verifier.format(recipe=recipe), "--on", sums, "--out", tmp_path / "run")
    assert "compares with a right answer, and some rows have none; fill the column 'reference'" in line


@pytest.mark.parametrize(("option", "value"), [("--tries", "1"), ("--problems", "1"), ("--problems", "9")])
def test_numbers_that_make_no_sense(sums: Path, tmp_path: Path, option: str, value: str):
    assert f"{option} = {value}: " in mistake("audit", "number", "--on", sums, "--out", tmp_path / "run", option, value)


def test_a_file_with_repetitions_is_told(sums: Path, tmp_path: Path):
    sums.write_text(sums.read_text() + sums.read_text())
    result = ponder("audit", "number", "--on", sums, "--out", tmp_path / "run", "--tries", "2")
    assert "warning: " in result.stdout and "80 rows say what an earlier one says" in result.stdout
