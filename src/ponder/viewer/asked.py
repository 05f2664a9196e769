"""What a page is asked to show: filters, order, page. All of it stands in the address, so any state is a link."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

LONGEST = 500
"""Characters of one value that are read."""

REWARDS = {
    "full": ("full", "paid = 1"),
    "high": ("at least ½", "paid >= 0.5"),
    "low": ("below ½", "paid < 0.5"),
    "none": ("nothing", "paid = 0"),
    "lost": ("not judged", "paid is null"),
}
"""Choice of a reward -> its label and its condition."""
GOLDS = {
    "fooled": ("paid, but wrong", "paid >= 0.5 and gold < 0.5"),
    "missed": ("right, but not paid", "paid < 0.5 and gold >= 0.5"),
    "agrees": ("agree", "(paid >= 0.5) = (gold >= 0.5)"),
    "right": ("gold says right", "gold >= 0.5"),
    "wrong": ("gold says wrong", "gold < 0.5"),
    "absent": ("no gold", "gold is null"),
}
"""Choice of reward against gold -> its label and its condition."""
ORDERS = {
    "newest": ("latest weights", "-policy_version"),
    "oldest": ("earliest weights", "policy_version"),
    "thinks-most": ("most thinking", "-thinking_tokens"),
    "thinks-least": ("least thinking", "thinking_tokens"),
    "longest": ("longest", "-completion_tokens"),
    "shortest": ("shortest", "completion_tokens"),
    "paid-most": ("highest reward", "coalesce(-paid, 2)"),
    "paid-least": ("lowest reward", "coalesce(paid, 2)"),
    "disputed": ("furthest from gold", "coalesce(-abs(paid - gold), 2)"),
}
"""Order -> its label and the number that it goes by, least first."""
EXACT = ("kind", "stage", "checkpoint", "domain", "tier", "language", "attack", "mode", "outcome", "fault")
"""Filters by one value of the column of that name."""
RANGES = {"step": "step", "thinking": "thinking_tokens", "length": "completion_tokens"}
"""Filters by a range -> their column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which rollouts are shown, and how; an empty text asks for nothing."""

    kind: str = ""
    """`training` or `measured`."""
    stage: str = ""
    """Stage or suite that made them."""
    checkpoint: str = ""
    """Name of the weights."""
    domain: str = ""
    """Name of the domain."""
    tier: str = ""
    """What training saw of the domain."""
    language: str = ""
    """Code of the language."""
    attack: str = ""
    """Name of the attack."""
    mode: str = ""
    """How the policy was asked to think."""
    outcome: str = ""
    """`answered`, `no_answer` or `truncated`."""
    fault: str = ""
    """Status of the first verifier that failed."""
    reward: str = ""
    """Key of `REWARDS`."""
    gold: str = ""
    """Key of `GOLDS`."""
    step: str = ""
    """One number, or two such as `10-20`, `10-`, `-20`."""
    thinking: str = ""
    """Tokens of thinking, likewise."""
    length: str = ""
    """Tokens of the completion, likewise."""
    text: str = ""
    """Stands in the prompt, thinking or answer, whatever its case."""
    problem: str = ""
    """Id of a problem."""
    pair: str = ""
    """Id of an item in all of its languages."""
    sort: str = "newest"
    """Key of `ORDERS`."""
    page: int = 1
    """From 1."""
    think: str = ""
    """`1` unfolds the thinking of a rollout."""
    colour: str = ""
    """`1` colours the tokens of a rollout."""
    whole: str = ""
    """`1` shows long texts whole."""

    @classmethod
    def parse(cls, query: str) -> tuple[Self, list[str]]:
        """What a query string asks for, and a line for each value that is left out because nobody can read it."""
        known = {each.name for each in fields(cls)}
        given = {key: value[:LONGEST].strip() for key, value in _pairs(query) if key in known}
        reasons = {key: reason for key, value in given.items() if value and (reason := _reason(key, value))}
        kept: dict[str, Any] = {key: value for key, value in given.items() if value and key not in reasons}
        if "page" in kept:
            kept["page"] = int(kept["page"])
        return cls(**kept), list(reasons.values())

    def link(self, **changes: Any) -> str:
        """The query string of this state with some changes, from its first page on unless that is one of them."""
        changed = replace(self, **({"page": 1} | changes))
        empty = type(self)()
        given = {e.name: v for e in fields(self) if (v := getattr(changed, e.name)) != getattr(empty, e.name)}
        return f"?{urlencode(given)}" if given else ""

    @property
    def narrows(self) -> dict[str, str]:
        """The filters that are set, by name."""
        names = (*EXACT, "reward", "gold", *RANGES, "text", "problem", "pair")
        return {name: value for name in names if (value := getattr(self, name))}


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, max_num_fields=60, errors="replace")
    except ValueError:
        return []


def _reason(key: str, value: str) -> str:
    choices: Mapping[str, Any] | None = {"reward": REWARDS, "gold": GOLDS, "sort": ORDERS}.get(key)
    if choices and value not in choices:
        return f"{key} = {value}: one of {', '.join(choices)}"
    if key in RANGES and not _ends(value):
        return f"{key} = {value}: a number, or two such as 10-20, 10- or -20"
    if key == "page" and not re.fullmatch(r"[1-9][0-9]{0,8}", value):
        return f"page = {value}: a number from 1 on"
    return ""


def _ends(value: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"(\d{0,9})\s*(-?)\s*(\d{0,9})", value, re.ASCII)
    if not found or not (found[1] or found[3]):
        return None
    return found[1], found[3] if found[2] else found[1]


def condition(asked: Asked, searched: str = "") -> tuple[str, dict[str, Any]]:
    """SQL that is true of the rollouts asked for, with its values; `searched`: table of those that hold the text."""
    clauses, values = ["true"], {}
    for name in EXACT:
        if value := getattr(asked, name):
            clauses.append(f"{name} = ${name}")
            values[name] = value
    for name, column in {"problem": "problem_id", "pair": "pair_id"}.items():
        if value := getattr(asked, name):
            clauses.append(f"{column} = ${name}")
            values[name] = value
    clauses += [table[key][1] for table, key in ((REWARDS, asked.reward), (GOLDS, asked.gold)) if key]
    clauses += [clause for name, column in RANGES.items() for clause in _between(column, getattr(asked, name))]
    if searched:
        clauses.append(f"(path, row) in (select path, row from {searched})")
    return " and ".join(f"({clause})" for clause in clauses), values


def _between(column: str, value: str) -> Sequence[str]:
    low, high = (_ends(value) if value else None) or ("", "")
    return [f"{column} {sign} {int(end)}" for sign, end in ((">=", low), ("<=", high)) if end]


def order(asked: Asked) -> str:
    """SQL of what rollouts are sorted by, least first; no two have the same."""
    return f"{ORDERS[asked.sort][1]}, -policy_version, kind, path, row"


def key(asked: Asked) -> str:
    """The same as one value, that rollouts can be compared by."""
    return f"row({order(asked)})"
