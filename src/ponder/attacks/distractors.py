"""True sentences that have nothing to do with the question (arXiv:2302.00093)."""

from __future__ import annotations

from dataclasses import dataclass

from ponder.attacks.text import Blow, TextAttack, among, check_within, places

FACTS = {
    "en": (
        "A week has 7 days.",
        "A spider has 8 legs.",
        "Water freezes at 0 degrees Celsius.",
        "A year has 12 months.",
        "A triangle has 3 sides.",
        "A piano has 88 keys.",
        "An hour has 60 minutes.",
        "The Earth goes round the Sun.",
        "Gold is heavier than iron.",
        "Bees make honey.",
    ),
    "ja": (
        "一週間は7日です。",
        "蜘蛛の足は8本です。",
        "水は摂氏0度で凍ります。",
        "一年は12か月です。",
        "三角形の辺は3本です。",
        "ピアノの鍵盤は88鍵です。",
        "一時間は60分です。",
        "地球は太陽の周りを回ります。",
        "金は鉄より重いです。",
        "蜂は蜜を作ります。",
    ),
}
"""True of everything that a problem might be about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distractors(TextAttack):
    """Facts before, between and after the sentences of the text. Strength: how many, of `facts`."""

    facts: int = 6
    """Facts at full strength, all different."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_within(f"{self.name}.facts", self.facts, 1, len(FACTS["en"]))

    def turns(self, text: str, blow: Blow) -> list[str]:
        """The text with facts in it."""
        known = blow.rng.sample(blow.words(FACTS), blow.count(self.facts))
        return [among(text, [(blow.rng.choice(places(text)), fact) for fact in known])]
