"""What has been measured so far: raw repeats, and the numbers they come to, saved after each work."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, numbers_of
from benchmarks.rounds import Played
from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.runs.result import Number

RAW, RESULTS = "raw.json", "results.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one work came to."""

    played: Played
    """Repeats, and who was absent."""
    numbers: Mapping[str, Number]
    """By name."""
    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Contestant -> versions, dtype, device, and what it chose."""
    notes: tuple[str, ...] = ()
    """Lines for the page."""
    points: tuple[Mapping[str, Any], ...] = ()
    """Of curves."""

    @classmethod
    def of(
        cls, played: Played, figures: Collection[Figure], known: Mapping[str, Any], notes: Collection[str] = ()
    ) -> Outcome:
        """With all numbers that can be told."""
        numbers, untold = numbers_of(list(figures), played)
        return cls(played=played, numbers=numbers, known=known, notes=(*notes, *untold))

    def record(self) -> dict[str, Any]:
        """For JSON."""
        repeats = {name: [repeat.record() for repeat in found] for name, found in self.played.repeats.items()}
        return {
            "known": dict(self.known),
            "absent": self.played.absent,
            "repeats": repeats,
            "numbers": {name: asdict(number) for name, number in self.numbers.items()},
            "notes": list(self.notes),
            "points": list(self.points),
        }


class Store:
    """`raw.json` and `results.json` in a folder."""

    def __init__(self, folder: Path, *, keep: bool) -> None:
        """`keep`: go on from what is there; otherwise the first save begins anew."""
        self.folder = folder
        path = folder / RAW
        self.works: dict[str, dict[str, Any]] = json.loads(path.read_text())["works"] if keep and path.exists() else {}

    def done(self, work: str) -> bool:
        """Whether a work has been measured."""
        return work in self.works

    def add(self, work: str, outcome: Outcome, *, made: Mapping[str, Any]) -> None:
        """Save a work; `made`: commit, date and machine, by which it was measured."""
        self.works[work] = {"made": dict(made), **outcome.record()}
        write_atomic(self.folder / RAW, to_json({"works": self.works}, indent=1))
        write_atomic(self.folder / RESULTS, to_json({"numbers": self.numbers()}, indent=1))

    def numbers(self) -> dict[str, dict[str, Any]]:
        """The numbers of all works, in the form of a run's `result.json`."""
        found = {name: number for work in self.works.values() for name, number in work["numbers"].items()}
        return {name: found[name] for name in sorted(found)}
