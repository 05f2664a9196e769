"""Thinking with one state changed: does what follows go by it?

An intervention on the chain of thought (arXiv:2307.13702): the policy's own thinking up to a line, the line's last item
replaced, and the policy goes on from there. An answer that stays right was not computed by the thinking.
"""

from __future__ import annotations

import re
from random import Random

ITEM = re.compile(r"-?\d+(?:\.\d+)?|[^\W\d_]+")
"""A number or a word."""


def corrupted(thinking: str, random: Random) -> str | None:
    """The lines up to one of them, whose last item is another; None where no line has an item to change.

    Any line but the last can be it, so that something is left to follow; where there is only one, it is that.
    A number becomes another of as many digits; a letter changes places with the one before it, so that a row stays a
    row; a word becomes another one of the thinking, one that ends a line where there is one.
    """
    lines = [line for line in thinking.splitlines() if ITEM.search(line)]
    if not lines:
        return None
    at = random.randrange(max(1, len(lines) - 1))
    changed = _changed(lines[at], lines, random)
    return None if changed is None else "\n".join([*lines[:at], changed])


def _changed(line: str, lines: list[str], random: Random) -> str | None:
    *before, last = ITEM.finditer(line)
    if _is_number(last[0]):
        return _put(line, last.span(), another_number(last[0], random))
    if before and len(last[0]) == len(before[-1][0]) == 1 and last[0] != before[-1][0]:
        return _put(_put(line, last.span(), before[-1][0]), before[-1].span(), last[0])
    found = [[item for item in ITEM.findall(one) if not _is_number(item)] for one in lines]
    for words in ([items[-1] for items in found if items], [item for items in found for item in items]):
        if choices := sorted(set(words) - {last[0]}):
            return _put(line, last.span(), random.choice(choices))
    return None


def _is_number(item: str) -> bool:
    return item.lstrip("-")[:1].isdigit()


def another_number(text: str, random: Random) -> str:
    """A number of as many digits that is another one."""
    digit = random.randrange(len(text))
    while not text[digit].isdigit():
        digit = random.randrange(len(text))
    choices = [d for d in "0123456789" if d != text[digit]]
    return text[:digit] + random.choice(choices) + text[digit + 1 :]


def _put(line: str, span: tuple[int, int], text: str) -> str:
    return line[: span[0]] + text + line[span[1] :]
