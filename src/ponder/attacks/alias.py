"""Words under other names, which the text explains one by the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ponder.attacks.text import LETTERS, Blow, TextAttack, check_within

SAYS = {
    "en": {"means": "“{name}” means “{of}”.", "gap": " ", "all": "In what follows: {means}\n{text}"},
    "ja": {"means": "「{name}」は「{of}」のことです。", "gap": "", "all": "次の文では、{means}\n{text}"},
}
ONSETS, VOWELS = "bdfgklmnprtvz", "aiou"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias(TextAttack):
    """`bazo means key. limu means bazo. Ann asks for the limu.` Strength: how long the chains are, of `longest`."""

    words: int = 2
    """How many words of the text get other names: words of at least two letters that are not in the right answer."""
    longest: int = 4
    """Names in a chain at full strength."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_within(f"{self.name}.words", self.words, 1, 20)
        check_within(f"{self.name}.longest", self.longest, 1, 20)

    def turns(self, text: str, blow: Blow) -> list[str]:
        """The names explained, then the text with the last of each chain."""
        kept = LETTERS.findall(blow.reference.lower())
        words = (word for word in LETTERS.findall(text) if len(word) > 1 and word.lower() not in kept)
        known = list(dict.fromkeys(words))
        if not known:
            return [text]
        chosen = blow.rng.sample(known, min(self.words, len(known)))
        says, taken, chains = blow.words(SAYS), set[str](), {}
        for word in chosen:
            chains[word] = [word, *(name(text, taken, blow) for _ in range(blow.count(self.longest)))]
        links = [pair for chain in chains.values() for pair in pairwise(chain)]
        means = says["gap"].join(says["means"].format(name=later, of=earlier) for earlier, later in links)
        renamed = LETTERS.sub(lambda word: chains.get(word[0], [word[0]])[-1], text)
        return [says["all"].format(means=means, text=renamed)]


def name(text: str, taken: set[str], blow: Blow) -> str:
    """A made-up word that is neither in the text nor taken, which it then is."""
    while True:
        made = "".join(blow.rng.choice(ONSETS) + blow.rng.choice(VOWELS) for _ in range(2 + len(taken) // 20))
        if made not in text and made not in taken:
            taken.add(made)
            return made
