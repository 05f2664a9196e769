"""A reply that a server sends piece by piece, as server-sent events, told as it comes and then put together.

What is put together is the body that would have come at once, so that it is read in one way (`ponder.engine.replies`);
where a server does not count what it sends so, each piece counts as a token. An event is one line.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from ponder.engine.replies import Body, Choice, Logprobs, Said, Usage, parse, read
from ponder.engine.wire import Trouble

Heard = Callable[[Mapping[str, Sequence[str]]], None]
"""Is told the pieces of all that is being written, those that began first first."""
DATA = b"data:"
"""What a line begins with that says something."""
DONE = b"[DONE]"
"""Said last."""
ASK: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
"""Fields of a request that is to be answered so, with what it took at the end."""
CANNOT = (400, 422, 501)
"""HTTP's statuses for servers that cannot."""


class Piece(BaseModel):
    """What a choice goes on with."""

    delta: Said | None = None
    """What is said now."""
    logprobs: Logprobs | None = None
    """None where the server does not tell."""
    finish_reason: str | None = None
    """None as long as it goes on."""

    @property
    def thought(self) -> str:
        """Thinking that is said now."""
        return (self.delta and (self.delta.reasoning or self.delta.reasoning_content)) or ""

    @property
    def said(self) -> str:
        """What else is said now."""
        return (self.delta and self.delta.content) or ""


class Event(BaseModel):
    """One event; only one choice is asked for."""

    choices: list[Piece] | None = None
    """None or empty where only the usage is told."""
    usage: Usage | None = None
    """With the last."""
    error: Any = None
    """Said by some in place of a choice."""


@dataclass(slots=True)
class Events:
    """Hears a response line by line."""

    heard: Callable[[str], None]
    """Is told each piece of text, thinking or not."""
    pieces: list[Piece] = field(default_factory=list)
    """Those that came."""
    usage: Usage | None = None
    """What it took."""
    error: Any = None
    """What went wrong behind a status of 200."""
    ended: bool = False
    """Whether the server said that it was all."""

    def line(self, line: bytes) -> bool:
        """Hear one line, if all of it came; whether there is more to hear."""
        said = line.removeprefix(DATA).strip()
        if not (line.startswith(DATA) and line.endswith(b"\n") and said):
            return True
        if said == DONE:
            self.ended = True
            return False
        event = read(Event, said)
        self.usage, self.error = event.usage or self.usage, event.error or self.error
        for piece in (event.choices or [])[:1]:
            self.pieces.append(piece)
            self.ended = self.ended or piece.finish_reason is not None
            if text := piece.thought or piece.said:
                self.heard(text)
        return True

    def body(self, data: bytes) -> Body:
        """All of the response, which was heard; Trouble where it broke off. A server may have sent it at once."""
        if self.error:
            return Body(error=self.error)
        if not (self.pieces or self.ended):
            return parse(data)
        if not self.ended:
            raise Trouble("the reply broke off")
        tokens = [token for piece in self.pieces for token in (piece.logprobs and piece.logprobs.content) or []]
        choice = Choice(
            message=Said(
                content="".join(piece.said for piece in self.pieces),
                reasoning="".join(piece.thought for piece in self.pieces) or None,
            ),
            logprobs=Logprobs(content=tokens),
            finish_reason=next((p.finish_reason for p in reversed(self.pieces) if p.finish_reason), None),
        )
        count = sum(bool(piece.thought or piece.said) for piece in self.pieces)
        return Body(choices=[choice] if self.pieces else [], usage=self.usage, pieces=count)


class Desk:
    """What is being written in many exchanges at a time; whoever hears of it is told one change after the other."""

    def __init__(self, heard: Heard) -> None:
        """`heard`: is told after each piece."""
        self._heard, self._written, self._lock = heard, dict[str, list[str]](), threading.Lock()

    @contextmanager
    def place(self, name: str) -> Iterator[Callable[[str], None]]:
        """What takes the pieces of one exchange, as long as it lasts; `name`: one that no other has at the time."""
        with self._lock:
            pieces = self._written[name] = []

        def add(piece: str) -> None:
            with self._lock:
                pieces.append(piece)
                self._heard({name: written for name, written in self._written.items() if written})

        try:
            yield add
        finally:
            with self._lock:
                self._written.pop(name, None)
