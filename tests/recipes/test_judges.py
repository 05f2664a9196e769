"""A written spec pays, in five lines of a recipe; who is watched, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.verifier import problem
from ponder.recipes.judges import backwards, build_verifier, specs_of
from ponder.recipes.load import load_recipe, parse
from ponder.recipes.schema import Recipe
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.runs.result import read_result
from ponder.runs.table import read_rollouts
from ponder.types import PonderError, Submission, Verifier
from ponder.verifiers.ensemble import Ensemble
from ponder.verifiers.guard import Gated, RuleFirst
from ponder.verifiers.judge import Judge
from recipes.small import write_small

HOUSE = """
[verifiers.house]
spec = {spec}
max_tokens = 64
{more}
"""
SPEC = "# House rules\n## k1 (must) Be kind\n## k2 (should) Be short\n"
RUBRIC = "# Notes\n## kind (essential) It is kind\n## rude (pitfall) It is rude\n"


def with_judge(folder: Path, tiny: Path, more: str = "", *, rl: int = 4) -> Path:
    path = write_small(folder, tiny, cold=4, rl=rl)
    text = path.read_text().replace("gold_pays = true", 'paid_by = "house"')
    (folder / "house.md").write_text(SPEC)
    path.write_text(text + HOUSE.format(more=more, spec=json.dumps(str(folder / "house.md"))))
    return path


def test_a_spec_pays(tiny: Path, tmp_path: Path):
    path = with_judge(tmp_path, tiny, rl=2)
    recipe = load_recipe(path, ["rl.watch.on_alarm=warn"])
    run = train(recipe.model_copy(update={"measure": None}), tmp_path / "run")
    rollouts = [r for file in sorted((run / "rollouts").glob("*.parquet")) for r in read_rollouts(file)]
    assert {tuple((v.verifier, v.role) for v in r.verdicts) for r in rollouts} == {
        (("house", "pay"), ("exact", "gold"))
    }
    assert {0.0} < {r.paid for r in rollouts} and all(0 <= (r.paid or 0) <= 1 for r in rollouts)
    told = Run.open(run).metrics()[-1]
    assert told["watch_evidence"] == 1.0 and -1 <= told["watch_gap"] <= 1
    numbers = {name: number for name, number in read_result(run).items() if name.startswith("watch.")}
    assert numbers.keys() == {"watch.alarm", "watch.gap.opening"}  # 2 steps, and an opening of 16


def test_a_judge_of_another_model_thinks_and_votes(tiny: Path, tmp_path: Path):
    more = f'model = "{tiny}"\nthink = true\nvotes = 3\ntemperature = 1.0\ncombine = "minimum"'
    verifier = build_verifier(load_recipe(with_judge(tmp_path, tiny, more)), "house")
    given = [Submission(problem=problem("7"), answer=answer) for answer in ("seven", "seven", "")]
    one, same, none = verifier.verify(given)
    assert one == same and one.tokens > 12 and one.value == min(one.parts.values())
    assert (none.value, none.explanation) == (0.0, "nothing is said")


def test_a_rubric_is_weighed(tiny: Path, tmp_path: Path):
    path = with_judge(tmp_path, tiny)
    (tmp_path / "house.md").write_text(RUBRIC)
    (verdict,) = build_verifier(load_recipe(path), "house").verify([Submission(problem=problem("7"), answer="seven")])
    assert verdict.value is not None and set(verdict.parts) == {"kind", "rude"}


def test_several_judges_are_asked(tiny: Path, tmp_path: Path):
    path = with_judge(
        tmp_path, tiny, '[verifiers.other]\nform = "alone"\n[verifiers.both]\nmembers = ["house", "other"]'
    )
    verifier = build_verifier(load_recipe(path, ["verifiers.both.combine=minimum"]), "both")
    (verdict,) = verifier.verify([Submission(problem=problem("7"), answer="seven")])
    assert set(verdict.parts) == {"house", "other"} and verdict.value == min(verdict.parts.values())
    with pytest.raises(PonderError, match=r"verifiers.both.members = 'hose': must be another judge"):
        load_recipe(path, ['verifiers.both.members=["hose"]'])


def turned(recipe: Recipe, name: str) -> tuple[Verifier, Verifier | None]:
    verifier = build_verifier(recipe, name)
    return verifier, backwards(verifier, specs_of(recipe, name))


def test_a_spec_backwards_is_shown_to_the_same_weights(tiny: Path, tmp_path: Path):
    path = with_judge(tmp_path, tiny, 'rule = "exact"')
    one, other = turned(load_recipe(path), "house")
    assert isinstance(one, Gated) and isinstance(other, Gated)
    assert isinstance(one.verifier, RuleFirst) and isinstance(other.verifier, RuleFirst)
    judge, again = one.verifier.judge, other.verifier.judge
    assert isinstance(judge, Judge) and isinstance(again, Judge) and again.respondent is judge.respondent
    assert (judge.rules, judge.clauses) == (SPEC.replace("\n## ", "\n\n## "), ("k1", "k2"))
    assert again.rules == "# House rules\n\n## k2 (should) Be short\n\n## k1 (must) Be kind\n"
    assert (again.clauses, again.name) == (("k2", "k1"), "house")
    given = [Submission(problem=problem("seven"), answer="seven")]
    assert one.verify(given)[0].value != other.verify(given)[0].value


@pytest.mark.parametrize("spec", [RUBRIC, "# House rules\n## k1 (must) Be kind\n"])
def test_without_an_order_there_is_nothing_backwards(tiny: Path, tmp_path: Path, spec: str):
    path = with_judge(tmp_path, tiny, '[verifiers.other]\nform = "alone"')
    (tmp_path / "house.md").write_text(spec)
    recipe = load_recipe(path)
    assert turned(recipe, "house")[1] is None and turned(recipe, "other")[1] is None


def test_of_several_judges_those_are_turned_that_show_an_order(tiny: Path, tmp_path: Path):
    more = '[verifiers.other]\nform = "alone"\n[verifiers.both]\nmembers = ["house", "other"]'
    one, other = turned(load_recipe(with_judge(tmp_path, tiny, more)), "both")
    assert isinstance(one, Ensemble) and isinstance(other, Ensemble)
    assert other.members[0] != one.members[0] and other.members[1] is one.members[1]
    assert [member.name for member in other.members] == ["house", "other"]


def test_a_judge_watches_what_is_measured(tiny: Path, tmp_path: Path):
    recipe = load_recipe(with_judge(tmp_path, tiny, rl=1), ["measure.judged_by=house", "measure.samples=2"])
    told = read_result(train(recipe, tmp_path / "run"))
    assert {"choose.before.all.judge.2", "choose.after.letters.oracle.2"} <= told.keys()
    rollouts = read_rollouts(tmp_path / "run" / "measured" / "after.parquet")
    assert {tuple(v.verifier for v in r.verdicts if v.role == "watch") for r in rollouts} == {("lenient", "house")}


def test_a_policy_may_judge_itself_where_it_is_measured_only(tiny: Path, tmp_path: Path):
    settings = ["rl.paid_by=chance", "measure.judged_by=house", "verifiers.house.model=policy", "measure.samples=2"]
    told = read_result(train(load_recipe(with_judge(tmp_path, tiny, rl=1), settings), tmp_path / "run"))
    assert "choose.after.all.judge.2" in told
    with pytest.raises(PonderError, match=r"verifiers.house.model: a policy cannot pay or watch itself"):
        train(load_recipe(with_judge(tmp_path, tiny), ["verifiers.house.model=policy"]), tmp_path / "other")


def test_a_watched_run_goes_on_where_it_stopped(tiny: Path, tmp_path: Path):
    settings = ["rl.gold_pays=false", "rl.paid_by=chance", "rl.watch.opening=2", "rl.watch.on_alarm=warn"]
    whole = load_recipe(write_small(tmp_path, tiny, cold=4, rl=6), settings)
    whole = whole.model_copy(update={"measure": None})
    train(whole, tmp_path / "one")
    run = train(whole, tmp_path / "two")
    with Run.create(run, Run.open(run).manifest, resume=True) as opened:
        opened.keep(9)
    for checkpoint in sorted((run / "checkpoints").iterdir())[1:]:
        for file in checkpoint.iterdir():
            file.unlink()
        checkpoint.rmdir()
    train(whole, run, resume=True)
    assert (run / "metrics.jsonl").read_bytes() == (tmp_path / "one" / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["verifiers.moved.form=alone"],
            r"verifiers.moved.*: is what verdicts of no judge are called; give it another",
        ),
        (["rl.paid_by=hose"], r"rl.paid_by = 'hose': must be one of house, exact"),
        (["rl.watch.by=hose"], r"rl.watch.by = 'hose': must be one of gold, house"),
        (["verifiers.house.votes=3"], r"verifiers.house.temperature.*: several votes without one are all the same"),
        (["verifiers.house.combine=most"], r"verifiers.house.combine = 'most': must be one of mean, majority, minimum"),
        (
            ["verifiers.house.spec=privacy"],
            r"verifiers.house.spec: 6... tokens with room .*context is 2048",
        ),
        (
            ["verifiers.house.form=thinking"],
            r"verifiers.house.form = 'thinking': shows the thinking; add reads_thinking",
        ),
        (
            ["verifiers.house.form=rules", "verifiers.house.reads_thinking=true"],
            r"verifiers.house.reads_thinking = True: its form has no place for it; give a spec and form = \"thinking\"",
        ),
        (["verifiers.house.form=alone"], r"verifiers.house.form = 'alone': shows no spec; leave out form or spec"),
        (['verifiers.other={"form"="rules"}'], r"verifiers.other.form = 'rules': shows a spec; give one"),
        (
            ['verifiers.other={"members"=["house"],"rule"="exact"}'],
            r"verifiers.other.members.*: an ensemble is its members",
        ),
        (["verifiers.house.spec=privcy"], r"spec = 'privcy': no such spec; did you mean 'privacy'\?"),
    ],
)
def test_who_cannot_judge_is_refused(tiny: Path, tmp_path: Path, settings: list[str], message: str):
    with pytest.raises(PonderError, match=message):
        train(load_recipe(with_judge(tmp_path, tiny), settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_the_domains_own_verifiers_pay_is_not_watched():
    given = {"name": "x", "model": {"name": "y"}, "rl": {"domains": {"z": 1}, "steps": 1, "max_tokens": 1, "watch": {}}}
    with pytest.raises(PonderError, match=r"rl.watch.*there is nothing to watch; leave it out"):
        parse(Recipe, given, where="x.toml")
