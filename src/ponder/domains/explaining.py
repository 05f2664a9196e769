"""Another domain's problems, of which every step is to be explained: the answer is the explanation, and no number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ponder.domains.kinds import KINDS, build_from
from ponder.types import Message, PonderError, Problem, VerifierChoice

WORDS = {
    "en": {"ask": "Explain every step.", "end": "So {answer}"},
    "ja": {"ask": "すべての手順を説明してください。", "end": "だから{answer}"},
}
"""By language: what is asked, and how an explanation ends."""


class Explaining:
    """The worked thinking of a problem and what it comes to, a line each; its programmatic check is that very text."""

    verifier = VerifierChoice(name="exact", options={"casefold": True})

    def __init__(self, name: str, *, of: str, options: Mapping[str, Any] | None = None, slips: float = 0.0) -> None:
        """`of`: kind of the domain that is explained, with its `options`; `slips`: one of them, in the lab."""
        self.name = name
        self.of = build_from(KINDS, name, of, {**(options or {}), **({"slips": slips} if slips else {})})
        if hasattr(self.of, "slips"):
            self.slips = slips  # what has this can be asked for slips

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        """Problems number `start` to `start + n - 1` of the stream (split, seed)."""
        return [self._problem(own) for own in self.of.problems(split, seed=seed, n=n, start=start)]

    def size(self, split: str) -> int | None:
        """As of the domain that is explained."""
        return self.of.size(split)

    def worked(self, problem: Problem) -> str | None:
        """Thinking that solves the problem; where it slips, so does the explanation that follows from it."""
        return problem.facts.get("worked")

    def _problem(self, own: Problem) -> Problem:
        words, worked = WORDS.get(own.language, WORDS["en"]), self.of.worked(own)
        if worked is None:
            raise PonderError(
                f"{self.name}.of: nobody has written worked thinking for it, so nothing says what is right"
            )
        concluded = own.facts.get("concluded", own.reference)
        right = own.facts.get("right", worked)
        question = f"{own.question}\n{words['ask']}"
        return replace(
            own,
            messages=(*own.messages[:-1], Message(role="user", content=question)),
            reference="\n".join((right, words["end"].format(answer=own.reference))),
            facts={"worked": worked, "concluded": "\n".join((worked, words["end"].format(answer=concluded)))},
        )
