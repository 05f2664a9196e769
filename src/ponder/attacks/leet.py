"""Letters replaced by digits and signs that look like them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ponder.attacks.text import Blow, TextAttack

LOOKS = {
    "a": "4@",
    "b": "8",
    "e": "3€",
    "g": "9",
    "i": "1!",
    "l": "1|",
    "o": "0",
    "s": "5$",
    "t": "7+",
    "z": "2",
}
"""Letter -> what looks like it."""
PLACE = re.compile(rf"[{''.join(LOOKS)}{''.join(LOOKS).upper()}](?:(?<=[^\W\d_][^\W\d_])|(?=[^\W\d_]))")
"""Such a letter beside another letter: one alone may be a name or a word, and as a digit it would be a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leet(TextAttack):
    """`apples` as `4pp1e$`. Strength: the share of the letters with a look-alike that are replaced by one."""

    def turns(self, text: str, blow: Blow) -> list[str]:
        """The text with some letters replaced."""
        places = [place.start() for place in PLACE.finditer(text)]
        letters = list(text)
        for i in blow.some(len(places)):
            letters[places[i]] = blow.rng.choice(LOOKS[text[places[i]].lower()])
        return ["".join(letters)]
