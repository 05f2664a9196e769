"""What `ponder.verifiers.maths` runs in its workers: the only importer of math-verify.

Its parser takes milliseconds even for `5`, so what is read at a glance, after its own normalisation, goes round it.
"""

from __future__ import annotations

import functools
import logging
import re
from typing import Any

import sympy
from latex2sympy2_extended.latex2sympy2 import normalize_latex
from math_verify import LatexExtractionConfig, parse, verify

# math-verify warns at every start that its alarms are off; the pool's limit stands in for them.
logging.getLogger("math_verify").setLevel(logging.CRITICAL)

READ = 4096
"""Texts whose reading is remembered: a reference is read once for all its answers."""

_LATEX = LatexExtractionConfig(boxed_match_priority=-1)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_AMOUNT = r"-?[1-9][0-9]*(?:,[0-9]{3})*(?:\.[0-9]+)?(?:/[1-9][0-9]*)?"
_WORDY = re.compile(rf"{_AMOUNT}\s*(?=[a-z ]{{3}})[a-z ]*[a-df-hj-oq-z][a-z ]*")


def judge(payload: tuple[str, str]) -> tuple[float, str]:
    """Whether (answer, reference), both bare mathematics, are equal; the explanation is the answer as it was read."""
    answer, reference = payload
    wanted, written = _read(reference), _normal(answer)
    if _WORDY.fullmatch(written) and isinstance(next(iter(wanted), None), sympy.Number):
        return 0.0, f"read as {written[:80]}"  # a product of letters, whatever they are, is no number
    found = _read(answer)
    right = verify(wanted, found, timeout_seconds=None, raise_on_error=True)
    words = [part for part in found if isinstance(part, str)]  # an expression can take for ever to print
    return float(right), f"read as {words[-1][:80]}" if words else "unreadable"


@functools.lru_cache(maxsize=READ)
def _read(text: str) -> list[Any]:
    """All of `text` as one expression: neither prose around it nor a box inside counts."""
    normal = _normal(text)
    if _NUMBER.fullmatch(normal):
        return [sympy.Float(normal) if "." in normal else sympy.Integer(normal), normal]
    return parse(f"${text}$", [_LATEX], parsing_timeout=None, raise_on_error=True)  # pyright: ignore[reportArgumentType]


def _normal(text: str) -> str:
    """As math-verify would hand it to its parser: without units, among other things."""
    return normalize_latex(text, _LATEX.normalization_config)
