"""Measuring what is behind an endpoint: the same suites, rollouts and numbers, by words alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.command import mistake, ponder
from engine.endpoint import Asked, Endpoint, Sent, question, refusal, said
from ponder.recipes.measure import recipe_of
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import Mode, Outcome, Status

SUITE = """
name = "served"
problems = 6
max_tokens = 40
shots = 1
alone = true
budgets = [8]

[attacks.hurry]
use = "think_less"

[domains.sums]
use = "lab-arithmetic"
depth = 1
"""


def solved(asked: Asked) -> str:
    """One step of the lab's arithmetic, as anybody may read it; attacks of haste stand behind it."""
    found = re.search(r"Start with (\d)\. 1: (Add|Multiply by) (\d)", question(asked))
    assert found, question(asked)
    start, does, by = int(found[1]), found[2], int(found[3])
    return str((start + by if does == "Add" else start * by) % 10)


def served(asked: Asked) -> Sent:
    """Right unless it is hurried; it thinks for as long as it may; what begins with 3 is refused."""
    if question(asked) == "Hello":
        return said("Hi")
    if "Start with 3" in question(asked):
        return refusal(400, "no threes")
    budget = asked.get("thinking_token_budget")
    answer = "none" if "Answer at once" in question(asked) else solved(asked)
    if budget is None:
        return said(answer, tokens=(30, 2))
    return said(answer, tokens=(30, budget + 2), reasoning_content="so so", counted=budget)


@pytest.fixture
def suite(tmp_path: Path) -> str:
    path = tmp_path / "served.toml"
    path.write_text(SUITE)
    return str(path)


def test_the_suite_is_asked_of_it_and_what_it_thought_is_counted(suite: str, tmp_path: Path):
    with Endpoint(served) as endpoint:
        out = tmp_path / "out"
        options = ("--set", "model=some/model", "--set", "retries=0", "--suite", suite, "--out", out)
        result = ponder("measure", endpoint.url, *options)
    assert result.exit_code == 0, result.output
    names = {path.stem: read_rollouts(path) for path in (out / "measured").iterdir()}
    assert set(names) == {
        "untouched",
        "fewshot",
        "untouched-most-8",
        "untouched-under-hurry-1.0",
        "untouched-most-8-under-hurry-1.0",
    }
    for name, rollouts in names.items():
        assert len(rollouts) == 6
        lost = [r for r in rollouts if "Start with 3" in r.problem.question]
        for rollout in rollouts:
            if rollout in lost:
                (verdict,) = rollout.verdicts
                assert (verdict.value, verdict.status) == (None, Status.ERROR) and "no threes" in verdict.explanation
                assert rollout.completion.outcome is Outcome.ANSWERED, "not the model's fault"
            else:
                assert rollout.paid == float("hurry" not in name)
                budgeted = rollout.cell.mode is Mode.BUDGET or rollout.cell.mode == "budget"
                assert rollout.completion.thinking_tokens == (8 if budgeted else 0)
                assert rollout.completion.written == (10 if budgeted else 2)
    told = Run.open(out).result()
    assert told["transfer.unseen.untouched.no_answer"].value == 0.0
    assert told["transfer.unseen.untouched.not_judged"].value == told["transfer.unseen.fewshot.not_judged"].value
    assert told["transfer.unseen.untouched"].value == 1.0, "what nobody answered is no wrong answer"
    assert told["budget.untouched.all.most-8.over"].value == 0.0
    assert told["surface.untouched.hurry@1.0.most-8.success"].value == 1.0
    assert told["cost.untouched.all.tokens"].value is not None
    assert recipe_of(Run.open(out)).model.name == "some/model"
    assert Run.open(out).manifest["endpoint"] == endpoint.url


def test_what_cannot_be_asked_is_one_line(suite: str, tmp_path: Path):
    with Endpoint(served) as endpoint:
        url, out = endpoint.url, ("--suite", suite, "--out", str(tmp_path / "out"))
        assert "model: missing" in mistake("measure", url, *out)
        assert "colour" in mistake("measure", url, "--set", "model=m", "--set", "colour=red", *out)
    assert "start the server, or correct url" in mistake("measure", url, "--set", "model=m", "--set", "retries=0", *out)
    assert "--set: of an endpoint; 'lab-seed' is none" in mistake("measure", "lab-seed", "--set", "model=m", *out)
    assert not (tmp_path / "out").exists()
