"""Another domain's problems in writings that have to be read first: what says them out, and then goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ponder import attacks
from ponder.domains.judging import ASKED
from ponder.domains.kinds import build_from
from ponder.domains.retold import Retold
from ponder.streams import stream
from ponder.types import IT_SAYS, Attack, PonderError, Problem, VerifierChoice

ONLY = {"en": "Only write out what it says.", "ja": "書いてあることだけを書いてください。"}
"""What is asked where nothing is to be done about it, by language."""


class Reading(Retold):
    """Each problem in one of several writings; thinking tells what it says, and then solves it as its domain does.

    With `solve = false` the text is the answer and nothing more is asked: practice in reading a kind of text without
    a word of what it calls for.
    """

    def __init__(
        self,
        name: str,
        *,
        of: str,
        ways: Sequence[str | Mapping[str, Any]],
        options: Mapping[str, Any] | None = None,
        solve: bool = True,
    ) -> None:
        """`of`: kind of the domain that is read, with its `options`; `ways`: kinds of attacks, or tables with `use`."""
        self.name, self.solve = name, solve
        self.ways = [_way(name, way) for way in ways]
        if not self.ways:
            raise PonderError(f"{name}.ways: names no writing; give kinds of attacks")
        self.of = build_from(ASKED, name, of, options or {})
        self.refuse_restated(name)
        self.verifier = self.of.verifier if solve else VerifierChoice(name="exact", options={"casefold": True})

    def retold(self, own: Problem) -> Problem:
        """The same in one of the writings; what stays in plain writing stands before it."""
        way = stream("reading", own.id, own.pair_id or "").choice(self.ways)
        plain = own.plain
        text = own.question.removeprefix(plain)
        written = way.apply(own.asking(text), strength=1.0, seed=0)
        asked = f"{plain}{written.question}"
        says = IT_SAYS.get(own.language, IT_SAYS["en"]).format(text=text)
        if self.solve:
            worked = self.of.worked(own)
            return replace(written.asking(asked), facts={**own.facts, "worked": worked and f"{says}\n{worked}"})
        only = written.asking(f"{asked}\n{ONLY.get(own.language, ONLY['en'])}")
        return replace(only, reference=text, facts={"worked": says})


def _way(name: str, way: str | Mapping[str, Any]) -> Attack:
    """Raises PonderError for a writing that is not there."""
    told = {"use": way} if isinstance(way, str) else dict(way)
    if not isinstance(told.get("use"), str):
        raise PonderError(f"{name}.ways: {way!r} has no `use`; give the kind of an attack")
    return attacks.build(told.pop("use"), told, name=f"{name}.ways")
