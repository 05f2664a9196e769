"""Where in the text after the thinking block the answer stands: the one place that decides it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ponder.verifiers.choices import last_choice, named, the_choice
from ponder.verifiers.numbers import last_number, parse_number

LONGEST_LINE = 1_000
"""Characters that a bare one-line answer can have."""
LONGEST_BLOCK = 10_000
"""Characters that a bare answer of several lines can have."""

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_BRACES = re.compile(r"\\boxed\s*\{|\\.|[{}]", re.DOTALL)
_PHRASE = re.compile(r"\banswer\s*(?:is|:|=)[ \t:]*(\S.*?)(?=\.\s|\.?$)", re.IGNORECASE | re.MULTILINE)


class Kind(StrEnum):
    """What an answer is expected to look like."""

    TEXT = "text"
    """One line."""
    BLOCK = "block"
    """Any number of lines."""
    NUMBER = "number"
    """A number."""
    CHOICE = "choice"
    """One of the given choices."""
    MATHS = "maths"
    """One line of plain or LaTeX mathematics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """An answer and how it was found."""

    rule: str
    """The rule that matched, in words."""
    text: str
    """The answer itself, stripped."""

    def __str__(self) -> str:
        return f"{self.rule}: {clip(self.text)}"


def extract(answer: str, *, lenient: bool, kind: Kind, choices: Sequence[str] = ()) -> Extracted | None:
    """The answer in `answer`, the text after the thinking block, by the first rule that matches; None if none does.

    1. answer tag: the last `<answer>...</answer>`
    2. box: the last `\\boxed{...}`
    3. (lenient) phrase: `the answer is X`
    4. whole text, where it looks like `kind`
    5. (lenient) last number, last choice or last line, by `kind`
    """
    text = _after_thinking(answer).strip()
    for rule, found in _candidates(text, lenient, kind, choices):
        if found is not None and found.strip():
            return Extracted(rule=rule, text=found.strip())
    return None


def clip(text: str, most: int = 80) -> str:
    """`text` quoted for an explanation, cut after `most` characters."""
    return repr(text if len(text) <= most else text[:most] + "…")


def _candidates(text: str, lenient: bool, kind: Kind, choices: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    yield "answer tag", _tagged(text)
    yield "box", _boxed(text)
    if lenient:
        yield "phrase", _phrased(text, kind, choices)
    yield "whole text", text if _fits(text, kind, choices) else None
    if lenient:
        yield _last(text[-LONGEST_BLOCK:], kind, choices)


def _after_thinking(text: str) -> str:
    """Without a thinking block that strayed into the answer, closed or not."""
    return text.rpartition("</think>")[2].partition("<think>")[0]


def _tagged(text: str) -> str | None:
    """Inside of the last closed tag; a box that is all of it is opened too."""
    opened: int | None = None
    found: str | None = None
    for match in _TAG.finditer(text):
        if match[1] and opened is not None:
            found, opened = text[opened : match.start()].strip(), None
        elif not match[1]:
            opened = match.end()
    whole_box = found is not None and found.startswith("\\boxed") and found.endswith("}")
    return _boxed(found) if found and whole_box else found


def _boxed(text: str) -> str | None:
    """Inside of the `\\boxed{...}` that starts last among those whose braces balance."""
    opened: list[int | None] = []
    best: tuple[int, int] | None = None
    for match in _BRACES.finditer(text):
        if match[0].startswith("\\boxed"):
            opened.append(match.end())
        elif match[0] == "{":
            opened.append(None)
        elif match[0] == "}" and opened:
            start = opened.pop()
            if start is not None and (best is None or start > best[0]):
                best = (start, match.start())
    return text[slice(*best)] if best else None


def _phrased(text: str, kind: Kind, choices: Sequence[str]) -> str | None:
    found = _PHRASE.findall(text[-LONGEST_BLOCK:])
    return _narrow(found[-1], kind, choices) if found else None


def _narrow(phrase: str, kind: Kind, choices: Sequence[str]) -> str | None:
    """What of `phrase` is of the kind that is looked for."""
    phrase = phrase.strip("*` ")
    if kind is Kind.NUMBER:
        return last_number(phrase)
    if kind is Kind.CHOICE:
        only = named(phrase, choices)
        return the_choice(phrase, choices) or (only.pop() if len(only) == 1 else None)
    return phrase


def _fits(text: str, kind: Kind, choices: Sequence[str]) -> bool:
    return _LOOKS[kind](text, choices)


def _one_line(text: str, _: Sequence[str]) -> bool:
    return len(text) <= LONGEST_LINE and len(text.splitlines()) <= 1


_LOOKS: dict[Kind, Callable[[str, Sequence[str]], bool]] = {
    Kind.TEXT: _one_line,
    Kind.MATHS: _one_line,
    Kind.BLOCK: lambda text, _: len(text) <= LONGEST_BLOCK,
    Kind.NUMBER: lambda text, _: parse_number(text) is not None,
    Kind.CHOICE: lambda text, choices: len(text) <= LONGEST_LINE and the_choice(text, choices) is not None,
}


def _last(text: str, kind: Kind, choices: Sequence[str]) -> tuple[str, str | None]:
    if kind is Kind.NUMBER:
        return "last number", last_number(text)
    if kind is Kind.CHOICE:
        return "last choice", last_choice(text, choices)
    return "last line", text.splitlines()[-1] if text else None
