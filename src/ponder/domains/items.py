"""An item: what a domain draws, before it is numbered and becomes a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ponder.types import Message, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A question with its answer."""

    question: str
    """What is asked."""
    reference: str
    """A right answer, as a person would write it."""
    difficulty: float | None = None
    """Grows with the work it takes."""
    pair_id: str | None = None
    """Shared with the same item in another language."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a verifier or a worked solution needs besides; the key `worked` holds a worked solution, and
    `concluded` the answer that it comes to, where it may slip."""
    canonical: str = ""
    """What it says in whatever language, where that can be said; its translations are in one split by it."""

    @property
    def content(self) -> str:
        """What splits are disjoint by."""
        return self.canonical or self.question


def to_problem(item: Item, *, domain: str, split: str, place: tuple[int, int], language: str, suffix: str) -> Problem:
    """The problem at `place` (seed, index) of a domain's split; the suffix stands on a line of its own."""
    seed, index = place
    question = f"{item.question}\n{suffix}" if suffix else item.question
    return Problem(
        id=f"{domain}/{split}/{seed}/{index}",
        domain=domain,
        split=split,
        messages=(Message(role="user", content=question),),
        reference=item.reference,
        language=language,
        difficulty=item.difficulty,
        pair_id=item.pair_id,
        facts=item.facts,
    )
