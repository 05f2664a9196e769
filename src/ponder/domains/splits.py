"""Which split a content belongs to, and drawing an item of a split.

A split is a property of the content alone, so no content can stand in two splits, whatever the seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random

from ponder.domains.items import Item
from ponder.streams import stream
from ponder.types import PonderError

SPLITS = {"train": 0.8, "validation": 0.9, "test": 1.0}
"""Upper end of each split's share of the contents: .8, .1 and .1."""

TRIES = 10_000
"""Draws after which a family counts as having no item for a split."""


def content_hash(text: str) -> str:
    """16 hexadecimal digits of the text with its white space normalised."""
    return hashlib.sha256(" ".join(text.split()).encode(errors="replace")).hexdigest()[:16]


def split_of(text: str) -> str:
    """The one split that this content belongs to."""
    position = int(content_hash(text), 16) / 2**64
    return next(split for split, end in SPLITS.items() if position < end)


def check_split(split: str) -> None:
    """Refuse a split that nobody knows."""
    if split not in SPLITS:
        raise PonderError(f"split = {split!r}: must be one of {', '.join(SPLITS)}")


def draw(key: str, split: str, seed: int, index: int, make: Callable[[Random], Item | None]) -> Item:
    """Item number `index` of (key, split, seed): the first of its draws whose content falls into the split.

    `key` names what is drawn and how it is configured, never the label a recipe gives it. `make` may return None for
    a draw that came to nothing.
    """
    made = False
    for attempt in range(TRIES):
        item = make(stream(key, split, seed, index, attempt))
        if item is not None and split_of(item.content) == split:
            return item
        made = made or item is not None
    reason = "too few different items, widen its options" if made else "each came to nothing, change its options"
    raise PonderError(f"{key}: no item for split {split!r} in {TRIES} draws: {reason}")
