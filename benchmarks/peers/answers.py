"""The `number` verifier once more, in a few lines, for peers whose environment does not hold ponder.

It reads an answer by the same strict rules, as far as a trained model's answers go; a test holds the two together.
"""

from __future__ import annotations

import re
from fractions import Fraction

_NUMBER = re.compile(r"[+-]?\$?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?%?")
_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


def right(text: str, reference: str) -> bool:
    """Whether the answer after the thinking is the reference: in a tag, in a box, or all of the text."""
    answer = text.rpartition("</think>")[2].partition("<think>")[0].strip()
    found = _TAGGED.findall(answer) or _BOXED.findall(answer) or [answer]
    value = _number(found[-1])
    return value is not None and value == _number(reference)


def _number(text: str) -> Fraction | None:
    text = text.strip().rstrip(".").strip()
    if not _NUMBER.fullmatch(text):
        return None
    return Fraction(re.sub(r"[,$%]", "", text))
