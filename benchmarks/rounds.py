"""Taking turns: every contestant once a round, in rotated order, again where others kept the processor busy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

QUIET = 0.06
"""Largest share of the processor that others may use during a repeat."""
TRIES = 3
"""Times that a repeat is run at most, until it is quiet."""
WARM_UP = -1
"""Number of the round that is not counted."""


class GoneError(Exception):
    """A contestant did not start, or ended; why, in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """What one repeat took."""

    round: int
    """Which round it belongs to."""
    seconds: float
    """Of the wall."""
    tokens: int
    """Produced, or learned from."""
    peak_bytes: int
    """Largest resident memory of the process."""
    busy: float | None
    """Share of the processor that others used; None where that cannot be seen."""
    tries: int = 1
    """How often it was run; the quietest counts."""
    idle_seconds: float = 0.0
    """Core seconds that the contestants who waited used meanwhile."""
    peak_of: str = "work"
    """What the peak is of: the `work`, or, where the system cannot tell, of the whole `process`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the contestant told besides."""

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Player(Protocol):
    """A contestant that waits for its turn."""

    def play(self, round: int) -> Repeat:
        """One repeat; raises GoneError if the contestant ended."""
        ...


@dataclass(slots=True)
class Played:
    """What came of all rounds."""

    repeats: dict[str, list[Repeat]] = field(default_factory=dict)
    """By contestant, in order of the rounds."""
    absent: dict[str, str] = field(default_factory=dict)
    """Contestant -> why it is not there."""
    choosing: dict[str, float | None] = field(default_factory=dict)
    """Contestant that tried settings before it began -> share of the processor that others used meanwhile."""


def rotated(names: Sequence[str], round: int) -> list[str]:
    """Who plays after whom in a round: each round begins with the next one."""
    start = round % len(names) if names else 0
    return [*names[start:], *names[:start]]


def play_rounds(
    players: Mapping[str, Player],
    rounds: int,
    *,
    tries: int = TRIES,
    heard: Callable[[str, Repeat], None] = lambda name, repeat: None,
) -> Played:
    """A warm-up and `rounds` rounds; who ends on the way is absent from there on."""
    played = Played(repeats={name: [] for name in players})
    for round in range(WARM_UP, rounds):
        for name in rotated([n for n in players if n not in played.absent], max(0, round)):
            try:
                repeat = quietest(players[name], round, tries=1 if round == WARM_UP else tries)
            except GoneError as error:
                played.absent[name] = str(error)
                continue
            heard(name, repeat)
            if round != WARM_UP:
                played.repeats[name].append(repeat)
    return played


def quietest(player: Player, round: int, *, tries: int = TRIES) -> Repeat:
    """The first quiet repeat of at most `tries`, else the quietest of them."""
    tried: list[Repeat] = []
    while len(tried) < tries and not (tried and quiet(tried[-1].busy)):
        tried.append(player.play(round))
    best = min(tried, key=lambda repeat: 1.0 if repeat.busy is None else repeat.busy)
    return replace(best, tries=len(tried))


def quiet(busy: float | None) -> bool:
    """Whether others kept still enough; what cannot be seen is not called noise here, only where ratios are made."""
    return busy is None or busy <= QUIET
