"""What stands between a row and its sampler: stop texts, and how long a completion thinks.

Marks and stop texts are looked for in the decoded text, because in most vocabularies they are several tokens, which can
merge with what stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ponder.model.thinking import Decode, Words
from ponder.types import SamplingParams, ThinkingLimits


class Phase(Enum):
    """Where in a completion a row stands."""

    BEFORE = "before"
    """The thinking block may still be opened."""
    INSIDE = "inside"
    """It is open."""
    AFTER = "after"
    """It is closed, or was never opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a row is to do after a token."""

    take_back: int = 0
    """Forget so many of its last tokens, the newest among them."""
    put: tuple[int, ...] = ()
    """Write these next, without drawing."""
    stop: str = ""
    """End here: this text stands there."""


GO_ON = Advice()
"""Nothing to do."""


class Guide:
    """One row's: hears every token and says what to do."""

    def __init__(self, params: SamplingParams, decode: Decode) -> None:
        self.stop, self.limits = params.stop, params.thinking or ThinkingLimits()
        self.words = Words(decode)
        self.start = 0
        """Position in the text at which the thinking begins."""
        self.phase = Phase.AFTER if params.thinking is None else Phase.BEFORE
        if self.phase is Phase.BEFORE and self.limits.opened:
            self.phase = Phase.INSIDE

    def begin(self) -> Advice:
        """Before anything is drawn."""
        if self.phase is Phase.INSIDE and self.limits.at_most == 0:
            return Advice(put=self.limits.closing)
        return GO_ON

    def hear(self, token: int, *, ends: bool, drawn: bool) -> Advice:
        """After a token; `ends`: it is an end of turn, `drawn`: it was not put there."""
        before = len(self.words.text)
        self.words.add(token)
        if self.phase is Phase.BEFORE:
            self._look_for_opening()
        if self.phase is Phase.INSIDE:
            advice = self._think(before, ends=ends, drawn=drawn)
            if advice.take_back:
                self.words.drop(advice.take_back)
            if advice is not GO_ON:
                return advice
        return self._stopped(before)

    def _look_for_opening(self) -> None:
        text = self.words.text
        begun = text.lstrip()
        if begun.startswith(self.limits.open):
            self.phase, self.start = Phase.INSIDE, len(text) - len(begun) + len(self.limits.open)
        elif not self.limits.open.startswith(begun):
            self.phase = Phase.AFTER

    def _think(self, before: int, *, ends: bool, drawn: bool) -> Advice:
        """Inside the block, of whose text all but what came since `before` has been looked at."""
        words, limits = self.words, self.limits
        mark = words.text.find(limits.close, max(self.start, before - len(limits.close) + 1))
        if mark < 0 and not ends:
            return self._close() if drawn else GO_ON
        written = words.beyond(self.start) - (1 if mark < 0 else words.since(mark))
        inside = 0 if mark == self.start else written
        if drawn and inside < limits.at_least:
            return self._resume(1 if mark < 0 else words.beyond(mark))
        self.phase = Phase.AFTER
        return GO_ON

    def _resume(self, taken: int) -> Advice:
        """The block was closed too early: what closed it goes, and no more is put there than may be."""
        written = self.words.beyond(self.start) - taken
        room = len(self.limits.resume) if self.limits.at_most is None else self.limits.at_most - written
        return Advice(take_back=taken, put=self.limits.resume[:room])

    def _close(self) -> Advice:
        """Close the block where the thinking is long enough, unless it is being closed already."""
        if self.limits.at_most is None or self._closing():
            return GO_ON
        over = self.words.beyond(self.start) - self.limits.at_most
        return GO_ON if over < 0 else Advice(take_back=min(over, self.words.since(self.start)), put=self.limits.closing)

    def _closing(self) -> bool:
        """Whether the text ends with the beginning of the closing mark."""
        mark, text = self.limits.close, self.words.text[self.start :]
        return any(text.endswith(mark[:size]) for size in range(1, len(mark)))

    def _stopped(self, before: int) -> Advice:
        """Whether a stop text has come to stand there; of several the one that begins first."""
        places = {}
        for text in self.stop:
            place = self.words.text.find(text, max(0, before - len(text) + 1))
            if place >= 0:
                places[text] = place
        return Advice(stop=min(places, key=lambda text: places[text])) if places else GO_ON
