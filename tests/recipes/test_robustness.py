"""The shipped suite of attacks and budgets, on the lab's seed model."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from ponder.recipes.load import load_suite
from ponder.recipes.measure import find_subject, measure
from ponder.recipes.schema import MeasureConfig
from ponder.runs.result import read_result
from ponder.runs.table import read_rollouts

ATTACKS = ("think_less", "nerd_snipe", "distractors", "false_premise")
THINKING = ("free", "exactly-0", "most-16", "most-48", "most-112")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    asked = MeasureConfig(suite="robustness", problems=2, samples=None)
    return measure(find_subject("lab-seed"), asked, tmp_path_factory.mktemp("robustness") / "run")


def test_the_surface_has_every_attack_strength_and_budget(run: Path):
    suite, found = load_suite("robustness"), read_result(run)
    assert set(suite.attacks) == set(ATTACKS)
    for attack, strength, thinking in product(ATTACKS, (0.25, 1.0), THINKING):
        name = f"surface.untouched.{attack}@{strength}.{thinking}"
        accuracy, tokens = found[f"{name}.accuracy"], found[f"{name}.thinking_tokens"]
        low, value, most = accuracy.low, accuracy.value, tokens.value
        assert accuracy.n == 6 and low is not None and value is not None and 0 <= low <= value
        assert most is not None and (thinking == "free" or most <= int(thinking.rpartition("-")[2]))


def test_attacked_text_is_the_same_under_every_budget(run: Path):
    texts = [
        [rollout.problem.question for rollout in read_rollouts(run / "measured" / f"{name}-under-{under}.parquet")]
        for name in ("untouched", "untouched-most-16", "untouched-exactly-0")
        for under in ("nerd_snipe-1.0",)
    ]
    assert texts[0] == texts[1] == texts[2] and all("triple it" in text or "3倍" in text for text in texts[0])
