"""The shipped suite of depths, samples and budgets, on the lab's seed model."""

from __future__ import annotations

from pathlib import Path

import pytest

from ponder.recipes.measure import find_subject, measure
from ponder.recipes.schema import MeasureConfig
from ponder.runs.result import read_result
from ponder.types import Mode

TOLD = ("spearman", "after_answer", "vote.n", "vote.accuracy", "best_of.tokens", "regret")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of weights before reinforcement, which are sampled at a temperature: those that are untouched are greedy."""
    subject = find_subject("lab-seed")
    asked = MeasureConfig(suite="allocation", problems=6, samples=2, untouched=False)
    begun = type(subject)(
        name="lab-seed",
        recipe=subject.recipe,
        weights={"cold_start": subject.weights["untouched"]},
    )
    return measure(begun, asked, tmp_path_factory.mktemp("allocation") / "run")


def test_everything_that_can_be_told_is(run: Path):
    found = read_result(run)
    for key in TOLD:
        number = found[f"allocation.before.all.{key}"]
        assert number.value is not None and number.low is not None and number.high is not None, key
        assert number.low <= number.value <= number.high, key
    assert (found["allocation.before.all.spearman"].value or 0) > 0.3  # worked thinking grows with depth
    assert 1 <= (found["allocation.before.arithmetic.vote.n"].value or 0) <= 2
    assert -1 <= (found["allocation.before.all.regret"].value or 0) <= 1
    assert {name.split(".")[3] for name in found if name.startswith("budget.before.all.")} == {
        "exactly-0",
        *(f"most-{n}" for n in (8, 16, 32, 64, 128)),
    }
    assert not any(f".{Mode.BUDGET}" in name for name in found if name.startswith(("transfer", "modes")))
