"""A spec is learned from answers under it, by the lab's own model; stopped at any instant it ends the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ponder.recipes.distil import asked_about
from ponder.recipes.distil_schema import DistilConfig
from ponder.recipes.load import load_recipe
from ponder.recipes.measure import find_subject
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import Message, PonderError, Role, Submission
from ponder.verifiers.judge import Judge
from recipes.test_resume import Stopper, content

SPEC = """# Sums

Say the last digit only.

## d1 (must) Last digits

Only the last digit is kept.

## d2 (must) Order

Steps are done in their order.
"""
RECIPE = """
name = "distilled"
seed = 1
checkpoint_every = 2
[model]
name = "lab-seed"
system = ""
dtype = "float32"
[domains.sums]
use = "lab-arithmetic"
depth = [1, 2]
[domains.lamps]
use = "lab-lamps"
[cold_start]
domains = {{ sums = 1 }}
steps = 2
batch = 4
learning_rate = 1e-5
[distil]
spec = {spec}
shown = "brief"
domains = {{ sums = 1 }}
cites = false
asks = 2
problems = 12
group_size = 4
max_tokens = 60
judged_by = "number"
steps = 4
batch = 4
beside = {{ lamps = 1 }}
beside_share = 0.5
[rl]
domains = {{ sums = 1 }}
steps = 2
problems = 4
group_size = 2
max_tokens = 40
gold_pays = true
[measure]
suite = {suite}
untouched = false
"""
SUITE = """
name = "sums"
problems = 4
max_tokens = 40
shots = 1
alone = true
[domains.sums]
use = "lab-arithmetic"
depth = [1, 2]
"""


def written(folder: Path) -> Path:
    spec, suite, recipe = folder / "sums.md", folder / "suite.toml", folder / "distilled.toml"
    spec.write_text(SPEC)
    suite.write_text(SUITE)
    recipe.write_text(RECIPE.format(spec=json.dumps(str(spec)), suite=json.dumps(str(suite))))
    return recipe


def test_stopped_at_every_kind_of_instant_it_ends_with_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(written(tmp_path))
    whole, stopped = train(recipe, tmp_path / "whole" / "run"), tmp_path / "stopped" / "run"
    instants = ("began distil", "stepped distil 0", "stepped distil 3", "measuring distilled", "stepped reinforce 1")
    for number, instant in enumerate(instants):
        with pytest.raises(KeyboardInterrupt):
            train(recipe, stopped, resume=number > 0, watch=Stopper(instant))
    train(recipe, stopped, resume=True)
    assert content(stopped) == content(whole)
    check_rollouts(whole)
    subject = find_subject(str(whole))
    assert {name: weights.version for name, weights in subject.weights.items()} == {
        "cold_start": 2,
        "distil": 8,
        "reinforce": 10,
    }
    numbers = json.loads((whole / "result.json").read_text())["numbers"]
    assert {"transfer.trained.distilled", "transfer.trained.distil_gain"} <= numbers.keys()


def check_rollouts(run: Path) -> None:
    """What was asked stands under the spec, and every filter said something of it."""
    rollouts = [r for step in range(2) for r in read_rollouts(Run.open(run).rollouts_file("distil", step))]
    assert len(rollouts) == 2 * 48
    assert all(r.problem.question.startswith("d1: Only the last digit is kept. d2:") for r in rollouts)
    told = {tuple((v.verifier, v.role) for v in r.verdicts) for r in rollouts}
    assert told == {(("form", Role.FILTER), ("number", Role.FILTER), ("number", Role.GOLD))}
    asked = Run.open(run).metrics()[2:4]
    assert [row["stage"] for row in asked] == ["distil", "distil"] and 0 < sum(row["kept"] for row in asked) < 2


def test_answers_at_once_are_learned_beside_the_thinking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path, learned = written(tmp_path), []
    for share in ("0.0", "0.25"):
        short = ["distil.steps=1", "rl.steps=1", "distil.beside_share=0.01", f"distil.at_once={share}"]
        run = train(load_recipe(path, short), tmp_path / share / "run")
        learned.append(Run.open(run).metrics()[4]["learned_tokens"])
    assert learned[1] == learned[0] + 4 * 2  # a digit and the end of the turn for each of four examples


@pytest.mark.parametrize(
    ("categories", "expected"),
    [({}, ("a", "b", "c")), ({"x": ["c", "a"]}, ("a", "b", "c")), ({"x": ["c"], "y": ["a", "c"]}, ("a", "c"))],
)
def test_something_is_to_rest_on_the_clauses_that_are_shown_whole(
    categories: dict[str, list[str]], expected: tuple[str, ...]
):
    config = DistilConfig.model_construct(domains={"x": 1.0, "y": 1.0}, categories=categories)
    assert asked_about(config, ("a", "b", "c")) == expected


def test_a_judge_is_told_the_spec_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []

    def heard(judge: Judge, submission: Submission) -> tuple[Message, ...]:
        told = judge.form.messages(submission.problem, submission.answer, rules=judge.rules)
        asked.append(told[-1].content)
        return told

    monkeypatch.setattr(Judge, "messages", heard)
    settings = [f"spec={tmp_path}/sums.md", "distil.judged_by=strict", "distil.least=1e-9", "distil.asks=1"]
    judge = ["verifiers.strict.form=lab-rules", "verifiers.strict.max_tokens=4"]
    train(load_recipe(written(tmp_path), [*settings, *judge, "distil.steps=1", "rl.steps=1"]), tmp_path / "run")
    assert len(asked) > 10
    assert all(text.startswith("d1: Only the last digit is kept. d2: ") for text in asked)
    assert {text.count("d1: ") for text in asked} == {1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["distil.spec=nowhere.md"], r"nowhere.md"),
        (
            ["distil.judged_by=me", "verifiers.me.model=policy", "verifiers.me.form=reference"],
            r"verifiers.me.model: a policy cannot pay or watch itself, nor say",
        ),
        (["distil.judged_by=numbers"], r"distil.judged_by = 'numbers': must be one of exact, number"),
        (
            ["distil.judged_by=blind", "verifiers.blind.form=lab"],
            r"distil.judged_by = 'blind': its form 'lab' shows it neither the spec nor the right answer; give another",
        ),
        (["distil.categories={sums = ['d9']}", "distil.shown=system"], r"distil.categories.sums: clause = 'd9'"),
        (["distil.categories={sums = []}", "distil.shown=system"], r"distil.categories.sums: names no clause"),
        (["distil.categories={lamps = ['d1']}", "distil.shown=system"], r"categories.lamps: is no domain of"),
        (["distil.categories={sums = ['d1']}"], r"on one line all clauses are shown; leave out"),
        (["distil.unseen=0.5"], r"distil.unseen = 0.5: thinking without its question has to say it; give restated = "),
        (["distil.restated=Again:"], r"distil.restated = 'Again:': must have \{question\} in it"),
        (["distil.max_tokens=5000"], r"of a context of \d+; shorten it"),
        (["distil.domains={sum = 1}"], r"distil.domains has 'sum': no such domain"),
        (["distil.beside={where = 1}"], r"distil.beside has 'where': no such domain"),
    ],
)
def test_what_cannot_be_distilled_is_refused(tmp_path: Path, settings: list[str], message: str):
    with pytest.raises(PonderError, match=message) as raised:
        train(load_recipe(written(tmp_path), settings), tmp_path / "run")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_a_judge_that_keeps_nothing_stops_the_run_with_reasons(tmp_path: Path):
    recipe = load_recipe(written(tmp_path), ["distil.judged_by=format", "distil.least=1.0", "distil.max_tokens=2"])
    with pytest.raises(PonderError, match=r"distil: nothing was kept; 0 problems kept; dropped: \d+ "):
        train(recipe, tmp_path / "run")
    assert len(list((tmp_path / "run" / "rollouts").glob("*.parquet"))) == 2
