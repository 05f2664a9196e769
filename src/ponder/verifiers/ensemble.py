"""Several verdicts as one: how a judge's votes are combined, and how those of several judges are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, pstdev

from ponder.types import PonderError, Submission, Verdict, Verifier

COMBINED: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "majority": lambda values: float(sum(value > 0.5 for value in values) > len(values) / 2),
    "minimum": min,
    "cautious": lambda values: max(0.0, fmean(values) - pstdev(values)),
}
"""What becomes of several values: `cautious` is their mean less their spread, so that doubt is not paid
(arXiv:2310.02743); the least is the most cautious."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """Several verifiers that are all asked; where one cannot judge, nobody has."""

    members: tuple[Verifier, ...]
    """At least two, of different names."""
    combine: str = "minimum"
    """Key of `COMBINED`."""
    name: str = "ensemble"
    reads_thinking: bool = field(init=False)
    deterministic: bool = field(init=False)

    def __post_init__(self) -> None:
        if len({member.name for member in self.members}) < 2 or self.combine not in COMBINED:
            raise PonderError(
                f"{self.name}: an ensemble has members of two names at least, and combine is one of "
                f"{', '.join(COMBINED)}"
            )
        object.__setattr__(self, "reads_thinking", any(member.reads_thinking for member in self.members))
        object.__setattr__(self, "deterministic", all(member.deterministic for member in self.members))

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        """One verdict a submission, in order."""
        rows = zip(*(self._asked(member, submissions) for member in self.members), strict=True)
        return [self._verdict(row) for row in rows]

    @staticmethod
    def _asked(member: Verifier, submissions: Sequence[Submission]) -> list[Verdict]:
        shown = submissions if member.reads_thinking else [replace(one, thinking=None) for one in submissions]
        return member.verify(shown)

    def _verdict(self, verdicts: Sequence[Verdict]) -> Verdict:
        tokens = sum(verdict.tokens for verdict in verdicts)
        values = {verdict.verifier: verdict.value for verdict in verdicts if verdict.value is not None}
        if len(values) < len(verdicts):
            lost = next(verdict for verdict in verdicts if verdict.value is None)
            return replace(lost, verifier=self.name, explanation=f"{lost.verifier}: {lost.explanation}", tokens=tokens)
        told = "; ".join(f"{verdict.verifier} {verdict.value:.2f}" for verdict in verdicts)
        combined = COMBINED[self.combine](list(values.values()))
        return Verdict(verifier=self.name, value=combined, explanation=told, parts=values, tokens=tokens)
