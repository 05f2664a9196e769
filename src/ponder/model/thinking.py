"""Tokens and the text they make: where a mark stands, and how many tokens lie inside the thinking."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

Decode = Callable[[Sequence[int]], str]
"""Token ids -> their text, marks included."""
BROKEN = "\ufffd"
"""What half a character decodes to."""
LONGEST = 4
"""Bytes of a character at most: a text that ends in half of one does not wait longer."""


def inside(pieces: Sequence[str], open: str, close: str, opened: bool) -> tuple[int, bool]:
    """How many tokens lie inside the thinking block, and whether it is closed.

    `pieces`: the text that each token adds. A token lies inside when any of its characters stands after the opening
    mark and before the closing one, so one that joins letters across a mark counts; one that adds no text is the first
    bytes of the character that follows, and goes where that goes. Without `opened` (the prompt has opened the block)
    the opening mark must be the first thing said; where it is not, there is no block: 0 and False.
    """
    text = "".join(pieces)
    start = 0 if opened else len(text) - len(text.lstrip()) + len(open)
    if not opened and not text.lstrip().startswith(open):
        return 0, False
    mark = text.find(close, start)
    stop = len(text) if mark < 0 else mark
    ends = list(accumulate(map(len, pieces)))
    spans = zip([0, *ends], ends, strict=False)
    return sum(first < stop > start and max(last, first + 1) > start for first, last in spans), mark >= 0


@dataclass(slots=True)
class Words:
    """A row's tokens with the text up to the end of each; one that ends in half a character adds none yet."""

    decode: Decode
    tokens: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    text: str = ""
    settled: list[tuple[int, int]] = field(default_factory=list)

    def add(self, token: int) -> None:
        """One more token; only the last few are decoded again."""
        context, start = self.settled[-1] if self.settled else (0, 0)
        self.tokens.append(token)
        known, now = self.decode(self.tokens[context:start]), self.decode(self.tokens[context:])
        if len(now) > len(known) and not now.endswith(BROKEN):
            self.text += now[len(known) :]
            context, start = start, len(self.tokens)
        elif len(self.tokens) - start >= LONGEST:  # no character: what follows is decoded afresh
            self.text += now[len(known) :]
            context = start = len(self.tokens)
        self.ends.append(len(self.text))
        self.settled.append((context, start))

    @property
    def pieces(self) -> list[str]:
        """The text that each token adds."""
        return [self.text[first:last] for first, last in zip([0, *self.ends], self.ends, strict=False)]

    def drop(self, count: int) -> None:
        """Forget the last tokens."""
        for values in (self.tokens, self.ends, self.settled):
            del values[len(values) - count :]
        self.text = self.text[: self.ends[-1] if self.ends else 0]

    def since(self, position: int) -> int:
        """How many of the last tokens begin at this position of the text or after it."""
        return len(self.ends) - (bisect_left(self.ends, position) + 1 if position else 0)

    def beyond(self, position: int) -> int:
        """How many of the last tokens have a character after this position, or will have one."""
        return max(len(self.ends) - bisect_right(self.ends, position), self.since(position))
