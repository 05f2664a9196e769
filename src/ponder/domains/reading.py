"""Another domain's problems in writings that have to be read first: what says them out, and then goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ponder import attacks
from ponder.domains.explaining import Explaining
from ponder.domains.kinds import KINDS, build_from
from ponder.streams import stream
from ponder.types import Attack, Message, PonderError, Problem, VerifierChoice

WORDS = {
    "en": {"says": "It says: {text}", "only": "Only write out what it says."},
    "ja": {"says": "書いてあること：{text}", "only": "書いてあることだけを書いてください。"},
}
"""By language: how thinking begins, and what is asked where nothing is to be done about it."""

PLAIN = "plain"
"""Fact of a problem: what its question begins with that stays in plain writing, such as rules that are told."""


class Reading:
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
        self.of = build_from(KINDS | {"explaining": Explaining}, name, of, options or {})
        self.verifier = self.of.verifier if solve else VerifierChoice(name="exact", options={"casefold": True})

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        """Problems number `start` to `start + n - 1` of the stream (split, seed)."""
        return [self._problem(own) for own in self.of.problems(split, seed=seed, n=n, start=start)]

    def size(self, split: str) -> int | None:
        """As of the domain that is read."""
        return self.of.size(split)

    def worked(self, problem: Problem) -> str | None:
        """What the text says, and what leads from there to the answer."""
        return problem.facts.get("worked")

    def _problem(self, own: Problem) -> Problem:
        words = WORDS.get(own.language, WORDS["en"])
        way = stream("reading", own.id, own.pair_id or "").choice(self.ways)
        plain = own.facts.get(PLAIN, "")
        text = own.question.removeprefix(plain)
        written = way.apply(_asking(own, text), strength=1.0, seed=0)
        asked = f"{plain}{written.question}"
        says = words["says"].format(text=text)
        if self.solve:
            worked = self.of.worked(own)
            return replace(_asking(written, asked), facts={**own.facts, "worked": worked and f"{says}\n{worked}"})
        only = _asking(written, f"{asked}\n{words['only']}")
        return replace(only, reference=text, facts={"worked": says})


def _asking(problem: Problem, text: str) -> Problem:
    """The same problem, with this as its last message."""
    return replace(problem, messages=(*problem.messages[:-1], Message(role="user", content=text)))


def _way(name: str, way: str | Mapping[str, Any]) -> Attack:
    """Raises PonderError for a writing that is not there."""
    told = {"use": way} if isinstance(way, str) else dict(way)
    if not isinstance(told.get("use"), str):
        raise PonderError(f"{name}.ways: {way!r} has no `use`; give the kind of an attack")
    return attacks.build(told.pop("use"), told, name=f"{name}.ways")
