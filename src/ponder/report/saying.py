"""Sentences on how uneven the change is and on attacks, none stronger than its interval."""

from __future__ import annotations

from collections.abc import Sequence

from ponder.measure import attacked
from ponder.measure.profile import Profile
from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row
from ponder.report.text import CONDITIONS, escape, percent, points, signed, span


def profile_sentence(profile: Profile | None) -> str:
    """From which domain to which, how far they spread, and whether chance alone would do; empty without a profile."""
    if profile is None:
        return ""
    worst, best = _named(profile.worst, profile.of(profile.worst)), _named(profile.best, profile.of(profile.best))
    spread = f"a standard deviation of {profile.spread * 100:.0f} points over {profile.domains} domains"
    chance = f"sampling alone would make {profile.chance * 100:.0f}"
    if profile.uneven:
        return f"It is uneven: from {worst}, the worst, to {best}, with {spread}, where {chance}."
    return f"Domains cannot be told apart: from {worst} to {best}, with {spread}, where {chance}."


def _named(row: Row, change: Estimate) -> str:
    return f"{points(change)} in {escape(row.domain, limit=60)}"


def attack_sentence(rows: Sequence[attacked.Row]) -> str:
    """What attacks do to the last weights where they were trained, or else where they were asked; empty without any."""
    known = [row for row in rows if row.condition in CONDITIONS and {"clean", "mean", "change"} <= row.estimates.keys()]
    if not known:
        return ""
    order = list(CONDITIONS)
    last = max(order.index(row.condition) for row in known)
    row = next(row for row in known if order.index(row.condition) == last)
    clean, mean, change = (row.estimates[key] for key in ("clean", "mean", "change"))
    levels = f"{percent(clean.value)} right as they are and {percent(mean.value)} under attack"
    size = f"{signed(change.value * 100)} points, {signed(change.low * 100)} to {signed(change.high * 100)}"
    told = {
        1: "attacks raise that",
        -1: "attacks lower that",
        0: "no difference can be told from chance",
    }[change.sign]
    fails = row.estimates.get("any_fails")
    worst = f"; at least one of the attacks makes {percent(fails.value)} ({span(fails)}) wrong" if fails else ""
    where = f"Of the {row.tier} problems, {CONDITIONS[row.condition]}, {levels}"
    return f"{where}: {told} ({size}){worst}."
