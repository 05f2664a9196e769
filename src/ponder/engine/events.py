"""A reply that a server sends piece by piece, as server-sent events, told as it comes and then put together.

What is put together is the body that would have come at once, so that it is read in one way (`ponder.engine.replies`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from ponder.engine.replies import Body, Choice, Logprobs, Said, Usage, parse, read
from ponder.engine.wire import Trouble

Heard = Callable[[Mapping[str, Sequence[str]]], None]
"""Is told the pieces of all that is being written, by the name of its stream."""
DATA = b"data:"
"""What a line of an event begins with that says something."""
DONE = b"[DONE]"
"""Said last."""
ASK: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
"""Fields of a request that is to be answered so, with what it took at the end."""


class Piece(BaseModel):
    """What a choice goes on with."""

    delta: Said = Field(default_factory=Said)
    """What is said now."""
    logprobs: Logprobs | None = None
    """None where the server does not tell."""
    finish_reason: str | None = None
    """None as long as it goes on."""


class Event(BaseModel):
    """One event; only one choice is asked for."""

    choices: list[Piece] = Field(default_factory=list)
    """Empty where only the usage is told."""
    usage: Usage | None = None
    """With the last."""
    error: Any = None
    """Said by some in place of an event."""


@dataclass(slots=True)
class Events:
    """Hears a response line by line."""

    heard: Callable[[str], None]
    """Is told each piece of text, thinking or not."""
    events: list[Event] = field(default_factory=list)
    """Those that came."""
    done: bool = False
    """Whether the server said that it was the last."""

    def line(self, line: bytes) -> None:
        """Hear one line; what is no event is left to `body`."""
        if not line.startswith(DATA):
            return
        said = line.removeprefix(DATA).strip()
        if said == DONE:
            self.done = True
            return
        event = read(Event, said)
        self.events.append(event)
        for piece in event.choices[:1]:
            text = _thought(piece.delta) or piece.delta.content
            if text:
                self.heard(text)

    def body(self, data: bytes) -> Body:
        """All of the response, which was heard; Trouble where it broke off. A server may have sent it at once."""
        if not self.events:
            return parse(data)
        pieces = [piece for event in self.events for piece in event.choices[:1]]
        ended = next((piece.finish_reason for piece in reversed(pieces) if piece.finish_reason), None)
        error = next((event.error for event in self.events if event.error), None)
        if not (ended or error or self.done):
            raise Trouble("the reply broke off")
        said = Said(
            content="".join(piece.delta.content or "" for piece in pieces),
            reasoning="".join(_thought(piece.delta) for piece in pieces) or None,
        )
        tokens = [token for piece in pieces for token in (piece.logprobs and piece.logprobs.content) or []]
        choice = Choice(message=said, logprobs=Logprobs(content=tokens), finish_reason=ended)
        usage = next((event.usage for event in reversed(self.events) if event.usage), None)
        return Body(choices=[choice] if pieces and not error else [], usage=usage, error=error)


class Desk:
    """What is being written in many exchanges at a time; whoever hears of it is told one change after the other."""

    def __init__(self, heard: Heard) -> None:
        """`heard`: is told after each piece."""
        self._heard, self._written, self._lock = heard, dict[str, list[str]](), threading.Lock()

    def begin(self, stream: str) -> None:
        """Nothing is written there yet, or no more of what was."""
        with self._lock:
            self._written[stream] = []

    def add(self, stream: str, piece: str) -> None:
        """It goes on."""
        with self._lock:
            self._written[stream].append(piece)
            self._heard(self._written)

    def end(self, stream: str) -> None:
        """It is written."""
        with self._lock:
            self._written.pop(stream, None)


def _thought(said: Said) -> str:
    return said.reasoning or said.reasoning_content or ""
