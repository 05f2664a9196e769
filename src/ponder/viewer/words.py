"""How one rollout is told in a few words, for every page that lists it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ponder.report.text import escape
from ponder.viewer.asked import Asked

Row = Mapping[str, Any]

LABELS = {
    "kind": "made for",
    "stage": "stage",
    "checkpoint": "weights",
    "domain": "domain",
    "tier": "tier",
    "language": "language",
    "attack": "attack",
    "mode": "thinking mode",
    "outcome": "outcome",
    "fault": "verifier failed",
    "reward": "reward",
    "gold": "reward against gold",
    "step": "step",
    "thinking": "thinking tokens",
    "length": "tokens",
    "text": "text",
    "problem": "problem",
    "pair": "item",
    "sort": "sorted by",
}
"""Filter -> its name on the page."""
LINE = 200
"""Characters of a text on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where the pages of this viewer stand."""

    base: str
    """Path that every address begins with, the token in it, without a slash at its end."""

    def listing(self, asked: Asked, **changes: Any) -> str:
        """The list in this state, with changes; ready for an attribute."""
        return attribute(f"{self.base}/{asked.link(**changes)}")

    def rollout(self, row: Row, asked: Asked, **changes: Any) -> str:
        """The page of one rollout, which remembers the list's state; ready for an attribute."""
        name = quote(_stem(row["path"]), safe="")
        state = asked.link(**({"page": asked.page} | changes))
        return attribute(f"{self.base}/rollout/{row['kind']}/{name}/{row['row']}{state}")


def attribute(text: str) -> str:
    """A text as the value of an attribute: whole, so that a form gives it back; NUL alone HTML cannot hold."""
    escaped = html.escape(text.replace("\0", "\ufffd"), quote=True)
    return "".join(each if each.isprintable() else f"&#{ord(each)};" for each in escaped)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".parquet")


def number(value: float | None) -> str:
    """A value in [0, 1] as it is read most easily: `1`, `0.43`, `·` for none."""
    if value is None:
        return "·"
    return f"{value:.0f}" if value in (0, 1) else f"{value:.2f}"


def fate(row: Row) -> str:
    """What became of a rollout, as badges."""
    badges = []
    if row["outcome"] != "answered":
        badges.append(_badge("wrong", escape(row["outcome"].replace("_", " "), limit=30)))
    if row["paid"] is None:
        badges.append(_badge("unknown", escape(row["fault"] or "not judged", limit=30)))
    elif row["outcome"] == "answered":
        badges.append(_badge("right" if row["paid"] >= 0.5 else "wrong", f"paid {number(row['paid'])}"))
    if _disputed(row):
        badges.append(_badge("disputed", f"gold {number(row['gold'])}"))
    return "".join(badges)


def _disputed(row: Row) -> bool:
    return None not in (row["paid"], row["gold"]) and (row["paid"] >= 0.5) != (row["gold"] >= 0.5)


def _badge(kind: str, word: str) -> str:
    return f'<span class="fate {kind}">{word}</span>'


def place(row: Row) -> str:
    """Where in the run a rollout stands: the step, or the weights that were measured."""
    if row["kind"] == "training":
        return f"{escape(row['stage'], limit=40)} step {row['step']}"
    mode = "" if row["mode"] == "free" else f", {escape(row['mode'], limit=30)}"
    return f"{escape(row['checkpoint'], limit=40)}{mode}, measured"


def attacked(row: Row) -> str:
    """The attack on a rollout's problem; empty without one."""
    return "" if row["attack"] == "none" else f"{escape(row['attack'], limit=40)} at {row['strength']:g}"


def line(text: str | None) -> str:
    """A text on one line, apart from the direction of what is around it."""
    told = " ".join((text or "").split())
    cut = told if len(told) <= LINE else told[:LINE] + "…"
    return f"<bdi>{escape(cut)}</bdi>"


def item(row: Row, asked: Asked, links: Links, *, kin: bool = False) -> str:
    """One rollout of a list, all of it a link; `kin`: of one problem, so what it thought stands in place of that."""
    facts = [place(row), attacked(row), _length(row)]
    told = facts if kin else [escape(row["domain"], limit=40), *facts]
    meta = "".join(f"<span>{fact}</span>" for fact in told if fact)
    return (
        f'<a class="rollout" href="{links.rollout(row, asked)}"><span class="fates">{fate(row)}</span>'
        f'<span class="said">{said(row, kin=kin)}</span><span class="meta">{meta}</span></a>'
    )


def said(row: Row, *, kin: bool) -> str:
    """What was asked, or with `kin` thought, and what was answered."""
    if row.get("answer") is None:
        return '<span class="answer none">its file cannot be read any more</span>'
    above = row["thinking"] if kin else row["question"]
    first = f'<span class="{"thought" if kin else "question"}">{line(above)}</span>' if above else ""
    answer = line(row["answer"]) if row["answer"] else "no answer"
    differs = row["reference"] and row["answer"].strip() != row["reference"].strip()
    right = f' <span class="wanted">right would be {line(row["reference"])}</span>' if differs else ""
    return f'{first}<span class="answer">{answer}{right}</span>'


def _length(row: Row) -> str:
    thought = f"{row['thinking_tokens']:,} thinking" if row["thinking_tokens"] else "no thinking"
    return f"{thought}, {row['completion_tokens']:,} tokens"
