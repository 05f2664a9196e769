"""What domains share that ask another domain's problems in words of their own, one for one."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ponder.types import Domain, PonderError, Problem


class Retold(ABC):
    """Problems of `of`, each told another way; splits, sizes and ids are its own."""

    of: Domain
    """Whose problems they are."""

    def refuse_restated(self, name: str) -> None:
        """Raise PonderError where thinking of the other domain says its question again, which is done here or not."""
        if getattr(self.of, "restated", False):
            raise PonderError(f"{name}.options.restated: thinking says the question once; leave it out")

    @abstractmethod
    def retold(self, own: Problem) -> Problem:
        """A problem as it is asked here, with what leads to its answer as the fact `worked`."""

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        """Problems number `start` to `start + n - 1` of the stream (split, seed)."""
        return [self.retold(own) for own in self.of.problems(split, seed=seed, n=n, start=start)]

    def size(self, split: str) -> int | None:
        """As of the domain whose problems they are."""
        return self.of.size(split)

    def worked(self, problem: Problem) -> str | None:
        """Thinking that leads to the answer; where it slips, to the answer that follows from it."""
        return problem.facts.get("worked")
