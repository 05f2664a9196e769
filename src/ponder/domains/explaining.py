"""Another domain's problems, of which every step is to be explained: the answer is the explanation, and no number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ponder.domains.kinds import KINDS, build_from
from ponder.domains.retold import Retold
from ponder.types import PonderError, Problem, VerifierChoice

WORDS = {
    "en": {"ask": "Explain every step.", "end": "So {answer}"},
    "ja": {"ask": "すべての手順を説明してください。", "end": "だから{answer}"},
}
"""By language: what is asked, and how an explanation ends."""


class Explaining(Retold):
    """The worked thinking of a problem and what it comes to, a line each; its programmatic check is that very text."""

    verifier = VerifierChoice(name="exact", options={"casefold": True})

    def __init__(self, name: str, *, of: str, options: Mapping[str, Any] | None = None, slips: float = 0.0) -> None:
        """`of`: kind of the domain that is explained, with its `options`; `slips`: one of them, in the lab."""
        self.name = name
        self.of = build_from(KINDS, name, of, {**(options or {}), **({"slips": slips} if slips else {})})
        self.refuse_restated(name)
        if hasattr(self.of, "slips"):
            self.slips = slips  # what has this can be asked for slips

    def retold(self, own: Problem) -> Problem:
        """A right explanation is the reference; `concluded` is the one that the thinking comes to."""
        words, worked = WORDS.get(own.language, WORDS["en"]), self.of.worked(own)
        if worked is None:
            raise PonderError(
                f"{self.name}.of: nobody has written worked thinking for it, so nothing says what is right"
            )
        concluded = own.facts.get("concluded", own.reference)
        right = own.facts.get("right", worked)
        return replace(
            own.asking(f"{own.question}\n{words['ask']}"),
            reference="\n".join((right, words["end"].format(answer=own.reference))),
            facts={"worked": worked, "concluded": "\n".join((worked, words["end"].format(answer=concluded)))},
        )
