"""Another domain's problems in writings that have to be read first: what says them out, and then goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ponder import attacks, specs
from ponder.domains.explaining import Explaining
from ponder.domains.kinds import KINDS, build_from
from ponder.streams import stream
from ponder.types import Attack, Message, PonderError, Problem, VerifierChoice

WORDS = {
    "en": {"says": "It says: {text}", "only": "Only write out what it says."},
    "ja": {"says": "書いてあること：{text}", "only": "書いてあることだけを書いてください。"},
}
"""By language: how thinking begins, and what is asked where nothing is to be done about it."""


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
        spec: str | None = None,
    ) -> None:
        """`of`: kind of the domain that is read, with its `options`; `ways`: kinds of attacks, or tables with `use`.

        `spec`: name of a shipped one or a path, which stands before the text on one line, and in plain writing.
        """
        self.name, self.solve = name, solve
        self.ways = [_way(name, way) for way in ways]
        if not self.ways:
            raise PonderError(f"{name}.ways: names no writing; give kinds of attacks")
        self.of = build_from(KINDS | {"explaining": Explaining}, name, of, options or {})
        self.rules = specs.load(spec).brief() if spec else ""
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
        way = stream("reading", own.id, own.pair_id).choice(self.ways)
        written = way.apply(own, strength=1.0, seed=0)
        says = words["says"].format(text=own.question)
        *before, last = written.messages
        text = f"{self.rules} {last.content}" if self.rules else last.content
        if self.solve:
            worked = self.of.worked(own)
            facts = {**own.facts, "worked": worked and f"{says}\n{worked}"}
            return replace(written, messages=(*before, Message(role="user", content=text)), facts=facts)
        asked = Message(role="user", content=f"{text}\n{words['only']}")
        return replace(written, messages=(*before, asked), reference=own.question, facts={"worked": says})


def _way(name: str, way: str | Mapping[str, Any]) -> Attack:
    """Raises PonderError for a writing that is not there."""
    told = {"use": way} if isinstance(way, str) else dict(way)
    if not isinstance(told.get("use"), str):
        raise PonderError(f"{name}.ways: {way!r} has no `use`; give the kind of an attack")
    return attacks.build(told.pop("use"), told, name=f"{name}.ways")
