"""Who plays when, and which try counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.rounds import GoneError, Repeat, play_rounds, quietest, rotated


def repeat(round: int = 0, *, seconds: float = 1.0, busy: float | None = 0.0) -> Repeat:
    return Repeat(round=round, seconds=seconds, tokens=10, peak_bytes=1, busy=busy)


@dataclass
class Scripted:
    """A contestant that finds the processor as busy as it is told, and ends in a given round."""

    busy: list[float | None] = field(default_factory=list)
    ends_in: int | None = None
    asked: list[int] = field(default_factory=list)

    def play(self, round: int) -> Repeat:
        if round == self.ends_in:
            raise GoneError("out of memory")
        self.asked.append(round)
        return repeat(round, busy=self.busy.pop(0) if self.busy else 0.0, seconds=float(len(self.asked)))


def test_each_round_begins_with_the_next():
    assert [rotated("abc", round) for round in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]
    assert rotated([], 2) == []


def test_a_warm_up_comes_first_and_does_not_count():
    player = Scripted()
    played = play_rounds({"a": player}, 3)
    assert player.asked == [-1, 0, 1, 2]
    assert [each.round for each in played.repeats["a"]] == [0, 1, 2]


def test_everybody_plays_a_round_before_anybody_plays_the_next():
    heard: list[tuple[str, int]] = []
    play_rounds({"a": Scripted(), "b": Scripted()}, 2, heard=lambda name, each: heard.append((name, each.round)))
    assert heard == [("a", -1), ("b", -1), ("a", 0), ("b", 0), ("b", 1), ("a", 1)]


def test_who_ends_is_absent_from_there_on_and_the_others_go_on():
    played = play_rounds({"a": Scripted(ends_in=1), "b": Scripted()}, 3)
    assert played.absent == {"a": "out of memory"}
    assert [each.round for each in played.repeats["b"]] == [0, 1, 2]


def test_a_quiet_repeat_is_not_run_again():
    best = quietest(Scripted(busy=[0.06, 0.0]), 0)
    assert (best.busy, best.tries) == (0.06, 1)


def test_a_loud_repeat_is_run_again_until_it_is_quiet():
    best = quietest(Scripted(busy=[0.5, 0.01]), 0)
    assert (best.busy, best.tries, best.seconds) == (0.01, 2, 2.0)


def test_of_three_loud_ones_the_quietest_counts():
    best = quietest(Scripted(busy=[0.5, 0.2, 0.3, 0.0]), 0)
    assert (best.busy, best.tries) == (0.2, 3)


def test_what_cannot_be_seen_is_not_run_again():
    assert quietest(Scripted(busy=[None, 0.0]), 0).tries == 1


def test_the_warm_up_is_run_once_however_loud():
    player = Scripted(busy=[0.9])
    play_rounds({"a": player}, 1)
    assert player.asked == [-1, 0]
