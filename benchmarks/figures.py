"""From repeats to numbers: paired ratios and rates, and when there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from benchmarks.rounds import QUIET, Played, Repeat
from ponder.runs.result import Number


class NoFigureError(Exception):
    """Why a number is not written, in a line."""


class Figure(Protocol):
    """A number that a work comes to."""

    @property
    def name(self) -> str:
        """In `results.json`."""
        ...

    def number(self, played: Played) -> Number:
        """Its value; raises NoFigureError where there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One contestant over another, paired round by round."""

    name: str
    """In `results.json`."""
    above: str
    """Contestant whose quantity is divided."""
    below: str
    """Contestant whose quantity divides."""
    query: str
    """How it was computed, in words."""
    quantity: str = "seconds"
    """Attribute of a repeat."""
    unit: str = "ratio"
    """`ratio` or `share`."""

    def number(self, played: Played) -> Number:
        """Median over the rounds, with the least and the largest."""
        repeats = present(played, self.above, self.below)
        below = {repeat.round: getattr(repeat, self.quantity) for repeat in repeats[self.below]}
        above = {repeat.round: getattr(repeat, self.quantity) for repeat in repeats[self.above]}
        ratios = [above[round] / below[round] for round in sorted(above.keys() & below.keys())]
        return spread(ratios, unit=self.unit, query=self.query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one contestant produces a second, by itself."""

    name: str
    """In `results.json`."""
    contestant: str
    """Whose."""
    unit: str
    """Of the value."""
    query: str
    """How it was computed, in words."""
    cores: int = 1
    """Over how many cores it is shared out."""

    def number(self, played: Played) -> Number:
        """Median over the repeats, with the least and the largest."""
        repeats = present(played, self.contestant)[self.contestant]
        rates = [repeat.tokens / repeat.seconds / self.cores for repeat in repeats]
        return spread(rates, unit=self.unit, query=self.query)


def present(played: Played, *names: str) -> Mapping[str, Sequence[Repeat]]:
    """The repeats of contestants that were all there and left alone; raises NoFigureError otherwise."""
    for name in names:
        if name in played.absent:
            raise NoFigureError(f"{name} is absent: {played.absent[name]}")
        if not played.repeats.get(name):
            raise NoFigureError(f"{name} has no repeat")
        chose = played.choosing.get(name)
        if chose is not None and chose > QUIET:
            raise NoFigureError(f"{name} chose its settings while others used {chose:.0%} of the processor")
        busy = busy_share(played.repeats[name])
        if busy is None:
            raise NoFigureError(f"{name}: how busy others kept the processor cannot be seen on this system")
        if busy > QUIET:
            raise NoFigureError(f"{name}: others used {busy:.0%} of the processor, more than {QUIET:.0%}")
    return played.repeats


def busy_share(repeats: Sequence[Repeat]) -> float | None:
    """Median share of the processor that others used; None where any of it cannot be seen."""
    shares = [repeat.busy for repeat in repeats if repeat.busy is not None]
    return median(shares) if shares and len(shares) == len(repeats) else None


def spread(values: Sequence[float], *, unit: str, query: str) -> Number:
    """Median, least and largest of values, one a round."""
    if not values:
        raise NoFigureError("no round in which both were there")
    return Number(median(values), min(values), max(values), n=len(values), unit=unit, query=query)


def numbers_of(figures: Sequence[Figure], played: Played) -> tuple[dict[str, Number], list[str]]:
    """All that can be told, and a line for each that cannot."""
    found: dict[str, Number] = {}
    notes = []
    for figure in figures:
        try:
            found[figure.name] = figure.number(played)
        except NoFigureError as why:
            notes.append(f"`{figure.name}` is not written: {why}")
    return found, notes
