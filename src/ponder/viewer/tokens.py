"""A completion token by token: its text by the run's own tokenizer, and how sure the policy was of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from ponder.report.text import escape
from ponder.viewer.opened import Opened

STEPS = (0.9, 0.5, 0.1, 0.01)
"""Least probabilities of the colours, surest first; the last colour is below all of them."""
MOST = 4_000
"""Tokens that are shown before `whole` is asked for."""
LONGEST = 8
"""Tokens that can make one character together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The fewest tokens that are whole characters."""

    text: str
    """What they say."""
    logprobs: tuple[float, ...]
    """Of each of them."""
    forced: bool
    """Whether one of them was put there and not drawn."""

    @property
    def step(self) -> int:
        """Its colour: 0 for the surest, by the least probability of its tokens."""
        least = math.exp(min(0.0, *self.logprobs)) if self.logprobs else 1.0
        return sum(least < step for step in STEPS)


def tokenizer(run: Opened) -> Tokenizer | None:
    """The tokenizer of the newest checkpoint that has one that can be read."""
    for path in sorted(run.path.glob("checkpoints/*/tokenizer.json"), reverse=True):
        if found := _load(path):
            return found
    return None


def _load(path: Path) -> Tokenizer | None:
    try:
        return Tokenizer.from_file(str(path))
    except Exception:  # tokenizers raises nothing narrower for a file that is cut short
        return None


def pieces(words: Tokenizer, tokens: Sequence[int], logprobs: Sequence[float], forced: Sequence[int]) -> list[Piece]:
    """The tokens in order, those joined that only together are whole characters."""
    found: list[Piece] = []
    start, put = 0, frozenset(forced)
    for end in range(1, len(tokens) + 1):
        text = _said(words, tokens, start, end)
        if text.endswith("\ufffd") and end - start < LONGEST and end < len(tokens):
            continue
        drawn = tuple(logprobs[start:end])
        found.append(Piece(text=text, logprobs=drawn, forced=not put.isdisjoint(range(start, end))))
        start = end
    return found


def _said(words: Tokenizer, tokens: Sequence[int], start: int, end: int) -> str:
    """What these tokens say after the one before them, whose company decides about a leading space."""
    before = max(0, start - 1)
    context = words.decode(list(tokens[before:start]), skip_special_tokens=False)
    both = words.decode(list(tokens[before:end]), skip_special_tokens=False)
    return both[len(context) :] if both.startswith(context) else words.decode(list(tokens[start:end]))


def coloured(found: Sequence[Piece]) -> str:
    """Pieces as HTML: a colour each, and its probability to point at."""
    return "".join(map(_span, found))


def _span(piece: Piece) -> str:
    chances = " ".join(_percent(math.exp(each)) for each in piece.logprobs)
    kind, told = f"p{piece.step}", chances
    if piece.forced:
        kind, told = f"{kind} forced", "put there, not drawn"
    return f'<span class="{kind}" title="{told}">{escape(piece.text)}</span>'


def _percent(chance: float) -> str:
    return f"{chance:.0%}" if chance >= 0.1 else f"{chance:.1%}" if chance >= 0.001 else "below 0.1%"


def legend() -> str:
    """What the colours mean."""
    labels = ["90% and more", "50%", "10%", "1%", "less"]
    keys = "".join(f'<li><span class="p{step}">{label}</span></li>' for step, label in enumerate(labels))
    return f'<ul class="scale">{keys}<li><span class="p0 forced">put there</span></li></ul>'
