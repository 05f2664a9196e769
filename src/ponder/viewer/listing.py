"""The list: what the run is, the filters, how many rollouts they leave and of which fate, and a page of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from ponder.report.text import escape
from ponder.viewer.asked import GOLDS, ORDERS, REWARDS, Asked
from ponder.viewer.filters import form
from ponder.viewer.frame import notices
from ponder.viewer.lookup import PAGE
from ponder.viewer.opened import Opened
from ponder.viewer.words import LABELS, Links, Row, item

STAGES = {"cold_start": "cold start", "reinforce": "reinforcement learning"}
CHOICES = {"reward": REWARDS, "gold": GOLDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What there is to list."""

    asked: Asked
    """The state."""
    rows: Sequence[Row]
    """Rollouts of this page."""
    tally: Row
    """How many there are of which fate."""
    choices: dict[str, list[tuple[str, int]]]
    """Filter -> values and how often."""
    warnings: Sequence[str]
    """What could not be read."""
    searched: tuple[int, int] | None = None
    """Files searched for the text, and files there are; None where no text is asked for."""
    reading: bool = False
    """Whether there are files that are not read yet."""


def listing(run: Opened, links: Links, listed: Listed, count: int) -> str:
    """The page's body; `count`: rollouts of the whole run so far."""
    asked = listed.asked
    body = (
        f"{_tally(listed, links)}{_chips(asked, links)}{_searched(listed, links)}{_rows(listed, links)}"
        f"{_pages(asked, links, listed.tally['n'])}"
    )
    return (
        f"{_opening(run, count, listed.reading)}{notices(listed.warnings)}"
        f'<div class="columns">{form(asked, links, listed.choices)}'
        f'<section id="content" aria-label="Rollouts">{body}</section></div>'
    )


def _opening(run: Opened, count: int, reading: bool) -> str:
    how = "so far, and more are being read" if reading else ""
    counted = f"{count:,} rollouts {how}".strip() if count else "Reading …" if reading else "No rollouts yet"
    return (
        f'<header class="top"><p class="kicker">ponder</p><h1>{escape(run.name, limit=100)}</h1>'
        f'<p class="lede"><b>{counted}</b>{"".join(f" · {fact}" for fact in _facts(run))}</p></header>'
    )


def _facts(run: Opened) -> list[str]:
    """The status, the recipe and the model where they are known, and how far each stage came."""
    model = run.recipe.get("model")
    steps: dict[str, int] = {}
    for row in run.metrics()[0]:
        steps[str(row["stage"])] = steps.get(str(row["stage"]), 0) + 1
    facts = [run.status, run.recipe.get("name"), model.get("name") if isinstance(model, dict) else model]
    told = [escape(fact, limit=80) for fact in facts if fact]
    return told + [f"{n:,} steps of {escape(STAGES.get(stage, stage), limit=40)}" for stage, n in steps.items()]


def _tally(listed: Listed, links: Links) -> str:
    """How many there are, and of which fate; each a link to those."""
    tally, asked = listed.tally, listed.asked
    fates = {
        "paid at least ½": ("high", {"reward": "high"}),
        "paid less": ("low", {"reward": "low"}),
        "not judged": ("lost", {"reward": "lost"}),
        "truncated": ("truncated", {"outcome": "truncated"}),
        "without an answer": ("no_answer", {"outcome": "no_answer"}),
        "paid, but wrong by gold": ("fooled", {"gold": "fooled"}),
        "right by gold, but not paid": ("missed", {"gold": "missed"}),
    }
    parts = [
        f'<li><a href="{links.listing(asked, **change)}"><b>{tally[name]:,}</b> {label}</a></li>'
        for label, (name, change) in fates.items()
        if tally[name]
    ]
    return f'<h2 class="count">{_counted(tally["n"])}</h2><ul class="tally">{"".join(parts)}</ul>'


def _counted(count: int) -> str:
    return f"{count:,} rollout{'' if count == 1 else 's'}"


def _chips(asked: Asked, links: Links) -> str:
    """Each filter that is set, and a way to be rid of it."""
    chips = "".join(
        f'<li><a href="{links.listing(asked, **{name: ""})}" aria-label="Remove this filter">'
        f"{LABELS[name]}: <bdi>{escape(_said(name, value), limit=80)}</bdi> <span aria-hidden=true>×</span></a></li>"
        for name, value in asked.narrows.items()
    )
    rest = f'<li><a class="all" href="{links.base}/">all rollouts</a></li>' if chips else ""
    return f'<ul class="chips" aria-label="Filters that are set">{chips}{rest}</ul>' if chips else ""


def _said(name: str, value: str) -> str:
    return CHOICES[name][value][0] if name in CHOICES else value.replace("_", " ") if name == "outcome" else value


def _searched(listed: Listed, links: Links) -> str:
    if listed.searched is None or listed.searched[0] >= listed.searched[1]:
        return ""
    done, total = listed.searched
    again = f'<a href="{links.listing(listed.asked, page=listed.asked.page)}">search on</a>'
    return f'<p class="note">{done:,} of {total:,} files are searched so far: {again}.</p>'


def _rows(listed: Listed, links: Links) -> str:
    if not listed.rows:
        why = "Nothing is read yet." if listed.reading else "No rollout is like that." if listed.asked.narrows else ""
        none = "This run has no rollouts so far; the page will say when there are some."
        return f'<p class="nothing">{why or (none if listed.asked.page == 1 else "There are fewer pages.")}</p>'
    rows = "".join(f"<li>{item(row, listed.asked, links)}</li>" for row in listed.rows)
    first = (listed.asked.page - 1) * PAGE + 1
    return f'<ol class="rollouts" start="{first}">{rows}</ol>'


def _pages(asked: Asked, links: Links, count: int) -> str:
    last = max(1, ceil(count / PAGE))
    if last == 1:
        return ""
    back = _step(links, asked, asked.page - 1, "← previous", "ArrowLeft") if asked.page > 1 else ""
    on = _step(links, asked, asked.page + 1, "next →", "ArrowRight") if asked.page < last else ""
    here = f"<span>page {asked.page:,} of {last:,}, {ORDERS[asked.sort][0]} first</span>"
    return f'<nav class="pages" aria-label="Pages">{back}{here}{on}</nav>'


def _step(links: Links, asked: Asked, page: int, label: str, key: str) -> str:
    return f'<a href="{links.listing(asked, page=page)}" data-key="{key}">{label}</a>'
