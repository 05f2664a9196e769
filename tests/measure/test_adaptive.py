"""The attacker who learns, on rollouts whose numbers are worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from measure.synthetic import connect, rollout
from ponder.measure import adaptive
from ponder.measure.statistics.searching import learned_order, tries_until
from ponder.types import Rollout


def asked(problem: str, broken_by: str, *, clean: float | None = 1.0, unjudged: str = "") -> list[Rollout]:
    """A problem as it is, and under the attacks a, b and c, of which those in `broken_by` make it wrong."""
    worth: Mapping[str, float | None] = {"none": clean} | {
        attack: None if attack in unjudged else float(attack not in broken_by) for attack in "abc"
    }
    made = []
    for attack, value in worth.items():
        one = rollout("after", problem, value)
        made.append(replace(one, cell=replace(one.cell, attack=attack, strength=float(attack != "none"))))
    return made


def values(rows: list[Rollout], folder: Path) -> dict[str, float | None]:
    found = adaptive.numbers(connect(rows, folder))
    return {name.removeprefix("adaptive.after.free.success@"): number.value for name, number in found.items()}


def test_what_is_learned_on_one_half_is_tried_on_the_other(tmp_path: Path):
    rows = [
        *asked("1", "b"),  # the first half is broken by b, and the one of the two that is not by c
        *asked("2", "ab"),
        *asked("3", "c"),
        *asked("4", "c"),
    ]
    # halves: 1 and 3 teach b, c, a (b and c break one each, b comes first); 2 and 4 teach a, c, b (a, b and c one each)
    # on 2 and 4 b breaks 2, then c breaks 4; on 1 and 3 a breaks none, c breaks 3, b breaks 1
    assert values(rows, tmp_path) == {"1": 0.25, "2": 0.75, "3": 1.0}


def test_only_what_is_right_clean_counts_and_what_nobody_judged_has_not_succeeded(tmp_path: Path):
    rows = [
        *asked("1", "a"),
        *asked("2", "a", unjudged="a"),
        *asked("3", "abc", clean=0.0),
        *asked("4", "b", clean=None),
    ]
    assert values(rows, tmp_path) == {"1": 0.5, "2": 0.5, "3": 0.5}  # 1 falls to a; nothing breaks 2


def test_one_sound_problem_is_nobody_to_learn_from(tmp_path: Path):
    assert values([*asked("1", "a"), *asked("2", "a", clean=0.0)], tmp_path) == {}
    assert values(asked("1", "a")[:1] + asked("2", "a")[:1], tmp_path) == {}, "nothing was attacked"


def test_the_order_covers_what_is_left_before_it_repeats():
    broken = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=float)
    order = learned_order(broken)
    assert order == [0, 2, 1], "the second breaks two, but the first has broken them"
    assert tries_until(broken, order).tolist() == [1, 1, 2, 1]
    assert tries_until(np.zeros((1, 3)), order).tolist() == [np.inf]


@pytest.mark.parametrize("seed", range(5))
def test_more_tries_never_break_less(tmp_path: Path, seed: int):
    rng = np.random.default_rng(seed)
    rows = [one for k in range(8) for one in asked(str(k), "".join(a for a in "abc" if rng.random() < 0.4))]
    found = list(values(rows, tmp_path).values())
    assert found == sorted(found, key=lambda value: value or 0)
