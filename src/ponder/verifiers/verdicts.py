"""Verdicts in the words that all verifiers use."""

from __future__ import annotations

from ponder.types import Status, Verdict
from ponder.verifiers.extract import Extracted, clip

NOTHING = "no answer found"
"""Explanation where no rule of extraction matched."""


def judged(name: str, found: Extracted | None, right: bool, reference: str) -> Verdict:
    """The verdict on an extracted answer; its explanation names the rule and what it found."""
    if found is None:
        return Verdict(verifier=name, value=0.0, explanation=NOTHING)
    relation = "is right" if right else f"is not {clip(reference)}"
    return Verdict(verifier=name, value=float(right), explanation=f"{found} {relation}")


def unable(name: str, why: str) -> Verdict:
    """The verdict of a verifier that cannot judge."""
    return Verdict(verifier=name, value=None, status=Status.ERROR, explanation=why)
