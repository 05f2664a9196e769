"""Ratios and rates by hand, and when there is none."""

from __future__ import annotations

import pytest
from benchmarks.figures import NoFigureError, Rate, Ratio, busy_share, numbers_of
from benchmarks.rounds import Played, Repeat

from ponder.runs.result import Number

RATIO = Ratio(name="ratio.peer", above="peer", below="ponder", query="seconds / seconds")


def repeats(*seconds: float, busy: float | None = 0.0, peak: int = 100) -> list[Repeat]:
    return [
        Repeat(round=round, seconds=each, tokens=60, peak_bytes=peak, busy=busy) for round, each in enumerate(seconds)
    ]


def test_a_ratio_is_paired_round_by_round():
    played = Played(repeats={"ponder": repeats(1.0, 2.0, 4.0), "peer": repeats(3.0, 4.0, 4.0)})
    assert RATIO.number(played) == Number(2.0, 1.0, 3.0, n=3, unit="ratio", query="seconds / seconds")


def test_rounds_that_one_of_them_missed_are_left_out():
    played = Played(repeats={"ponder": repeats(1.0, 2.0), "peer": repeats(3.0)})
    assert RATIO.number(played).n == 1


def test_memory_is_compared_in_the_same_way():
    ratio = Ratio(name="m", above="ponder", below="peer", query="", quantity="peak_bytes")
    played = Played(repeats={"ponder": repeats(1.0, peak=50), "peer": repeats(9.0, peak=200)})
    assert ratio.number(played).value == 0.25


def test_a_rate_is_shared_out_over_cores():
    rate = Rate(name="r", contestant="ponder", unit="answers/s", query="", cores=2)
    found = rate.number(Played(repeats={"ponder": repeats(1.0, 2.0, 3.0)}))
    assert (found.value, found.low, found.high, found.n) == (15.0, 10.0, 30.0, 3)


@pytest.mark.parametrize("loud", ["ponder", "peer"])
def test_no_ratio_above_six_per_cent(loud: str):
    played = Played(
        repeats={name: repeats(1.0, 1.0, 1.0, busy=0.061 if name == loud else 0.0) for name in ("ponder", "peer")}
    )
    found, notes = numbers_of([RATIO], played)
    assert found == {}
    assert notes == [f"`ratio.peer` is not written: {loud}: others used 6% of the processor, more than 6%"]


def test_one_loud_repeat_of_three_does_not_matter_and_two_do():
    quiet, loud = repeats(1.0, busy=0.0), repeats(1.0, busy=0.5)
    assert busy_share([*quiet, *quiet, *loud]) == 0.0
    assert busy_share([*quiet, *loud, *loud]) == 0.5


def test_exactly_six_per_cent_is_quiet():
    played = Played(repeats={name: repeats(1.0, busy=0.06) for name in ("ponder", "peer")})
    assert RATIO.number(played).value == 1.0


def test_no_ratio_where_nobody_can_see_who_was_busy():
    played = Played(repeats={name: repeats(1.0, busy=None) for name in ("ponder", "peer")})
    with pytest.raises(NoFigureError, match="cannot be seen"):
        RATIO.number(played)


def test_an_absent_peer_is_named_with_its_reason_and_is_not_slow():
    played = Played(repeats={"ponder": repeats(1.0)}, absent={"peer": "no wheel for this platform"})
    found, notes = numbers_of([RATIO], played)
    assert found == {}
    assert notes == ["`ratio.peer` is not written: peer is absent: no wheel for this platform"]


def test_a_peer_that_ended_half_way_gives_no_ratio():
    played = Played(repeats={"ponder": repeats(1.0, 1.0), "peer": repeats(2.0)}, absent={"peer": "killed"})
    assert numbers_of([RATIO], played)[0] == {}


def test_no_ratio_to_a_peer_that_chose_its_settings_beside_others():
    both = {name: repeats(1.0) for name in ("ponder", "peer")}
    found, notes = numbers_of([RATIO], Played(repeats=both, choosing={"peer": 0.2}))
    assert found == {}
    assert notes == ["`ratio.peer` is not written: peer chose its settings while others used 20% of the processor"]
    for share in (0.06, None):
        assert RATIO.number(Played(repeats=both, choosing={"peer": share})).value == 1.0
