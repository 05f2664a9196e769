"""What math-verify says without our shortcuts: a handler for the pool's workers, and the shortcuts beside it."""

from __future__ import annotations

from math_verify import LatexExtractionConfig, parse, verify

from ponder.verifiers import maths_worker

LATEX = [LatexExtractionConfig(boxed_match_priority=-1)]


def judge(payload: tuple[str, str]) -> tuple[float, str]:
    """As `maths_worker.judge`, by math-verify alone."""
    answer, reference = (read(text) for text in payload)
    return float(verify(reference, answer, timeout_seconds=None, raise_on_error=True)), repr(answer)


def agree(payload: tuple[str, str]) -> tuple[float, str]:
    """1 where the worker, with its shortcuts, comes to the same value."""
    alone, said = judge(payload)
    return float(maths_worker.judge(payload)[0] == alone), f"{payload}: math-verify alone says {alone}, from {said}"


def read(text: str) -> list:
    return parse(f"${text}$", LATEX, parsing_timeout=None, raise_on_error=True)  # pyright: ignore[reportArgumentType]
