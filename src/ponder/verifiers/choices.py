"""Which of the given choices a text names."""

from __future__ import annotations

import re
from collections.abc import Sequence

_AROUND = " \t\r\n()[]{}.,:;!*_'\"`"
_LABELLED = re.compile(r"\(?\s*(\w)\s*[).:]\s+(\S.*)", re.DOTALL)


def canonical(text: str) -> str:
    """`(A)`, `A.` and `a` as the same text."""
    return text.strip(_AROUND).casefold()


def the_choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that `text` is (`(A)`, `A.`, `yes`, `(A) the red one`), in canonical form; None for any other text."""
    known = {canonical(choice) for choice in choices}
    if canonical(text) in known:
        return canonical(text)
    labelled = _LABELLED.fullmatch(text.strip())
    if labelled is None or canonical(labelled[1]) not in known:
        return None
    others = named(labelled[2], choices) - {canonical(labelled[1])}
    return None if others else canonical(labelled[1])


def named(text: str, choices: Sequence[str]) -> set[str]:
    """All choices that stand in `text` as words, in canonical form; a letter counts as a capital or in brackets."""
    return {canonical(match[0]) for match in _mentions(choices).finditer(text)}


def last_choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that the last line with any names; None where that line names several."""
    for line in reversed(text.splitlines()):
        found = named(line, choices)
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _mentions(choices: Sequence[str]) -> re.Pattern[str]:
    known = sorted({canonical(choice) for choice in choices}, key=len, reverse=True)
    return re.compile("|".join(_mention(choice) for choice in known))


def _mention(choice: str) -> str:
    if len(choice) == 1 and choice.isalpha():
        return rf"(?<!\w){re.escape(choice.upper())}(?!\w)|\({re.escape(choice)}\)"
    return rf"(?<!\w)(?i:{re.escape(choice)})(?!\w)"
