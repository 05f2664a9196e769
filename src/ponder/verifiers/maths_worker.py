"""What `ponder.verifiers.maths` runs in its workers: the only importer of math-verify."""

from __future__ import annotations

import logging

from math_verify import LatexExtractionConfig, parse, verify

# math-verify warns at every start that its alarms are off; the pool's limit stands in for them.
logging.getLogger("math_verify").setLevel(logging.CRITICAL)


def judge(payload: tuple[str, str]) -> tuple[float, str]:
    """Whether (answer, reference), both bare mathematics, are equal; the explanation is the answer as it was read."""
    answer, reference = (_read(text) for text in payload)
    right = verify(reference, answer, timeout_seconds=None, raise_on_error=True)
    words = [part for part in answer if isinstance(part, str)]  # an expression can take for ever to print
    return float(right), f"read as {words[-1][:80]}" if words else "unreadable"


def _read(text: str) -> list:
    """All of `text` as one expression: neither prose around it nor a box inside counts."""
    only_latex = [LatexExtractionConfig(boxed_match_priority=-1)]
    return parse(f"${text}$", only_latex, parsing_timeout=None, raise_on_error=True)  # pyright: ignore[reportArgumentType]
