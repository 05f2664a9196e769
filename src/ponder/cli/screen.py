"""Where a command prints, and text from models and files made harmless for a terminal."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

WIDTH = 100
"""Columns where there is no terminal to ask."""


def people(*, as_json: bool) -> Console:
    """The console for people: standard output, or standard error where that belongs to a JSON object."""
    stream = sys.stderr if as_json else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDTH, highlight=False)


def say(console: Console, text: str, *, style: str = "") -> None:
    """A line as it is: no markup, and not wrapped."""
    console.print(Text(text, style=style), soft_wrap=True)


def print_json(value: Any) -> None:
    """The one object on standard output."""
    print(json.dumps(value, indent=1))


def visible(text: str, *, most: int | None = None) -> str:
    """`text` on one line, cut after `most` characters; what would steer a terminal is shown by its code point."""
    line = " ".join(text.split())
    cut = line if most is None or len(line) <= most else line[:most] + "…"
    return "".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in cut)
