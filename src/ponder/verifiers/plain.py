"""Which plain numbers are equal, and which math-verify finds equal, told without asking it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from ponder.verifiers.numbers import parse_number

ROUNDED = Fraction(2, 10**6)
"""Decimals further apart than this are never rounded to the same: math-verify keeps six places."""
HIDDEN = Fraction(1, 10**9)
"""As a share of the larger number, far more than what the fifteen digits of its decimals can hide."""

_ASSIGNED = re.compile(r"^[A-Za-z]\s*=\s*(?=[^,]*$)")
_PER_CENT = re.compile(r"%[\s.$]*$")
_SIMPLE = re.compile(r"[0-9]+(?:\s?\\?%|/[0-9]+)?|\\[dt]?frac\{[0-9]+\}\{[0-9]+\}")


class _Number(NamedTuple):
    """A number as it is written."""

    written: Fraction
    """Without regard to a per cent sign."""
    per_cent: bool
    """Whether a per cent sign follows."""
    exact: bool
    """Whether math-verify keeps it exactly, as whole numbers and ratios, and not as a decimal."""
    simple: bool
    """Whether math-verify surely reads the same: it is at odds with signs and commas beside a per cent sign."""

    @property
    def value(self) -> Fraction:
        """What it comes to."""
        return self.written / 100 if self.per_cent else self.written


def same_number(answer: str, reference: str) -> bool | None:
    """Whether both are plain numbers that are equal or not; None where only math-verify can tell.

    Like math-verify this takes `x = 5` for 5, and `50%` for 1/2 and, beside a whole number, also for 50.
    """
    if (wanted := _read(reference)) is None or (found := _read(_ASSIGNED.sub("", answer))) is None:
        return None
    if found.per_cent or wanted.per_cent:
        return _same_per_cent(found, wanted)
    return found.value == wanted.value or _unless_rounded(found, wanted)


def _same_per_cent(found: _Number, wanted: _Number) -> bool | None:
    whole = found.exact and wanted.exact and found.written.denominator == wanted.written.denominator == 1
    if found.value == wanted.value or (whole and found.written == wanted.written):
        return True if found.simple and wanted.simple else None
    return _unless_rounded(found, wanted)


def _unless_rounded(found: _Number, wanted: _Number) -> bool | None:
    """Of different numbers: False, or None where rounding may make them equal."""
    one, other = found.value, wanted.value
    apart = abs(one - other) > max(ROUNDED, HIDDEN * max(abs(one), abs(other)))
    return False if apart or (found.exact and wanted.exact) else None


def _read(text: str) -> _Number | None:
    written = parse_number(text)
    if written is None:
        return None
    return _Number(
        written=written,
        per_cent=_PER_CENT.search(text) is not None,
        exact="." not in text.rstrip(". $"),
        simple=_SIMPLE.fullmatch(text) is not None,
    )
