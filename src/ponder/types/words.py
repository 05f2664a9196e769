"""The words of ponder that are one of a few: how it ended, what it is for, how it was asked; and a user's mistake."""

from __future__ import annotations

from enum import StrEnum


class PonderError(ValueError):
    """A user's mistake: one line that names the field, the value and the remedy.

    The command line prints it without a traceback and exits with status 2.
    """


class Outcome(StrEnum):
    """How a completion ended: the policy's own doing."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    TRUNCATED = "truncated"


class Status(StrEnum):
    """How a verification ended: the verifier's own doing."""

    JUDGED = "judged"
    UNPARSEABLE = "unparseable"
    TIMEOUT = "timeout"
    ERROR = "error"


class Role(StrEnum):
    """What a verdict is for: only PAY becomes reward."""

    PAY = "pay"
    GOLD = "gold"
    WATCH = "watch"
    FILTER = "filter"


class Mode(StrEnum):
    """How the policy is asked to think."""

    FREE = "free"
    """It thinks or not, as it likes."""
    FORCED = "forced"
    """The thinking block is opened for it."""
    FEWSHOT = "fewshot"
    """Solved examples stand before the question; it thinks or not, as it likes."""
    NONE = "none"
    """An empty thinking block stands before its answer."""
    FILLER = "filler"
    """A thinking block full of meaningless marks stands before its answer: as many tokens, no thought."""
    CORRUPTED = "corrupted"
    """It thinks, one state of its thinking is changed, and it goes on from there."""
    TRANSLATED = "translated"
    """The thinking block is opened for it, and the question asks it to think in another language than its own."""
    BUDGET = "budget"
    """The thinking block is opened for it, and how long it thinks is bounded."""


THINK_IN: dict[str, str] = {"en": "Think in English.", "ja": "日本語で考えてください。"}
"""What asks for thinking in a language, by ISO 639-1 code."""
IT_SAYS: dict[str, str] = {"en": "It says: {text}", "ja": "書いてあること：{text}"}
"""How worked thinking says a question again before it sets about it, by ISO 639-1 code."""


class Tier(StrEnum):
    """What training saw of a domain."""

    TRAINED = "trained"
    """Reinforcement learning saw it."""
    DEEPER = "deeper"
    """Training saw it with fewer steps."""
    TRANSLATED = "translated"
    """Training saw it in another language."""
    SHOWN = "shown"
    """Only the cold start saw it, or what made the model."""
    UNSEEN = "unseen"
    """No stage saw it."""
