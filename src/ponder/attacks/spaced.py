"""Words torn apart by spaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from ponder.attacks.text import Blow, TextAttack

GAP = re.compile(r"(?<=[^\W\d_])(?=[^\W\d_])")
"""Between two letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spaced(TextAttack):
    """`apples` as `ap p les`. Strength: the share of the places between two letters that get a space."""

    def turns(self, text: str, blow: Blow) -> list[str]:
        """The text with some places filled."""
        gaps = [gap.start() for gap in GAP.finditer(text)]
        cuts = [0, *(gaps[i] for i in blow.some(len(gaps))), len(text)]
        return [" ".join(text[start:end] for start, end in pairwise(cuts))]
