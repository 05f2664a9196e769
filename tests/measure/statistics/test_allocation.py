from __future__ import annotations

import numpy as np
import pytest

from ponder.measure.statistics.allocation import (
    after_answer,
    at_matched,
    oracle_allocation,
    plateau,
    spearman,
    spearman_within,
)


def test_tokens_that_grow_with_difficulty_in_any_way_correlate_wholly():
    found = spearman([1, 2, 3, 4, 5], [1, 4, 9, 16, 25])
    assert found and found.value == pytest.approx(1.0) and found.n == 5
    # Ranks 1 2 3 4 5 and 2 1 4 3 5: squared differences sum to 4, rho = 1 - 6 * 4 / (5 * 24).
    swapped = spearman([1, 2, 3, 4, 5], [20, 10, 40, 30, 50])
    assert swapped and swapped.value == pytest.approx(0.8)
    assert spearman([2, 2, 2, 2], [1, 2, 3, 4]) is None


def test_what_differs_between_depths_tells_nothing_within_them():
    depth = [1, 1, 1, 5, 5, 5]
    # Within each depth the longest is failed least; the deeper ones are longer and failed more.
    found = spearman_within([10, 11, 12, 50, 51, 52], [0.2, 0.1, 0.0, 0.9, 0.8, 0.7], depth)
    assert found and found.value == pytest.approx(-1.0)
    overall = spearman([0.2, 0.1, 0.0, 0.9, 0.8, 0.7], [10, 11, 12, 50, 51, 52])
    assert overall and overall.value > 0.5


def test_strata_that_say_nothing_drop_out_and_by_hand_the_rest():
    # Depth 1: ranks 1 2 3 against 1 3 2, as 1/4 1/2 3/4 less 1/2: sum of products 1/16 of (1 * 1 + 0 - 1 * 0) ...
    tokens, failed, depth = [1, 2, 3, 7, 7, 1, 2], [0, 1, 0.5, 0, 1, 0, 1], [1, 1, 1, 2, 2, 3, 3]
    # Depth 2 has equal tokens. Depth 3: ranks 1 2 against 1 2, each -1/6 and 1/6.
    one, other = np.array([-0.25, 0, 0.25, -1 / 6, 1 / 6]), np.array([-0.25, 0.25, 0, -1 / 6, 1 / 6])
    expected = (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum())
    found = spearman_within(tokens, failed, depth)
    assert found and (found.value, found.n) == (pytest.approx(expected), 5) and found.low < found.value < found.high
    assert spearman_within([1, 2, 3], [0, 0, 0], [1, 1, 1]) is None


@pytest.mark.parametrize(
    ("thinking", "answer", "share"),
    [
        ("3+4=7 so it is 7", "7", 1 - 5 / 16),
        ("7: add 3, 17, 7.5, 7", "7", 0.0),
        ("no idea", "7", None),
        ("答えは七です。", "七", 1 - 4 / 7),
        ("anything", " ", None),
    ],
)
def test_what_was_thought_after_the_answer_stood_there(thinking: str, answer: str, share: float | None):
    found = after_answer(thinking, answer)
    assert found == (None if share is None else pytest.approx(share))


def test_fixed_budgets_at_the_same_tokens_lie_between_the_two_beside():
    budgets = [(0.0, 0.2), (20.0, 0.8), (10.0, 0.4), (10.0, 0.3)]
    assert [at_matched(t, budgets) for t in (0, 5, 10, 15, 20)] == pytest.approx([0.2, 0.3, 0.4, 0.6, 0.8])
    assert at_matched(21, budgets) is None and at_matched(-1, budgets) is None and at_matched(3, []) is None


def test_a_plateau_is_reached_by_the_first_that_is_close_to_the_last():
    assert plateau([0.5, 0.6, 0.69, 0.70, 0.695, 0.70]) == 3
    assert plateau([0.5]) == 1 and plateau([0.8, 0.7, 0.6]) == 3


def test_an_oracle_gives_tokens_to_those_whom_they_help():
    accuracy = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    tokens = np.array([[0.0, 30.0]] * 3)
    assert oracle_allocation(accuracy, tokens, 10.0).tolist() == [0, 1, 0]
    assert oracle_allocation(accuracy, tokens, 30.0).tolist() == [0, 1, 0]  # more would buy nothing
    assert oracle_allocation(accuracy, tokens, 9.0).tolist() == [0, 0, 0]
    assert oracle_allocation(accuracy, tokens + 50, 10.0).tolist() == [
        0,
        0,
        0,
    ]  # the cheapest, though they are too many


def test_an_oracle_buys_the_best_bargains_first():
    # 0.9 for 10 tokens, 0.5 for 10 and 0.9 for 40: worth .09, .05 and .0225 a token.
    accuracy = np.array([[0.1, 1.0], [0.5, 1.0], [0.1, 1.0]])
    tokens = np.array([[0.0, 10.0], [0.0, 10.0], [0.0, 40.0]])
    chosen = [oracle_allocation(accuracy, tokens, mean).tolist() for mean in (3, 4, 7, 20)]
    assert chosen == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_no_allocation_of_as_many_tokens_is_better_where_the_oracle_spends_them_all():
    random, own = np.random.default_rng(0), np.arange(5)
    accuracy, tokens = random.random((5, 3)), np.tile([0.0, 8.0, 20.0], (5, 1))
    every = np.stack(np.meshgrid(*[range(3)] * 5), -1).reshape(-1, 5)
    for mean in (2.0, 5.0, 9.0, 14.0):
        chosen = oracle_allocation(accuracy, tokens, mean)
        spent = tokens[own, chosen].mean()
        cheaper = every[tokens[own, every].mean(1) <= spent + 1e-9]
        assert spent <= mean
        assert accuracy[own, chosen].mean() >= accuracy[own, cheaper].mean(1).max() - 1e-12
