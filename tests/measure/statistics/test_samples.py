"""pass@k and votes against every subset there is."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ponder.measure.statistics import bca, difference_over_seeds, majority_at_k, over_seeds, pass_at_k, share_over_seeds
from ponder.types import PonderError


@pytest.mark.parametrize(
    ("right", "n", "k"), [(0, 5, 2), (1, 5, 2), (3, 5, 2), (4, 5, 2), (2, 7, 3), (5, 5, 1), (1, 4, 4)]
)
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(right: int, n: int, k: int):
    subsets = list(combinations([True] * right + [False] * (n - right), k))
    assert pass_at_k([right], [n], k).value == pytest.approx(np.mean([any(subset) for subset in subsets]))


def test_pass_at_k_of_the_codex_paper():
    # The numerically stable form of arXiv:2107.03374, figure 3: 1 - prod(1 - k / arange(n - c + 1, n + 1)).
    for n, c, k in ((200, 13, 10), (200, 1, 100), (100, 50, 100), (10_000, 3, 1_000)):
        expected = 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))
        assert pass_at_k([c], [n], k).value == pytest.approx(expected, rel=1e-9)


def test_pass_at_k_is_over_problems():
    found = pass_at_k([0, 1, 2], [2, 2, 2], 1)
    assert (found.value, found.n) == (0.5, 3) and 0 <= found.low < 0.5 < found.high <= 1
    with pytest.raises(AssertionError, match="1 <= k <= n"):
        pass_at_k([1], [2], 3)


def test_a_vote_of_all_is_the_commonest_answer_and_ties_are_shared():
    right = [{"7": 1.0, "8": 0.0, "9": 0.0}] * 3
    answers = [["7", "7", "8"], ["8", "8", "7"], ["7", "8", "9"]]
    assert majority_at_k(answers, right, 3).value == pytest.approx((1 + 0 + 1 / 3) / 3)


def test_a_vote_of_one_is_the_accuracy():
    answers, right = [["7"] * 6 + ["8"] * 4] * 20, [{"7": 1.0, "8": 0.0}] * 20
    assert majority_at_k(answers, right, 1).value == pytest.approx(0.6, abs=0.03)
    subsets = list(combinations(answers[0], 3))
    exact = np.mean([subset.count("7") > 1 for subset in subsets])
    assert majority_at_k(answers, right, 3).value == pytest.approx(exact, abs=0.03)


def test_seeds_are_the_units():
    # 0.1, 0.2 and 0.6: mean 0.3, deviation sqrt(0.07), t(0.975, 2) = 4.302653
    found = over_seeds({1: 0.1, 2: 0.2, 3: 0.6})
    assert (found.value, found.n) == (pytest.approx(0.3), 3)
    assert found.high - 0.3 == pytest.approx(4.302653 * (0.07 / 3) ** 0.5)
    assert over_seeds({1: 0.5}).low == -np.inf


def test_arms_are_paired_by_seed():
    before, after = {1: 0.1, 2: 0.5, 3: 0.9}, {2: 0.6, 3: 1.0, 1: 0.2, 4: 7.0}
    found = difference_over_seeds(before, after)
    assert (found.value, found.n) == (pytest.approx(0.1), 3) and found.low == pytest.approx(0.1)


def test_bca_is_scipys():
    from scipy import stats

    values = np.random.default_rng(0).exponential(size=60)
    found = bca(values, lambda x: float(np.mean(x)), resamples=8000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=8000, method="BCa", rng=1).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=0.02)
    plain = stats.bootstrap((values,), np.mean, n_resamples=8000, method="percentile", rng=1).confidence_interval
    assert found.high > plain.high + 0.01, "a skewed mean reaches further up"


def test_bca_of_what_never_varies_is_the_number_itself():
    found = bca(np.ones(9), lambda x: float(np.median(x)))
    assert (found.value, found.low, found.high, found.n) == (1.0, 1.0, 1.0, 9)


def test_a_share_over_seeds_is_the_ratio_of_means_with_a_linearised_interval():
    found = share_over_seeds({1: 0.2, 2: 0.4, 3: 0.3, 9: 5.0}, {1: 0.4, 2: 0.6, 3: 0.5})
    assert found.value == pytest.approx(0.6) and found.n == 3
    # residuals (.2 - .24)/.5, (.4 - .36)/.5, (.3 - .3)/.5: standard error .08 / sqrt 3, t of 2 degrees 4.3027
    assert found.high - found.value == pytest.approx(4.3027 * 0.08 / 3**0.5, rel=1e-3)
    with pytest.raises(PonderError, match="a share of nothing"):
        share_over_seeds({1: 0.2, 2: 0.1}, {1: 0.1, 2: -0.1})
