"""A question with Japanese around it; itself it stays in its language, since a translation is a domain of its own."""

from __future__ import annotations

from dataclasses import dataclass

from ponder.attacks.text import Blow, TextAttack

SENTENCES = (
    "友人から質問が届きました。",
    "まず全体をよく読んでください。",
    "言葉の意味に気をつけてください。",
    "急がなくてもかまいません。",
)
FRAME = "{sentences}次の質問に、質問と同じ言語で答えてください。\n{text}\n以上です。よろしくお願いします。"


@dataclass(frozen=True, slots=True, kw_only=True)
class JapaneseFrame(TextAttack):
    """Instructions in Japanese before and after the text. Strength: the share of `SENTENCES` that stand before it."""

    def turns(self, text: str, blow: Blow) -> list[str]:
        """The text in its frame."""
        sentences = "".join(SENTENCES[i] for i in blow.some(len(SENTENCES)))
        return [FRAME.format(sentences=sentences, text=text)]
