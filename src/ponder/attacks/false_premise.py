"""Claims before the question that are not true; what is asked stays what it was."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ponder.attacks.text import Blow, TextAttack, check_within

SUMS = {"en": "Everybody knows that {a} + {b} = {wrong}.", "ja": "{a} + {b} = {wrong}なのは誰でも知っています。"}
ANSWERS = {"en": "A friend is sure that the answer is {wrong}.", "ja": "友人は答えが{wrong}だと言い切っています。"}
NUMBER = re.compile(r"(?<![\w.])\d{1,4}(?![\w.]*\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FalsePremise(TextAttack):
    """False sums, of the text's own numbers where it has two, then the text. Strength: how many, of `claims`.

    Where the right answer is a whole number, the last claim is a wrong one in its place.
    """

    claims: int = 4
    """Claims at full strength."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_within(f"{self.name}.claims", self.claims, 1, 100)

    def turns(self, text: str, blow: Blow) -> list[str]:
        """The claims, then the text."""
        numbers = sorted({int(found) for found in NUMBER.findall(text)})
        known, answer = (
            numbers if len(numbers) > 1 else range(1, 10),
            re.fullmatch(r"-?\d{1,9}", blow.reference.strip()),
        )
        claims = list[str]()
        for _ in range(blow.count(self.claims)):
            a, b = blow.rng.sample(known, 2)
            claims.append(blow.words(SUMS).format(a=a, b=b, wrong=a + b + blow.rng.randint(1, 9)))
        if answer:
            off = blow.rng.choice((-2, -1, 1, 2))
            claims[-1] = blow.words(ANSWERS).format(wrong=int(answer[0]) + off)
        gap = " " if claims[0].isascii() else ""
        return [f"{gap.join(claims)}\n{text}"]
