"""Numbers as people and models write them, read exactly."""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST = 400
"""Characters; a longer text is no number."""

_PLAIN = str.maketrans("０１２３４５６７８９．，－＋／％−–﹣⁄", "0123456789.,-+/%---/")
_WHOLE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_DECIMAL = rf"(?:{_WHOLE}(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,3}}(?![0-9]))?"
_LATEX = rf"\\[dt]?frac\s*\{{\s*([+-]?{_DECIMAL})\s*\}}\s*\{{\s*({_DECIMAL})\s*\}}"
_NUMBER = re.compile(rf"([+-]?)\s*(?:\\?[$€£¥])?\s*([+-]?)(?:{_LATEX}|({_DECIMAL})(?:\s*/\s*({_DECIMAL}))?)")
_ANYWHERE = re.compile(rf"(?<![\w.])[+-]?(?:\\?[$€£¥])?(?:{_LATEX}|{_DECIMAL}(?:\s?/\s?{_DECIMAL})?)", re.ASCII)


def parse_number(text: str) -> Fraction | None:
    """The number that `text` is, exactly, or None.

    Reads signs (the Unicode minus too), thousands commas, decimals, exponents, `a/b`, `\\frac{a}{b}`, full-width
    digits; drops a currency sign, a per cent sign, `$...$` and a trailing period. `50%` reads as 50.
    """
    if len(text) > LONGEST:
        return None
    match = _NUMBER.fullmatch(_bare(text))
    if match is None or (match[1] and match[2]):
        return None
    above, below = match[3] or match[5], match[4] or match[6] or "1"
    return _ratio(match[1] or match[2], above.replace(",", ""), below.replace(",", ""))


def last_number(text: str) -> str | None:
    """The last number written in `text`, without its commas and currency sign, or None."""
    found = [match[0] for match in _ANYWHERE.finditer(text.translate(_PLAIN))]
    return re.sub(r"[,$€£¥]|\\(?=[$€£¥])", "", found[-1]) if found else None


def _bare(text: str) -> str:
    text = text.translate(_PLAIN).strip().rstrip(".").strip()
    if len(text) > 1 and text[0] == text[-1] == "$":
        text = text[1:-1].strip()
    return re.sub(r"\s*\\?%$", "", text)


def _ratio(sign: str, above: str, below: str) -> Fraction | None:
    if Fraction(below) == 0:
        return None
    value = Fraction(above) / Fraction(below)
    return -value if sign == "-" else value
