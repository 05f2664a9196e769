"""Which clauses a text names."""

from __future__ import annotations

import re
from collections.abc import Iterable


def cited(text: str, clauses: Iterable[str]) -> tuple[str, ...]:
    """The clauses whose ids a text names, in the order in which it last does.

    An id that is part of a longer one is not named; Japanese may stand right beside one.
    """
    places = {clause: [match.start() for match in re.finditer(_pattern(clause), text, re.ASCII)] for clause in clauses}
    return tuple(sorted((clause for clause in places if places[clause]), key=lambda clause: places[clause][-1]))


def _pattern(clause: str) -> str:
    return rf"(?<![\w.-]){re.escape(clause)}(?!\.?[\w-])"
