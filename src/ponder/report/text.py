"""Words and numbers for the page: what comes from data made inert, estimates as text, sentences from intervals."""

from __future__ import annotations

import html
import math
import unicodedata

from ponder.measure.printing import HEADINGS
from ponder.measure.statistics import Estimate
from ponder.measure.transfer import PAIRS, Row, TransferTable

CONDITIONS = HEADINGS | {"forced": "forced to think"}
"""Name of a condition -> its label."""

TIERS = {
    "trained": "reinforcement learning saw these domains",
    "deeper": "training saw these domains with fewer steps",
    "translated": "training saw these domains in another language",
    "shown": "only the cold start saw these domains, or what made the model",
    "unseen": "no stage saw these domains",
}
"""Tier -> what training saw of it."""

LIMIT = 8_000
"""Characters of one text that the page shows."""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_KEPT = {"\n", "\t", "\u200c", "\u200d"}
_WHERE = {
    "gain": {
        "trained": "in the domains it trained on",
        "deeper": "in deeper problems of domains it had seen",
        "translated": "in domains it had seen in another language",
        "shown": "in the domains that only the cold start had shown",
        "unseen": "in domains that no stage saw",
    },
    "distil_gain": {
        "trained": "in the domains it learned the spec in",
        "deeper": "in deeper problems of these domains",
        "translated": "in these domains in another language",
        "shown": "in the shown domains",
        "unseen": "in domains that no stage saw",
    },
    "cold_start_gain": {
        "trained": "in the trained domains",
        "deeper": "in deeper problems of these domains",
        "translated": "in these domains in another language",
        "shown": "in the shown domains",
        "unseen": "in domains that it never saw",
    },
}
_ACTORS = {"gain": "Reinforcement learning", "distil_gain": "Distillation", "cold_start_gain": "The cold start"}
BOTH = "Distillation and reinforcement learning"
"""What made the gain of a run with both."""


def escape(text: object, *, limit: int = LIMIT) -> str:
    """Text from data as HTML that does nothing: cut, what cannot be seen made visible, markup escaped."""
    whole = str(text)
    shown = html.escape("".join(map(_visible, whole[:limit])), quote=True)
    left = len(whole) - limit
    return shown if left <= 0 else f'{shown}<span class="note"> … {left:,} more characters are not shown</span>'


def _visible(character: str) -> str:
    """Control characters, bidirectional overrides and the like by code point; the joiners that scripts need stay."""
    if character in _KEPT or unicodedata.category(character) not in _HIDDEN:
        return character
    return f"⟨U+{ord(character):04X}⟩"


def percent(share: float) -> str:
    """`38%`."""
    return f"{share * 100:.0f}%"


def signed(number: float) -> str:
    """`+41`, `−3`, `0`; an end without bound is `?`."""
    if not math.isfinite(number):
        return "?"
    rounded = round(number)
    return f"{rounded:+d}".replace("-", "−") if rounded else "0"


def points(estimate: Estimate, *, scale: float = 100) -> str:
    """`+40 [+29, +48]`."""
    return f"{signed(estimate.value * scale)} [{signed(estimate.low * scale)}, {signed(estimate.high * scale)}]"


def span(estimate: Estimate, *, scale: float = 100) -> str:
    """The interval of something that has no sign: `33 to 49`."""
    low, high = (f"{end * scale:.0f}" if math.isfinite(end) else "?" for end in (estimate.low, estimate.high))
    return f"{low} to {high}"


def main_change(table: TransferTable) -> str | None:
    """The change that the page is about: the gain, without one the cold start's, without that None."""
    return next((name for name in _ACTORS if any(name in row.changes for row in table.tiers)), None)


def sentences(table: TransferTable) -> list[str]:
    """What happened to each tier, one sentence each, none stronger than its interval."""
    change = main_change(table)
    if change is None:
        return ["No training can be compared yet: a model has to be measured before and after it."]
    rows = [row for row in table.tiers if change in row.changes]
    actor, again = (BOTH, "They") if change == "gain" and distilled(table) else (_ACTORS[change], "It")
    return [f"{actor if index == 0 else again} {_clause(row, change)}." for index, row in enumerate(rows)]


def distilled(table: TransferTable) -> bool:
    """Whether the policy was distilled between *before* and *after*, so that reinforcement is not all of the gain."""
    return any("distil_gain" in row.changes for row in table.tiers)


def _clause(row: Row, change: str) -> str:
    estimate, where = row.changes[change], _WHERE[change][row.tier]
    later, earlier = (row.accuracy(condition) for condition in PAIRS[change][:2])
    assert later and earlier, "a tier that has a difference has both of its accuracies"
    levels = f"from {percent(earlier.value)} to {percent(later.value)}"
    size = f"{signed(estimate.value * 100)} points, 95% interval {_range(estimate)}"
    if estimate.sign == 0:
        return f"made no difference that can be told from chance {where} ({levels}: {size})"
    return f"{'raised' if estimate.sign > 0 else 'lowered'} accuracy {levels} {where} ({size})"


def control_sentence(table: TransferTable) -> str:
    """How the trained tier's gain compares with only forcing the model before it to think; empty if not measured."""
    row = table.tier("trained")
    over, forced = (row.changes.get("forced_gain"), row.accuracy("forced")) if row else (None, None)
    if not over or not forced:
        return ""
    verdict = {1: "training did better than that", -1: "training did worse than that"}.get(
        over.sign, "training cannot be told apart from that"
    )
    size = f"{signed(over.value * 100)} points, {_range(over)}"
    start = f"The model from before, only forced to think, gets {percent(forced.value)} of the trained domains right"
    return f"{start}: {verdict} ({size})."


def fewshot_sentence(table: TransferTable) -> str:
    """Tiers in which all of the training left the model below what it could do untouched, given solved examples."""
    fallen = [row for row in table.tiers if "fewshot_gain" in row.changes and row.changes["fewshot_gain"].sign < 0]
    if not fallen:
        return ""
    changes = [(row.tier, row.changes["fewshot_gain"]) for row in fallen]
    sizes = [f"{tier} {signed(change.value * 100)} ({_range(change)})" for tier, change in changes]
    start = "After solved examples the untouched model did better than the trained one does without"
    return f"{start}, both read leniently: {', '.join(sizes)}."


def parts_sentence(table: TransferTable) -> str:
    """What the trained tier's gain is made of; empty unless there surely is one."""
    row = table.tier("trained")
    if not row or "gain" not in row.changes or row.changes["gain"].sign <= 0:
        return ""
    more, better, direct = (
        f"{signed(row.changes[name].value * 100)} ({_range(row.changes[name])})"
        for name in ("more", "better", "direct")
    )
    total = signed(row.changes["gain"].value * 100)
    thinking = f"{more} go to thinking more often, {better} to better thinking"
    return f"Of the {total} points, {thinking}, {direct} to better direct answers."


def _range(estimate: Estimate) -> str:
    return f"{signed(estimate.low * 100)} to {signed(estimate.high * 100)}"
