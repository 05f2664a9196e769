from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from ponder.solve.agreement import agreed, bets_on, needed, ranked, settled, stake


def test_a_stake_is_on_the_rival_and_never_below_a_half():
    assert stake(1, 0) == pytest.approx(2 / 2.25)
    assert stake(3, 1) == pytest.approx(4 / 5.25)
    assert stake(0, 5) == 0.5


def test_the_first_vote_wins_nothing_and_the_second_by_the_first():
    assert bets_on("a").wealth == {None: 1.0, "a": 1.0}
    bets = bets_on("aa")
    assert bets.wealth == {None: pytest.approx(16 / 9), "a": 1.0}, "2 * 8/9; nothing is bet against the leader alone"


def test_a_dissenting_vote_costs_what_was_bet_against_it():
    """2 * 8/9 for the second a; the third vote is b, on whose rival 12/13 stood: 16/9 * 2/13 = 32/117."""
    bets = bets_on("aab")
    assert bets.wealth == {None: pytest.approx(16 / 9), "a": 1.0, "b": pytest.approx(32 / 117)}
    assert bets.peak["b"] == pytest.approx(16 / 9), "it was among those not seen when they had lost that much"


def test_against_the_leader_the_runner_up_is_bet_on_unless_it_is_behind():
    """The third vote of abb is b, which had 1 of 2 votes: 2 * 2 / 3.25; behind, it gets a half, which wins nothing."""
    assert bets_on("abb").wealth["a"] == pytest.approx(16 / 13)
    assert bets_on("aaabb").wealth["a"] == 1.0


def test_six_unanimous_votes_agree_at_a_twentieth_and_five_do_not():
    """2^5 * 8/9 * 12/13 * 16/17 * 20/21 * 24/25 = 22.59; without the last 11.77."""
    assert bets_on("aaaaaa").wealth[None] == pytest.approx(32 * 8 / 9 * 12 / 13 * 16 / 17 * 20 / 21 * 24 / 25)
    assert agreed("aaaaaa", 0.05) == "a"
    assert agreed("aaaaa", 0.05) is None
    assert agreed("aaaaa", 0.1) == "a"


def test_no_votes_agree_on_nothing():
    assert agreed("", 0.05) is None
    assert ranked({}) == (None, None)


def test_an_answer_that_appears_late_is_ruled_out_already():
    """Seven votes have ruled out all that was not seen; the eighth is one of those."""
    assert agreed("aaaaaaab", 0.05) == "a"


def test_what_is_needed_is_what_would_agree():
    assert needed("", 0.05, 32) == 6
    assert needed("aaaa", 0.05, 32) == 2
    count = needed("aaab", 0.05, 32)
    assert agreed("aaab" + "a" * count, 0.05) == "a" and agreed("aaab" + "a" * (count - 1), 0.05) is None
    assert needed("aaab", 0.05, 3) == 3


def test_votes_that_the_rest_cannot_change_are_settled():
    assert settled({"a": 5, "b": 2}, 2) and not settled({"a": 5, "b": 2}, 3)
    assert settled({"a": 1}, 0) and not settled({}, 0)


def stops_wrong(
    chances: Sequence[float], error: float, *, draws: int, most: int, best: set[int]
) -> tuple[float, float]:
    """Share of questions that agree on an answer outside `best`, and of those that agree at all."""
    rng, wrong, stopped = random.Random(7), 0, 0
    for _ in range(draws):
        votes = [str(each) for each in rng.choices(range(len(chances)), chances, k=most)]
        found = first_agreed(votes, error)
        stopped += found is not None
        wrong += found is not None and int(found) not in best
    return wrong / draws, stopped / draws


def first_agreed(votes: Sequence[str], error: float) -> str | None:
    """What somebody stops with who looks after every vote."""
    bets = bets_on("")
    for vote in votes:
        bets.add(vote)
        if (found := bets.agreed(error)) is not None:
            return found
    return None


@pytest.mark.parametrize("chances", [(0.51, 0.49), (0.35, 0.33, 0.32), (0.3, 0.28) + (0.06,) * 7, (0.4, 0.3, 0.3)])
@pytest.mark.parametrize("error", [0.05, 0.2])
def test_the_error_is_held_by_whoever_looks_after_every_vote(chances: tuple[float, ...], error: float):
    """600 questions, each nearly a tie; three deviations of such a share are allowed."""
    wrong, _ = stops_wrong(chances, error, draws=600, most=48, best={0})
    assert wrong <= error + 3 * (error * (1 - error) / 600) ** 0.5


def test_clear_votes_agree_soon_and_near_ties_hardly_ever():
    assert stops_wrong((0.9, 0.1), 0.05, draws=200, most=24, best={0})[1] > 0.9
    assert stops_wrong((0.5, 0.5), 0.05, draws=200, most=24, best={0, 1})[1] < 0.1
