"""The form of filters: a control for each that the run gives a choice in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ponder.report.text import escape
from ponder.viewer.asked import EXACT, GOLDS, LONGEST, ORDERS, RANGES, REWARDS, Asked
from ponder.viewer.words import LABELS, Links, attribute

MOST = 300
"""Values that one control offers."""
_ABOVE = ("kind", "stage", "checkpoint", "domain", "tier", "language", "attack", "mode")


def form(asked: Asked, links: Links, choices: Mapping[str, Sequence[tuple[str, int]]]) -> str:
    """All controls; what has one value in the whole run has none."""
    exact = {name: _exact(name, getattr(asked, name), choices.get(name, ())) for name in EXACT}
    rewards = _select("reward", asked.reward, [(key, label) for key, (label, _) in REWARDS.items()])
    golds = _select("gold", asked.gold, [(key, label) for key, (label, _) in GOLDS.items()])
    orders = _select("sort", asked.sort, [(key, label) for key, (label, _) in ORDERS.items()], none=False)
    controls = (
        "".join(exact[name] for name in _ABOVE)
        + rewards
        + golds
        + exact["outcome"]
        + exact["fault"]
        + "".join(_range(name, getattr(asked, name)) for name in RANGES)
    )
    hidden = "".join(_hidden(name, getattr(asked, name)) for name in ("problem", "pair"))
    return (
        f'<form class="filters" method="get" action="{links.base}/" role="search" aria-label="Filter rollouts">'
        f"{_text(asked.text)}{orders}"
        f'<details class="drawer"><summary>Filters</summary><div class="controls">{controls}</div></details>'
        f'{hidden}<button type="submit">Apply</button></form>'
    )


def _text(value: str) -> str:
    return (
        '<div class="control wide"><label for="text">Search prompts, thinking and answers</label>'
        f'<input id="text" name="text" type="search" value="{attribute(value)}" maxlength="500" data-key="/" '
        'autocomplete="off" spellcheck="false" dir="auto"></div>'
    )


def _exact(name: str, value: str, counted: Sequence[tuple[str, int]]) -> str:
    """A choice of the values there are; none where there is only one."""
    there = [(each, count) for each, count in counted if 0 < len(each) <= LONGEST][:MOST]
    if not value and len(counted) < 2:
        return ""
    options = [(each, f"{each.replace('_', ' ')} ({count:,})") for each, count in sorted(there)]
    if value and value not in dict(options):
        options.append((value, value))
    return _select(name, value, options) if options else ""


def _select(name: str, value: str, options: Iterable[tuple[str, str]], *, none: bool = True) -> str:
    rows = '<option value="">any</option>' if none else ""
    rows += "".join(
        f'<option value="{attribute(key)}"{" selected" if key == value else ""}>{escape(label, limit=80)}</option>'
        for key, label in options
    )
    kind = " set" if none and value else ""
    return (
        f'<div class="control{kind}"><label for="{name}">{LABELS[name].capitalize()}</label>'
        f'<select id="{name}" name="{name}">{rows}</select></div>'
    )


def _range(name: str, value: str) -> str:
    kind = " set" if value else ""
    return (
        f'<div class="control{kind}"><label for="{name}">{LABELS[name].capitalize()}</label>'
        f'<input id="{name}" name="{name}" value="{attribute(value)}" placeholder="any, 12, 10-20, 10-" '
        'autocomplete="off"></div>'
    )


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{attribute(value)}">' if value else ""
