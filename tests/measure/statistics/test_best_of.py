from __future__ import annotations

from itertools import combinations
from random import Random
from statistics import fmean

import pytest

from ponder.measure.statistics.best_of import best_of, oracle_best_of, vote_of


def test_hand_worked():
    """Values .9 (wrong), .5 (right), .1 (right), pairs: the largest is wrong in two of three."""
    assert best_of([0.9, 0.5, 0.1], [0, 1, 1], 2) == pytest.approx(1 / 3)
    assert best_of([0.9, 0.5, 0.1], [0, 1, 1], 1) == pytest.approx(2 / 3)
    assert best_of([0.9, 0.5, 0.1], [0, 1, 1], 3) == 0.0
    assert oracle_best_of([0, 0, 0, 1], 2) == pytest.approx(1 - 3 / 6)


def test_equal_values_are_chance():
    assert best_of([0.5] * 4, [1, 0, 0, 0], 3) == pytest.approx(0.25)


def test_it_is_the_mean_over_all_draws():
    rng = Random(0)
    values, gold = [rng.choice([0.1, 0.2, 0.7, 0.9]) for _ in range(9)], [float(rng.random() < 0.4) for _ in range(9)]
    for n in range(1, 10):
        drawn = []
        for rows in combinations(zip(values, gold, strict=True), n):
            most = max(value for value, _ in rows)
            drawn.append(fmean(g for value, g in rows if value == most))
        # ties within a draw are shared among the drawn, in the formula among the whole group: the same in the mean
        assert best_of(values, gold, n) == pytest.approx(fmean(drawn))


def test_votes():
    assert vote_of(["a", "a", "b"], [0, 0, 1], 3, draws=1) == 0.0
    assert vote_of(["a", "b"], [0, 1], 2, draws=1) == 0.5
    assert vote_of(["a", "a", "b"], [0, 0, 1], 3, weights=[0.1, 0.1, 0.9], draws=1) == 1.0
    assert vote_of(["a", "a", "b"], [0, 0, 1], 1, draws=3000) == pytest.approx(1 / 3, abs=0.03)
    assert vote_of(["a", "a", "b"], [0, 0, 1], 2, draws=50) == vote_of(["a", "a", "b"], [0, 0, 1], 2, draws=50)


@pytest.mark.parametrize("n", [0, 4])
def test_no_more_are_drawn_than_there_are(n: int):
    with pytest.raises(AssertionError):
        best_of([0.1, 0.2, 0.3], [0, 0, 1], n)
