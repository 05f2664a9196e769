"""The words of a spec file: levels, marks of examples, what they weigh and how they are written."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How much a clause demands: MUST and SHOULD in a spec, the others in a rubric."""

    MUST = "must"
    """An answer that does not keep to it is wrong."""
    SHOULD = "should"
    """An answer keeps to it unless a clause that is a MUST, or the user, says otherwise."""
    ESSENTIAL = "essential"
    """An answer without it is not worth much."""
    IMPORTANT = "important"
    """An answer without it has a gap."""
    OPTIONAL = "optional"
    """An answer with it is better."""
    PITFALL = "pitfall"
    """A fault: an answer that meets it is worse."""


WEIGHTS = {Level.ESSENTIAL: 1.0, Level.IMPORTANT: 0.7, Level.OPTIONAL: 0.3, Level.PITFALL: -0.9}
"""What a criterion of a rubric weighs unless the file says otherwise (after arXiv:2507.17746)."""

IN_LANGUAGE = {
    "ja": {
        "must": "必須",
        "should": "推奨",
        "essential": "不可欠",
        "important": "重要",
        "optional": "任意",
        "pitfall": "減点",
        "good": "良い例",
        "bad": "悪い例",
    }
}
"""Language -> word -> how a file in that language writes it; a file in any language may write it in English."""

MEANINGS = {written: word for words in IN_LANGUAGE.values() for word, written in words.items()}
"""Word of another language -> what it means."""


def in_language(word: str, language: str) -> str:
    """A word as files in this language write it."""
    return IN_LANGUAGE.get(language, {}).get(word, word)


def meaning(written: str) -> str:
    """The word that is meant, whatever its language and case."""
    return MEANINGS.get(written, written.lower())
