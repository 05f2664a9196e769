"""What all generated domains share: numbered items drawn from their own streams."""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random

from ponder.domains.items import Item, to_problem
from ponder.domains.splits import check_split, draw
from ponder.types import Problem, VerifierChoice


class Generated(ABC):
    """A domain whose items are made on demand; an item depends on (split, seed, index) and the configuration only."""

    def __init__(
        self, name: str, *, key: str, verifier: VerifierChoice, language: str = "en", suffix: str = ""
    ) -> None:
        """`key` names the kind and its configuration: renaming a domain in a recipe does not change its items."""
        self.name = name
        self.key = key
        self.verifier = verifier
        self.language = language
        self.suffix = suffix

    @abstractmethod
    def make(self, rng: Random) -> Item | None:
        """One item from this stream, or None where the draw came to nothing."""

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        """Problems number `start` to `start + n - 1` of the stream (split, seed)."""
        check_split(split)
        return [self._problem(split, seed, index) for index in range(start, start + n)]

    def size(self, split: str) -> int | None:
        """None: problems are made on demand, without end."""
        check_split(split)
        return None

    def worked(self, problem: Problem) -> str | None:
        """Thinking that leads to the reference."""
        return problem.facts.get("worked")

    def _problem(self, split: str, seed: int, index: int) -> Problem:
        item = draw(self.key, split, seed, index, self.make)
        place, language, suffix = (seed, index), self.language, self.suffix
        return to_problem(item, domain=self.name, split=split, place=place, language=language, suffix=suffix)
