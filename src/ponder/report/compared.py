"""The pictures of a page of several runs, each with its numbers behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ponder.measure.ranking import Standing
from ponder.measure.statistics import Estimate
from ponder.report.charts import Whisker, overlay, strip, thinned
from ponder.report.dots import Dot, Series, ceiling, plot
from ponder.report.frame import folded, scrolling
from ponder.report.metrics import CURVES, mean, number
from ponder.report.sides import MARKED, Side
from ponder.report.tables import NOTHING, tinted
from ponder.report.text import TIERS, escape, main_change, percent, span

DRAWN = ("reward", "gold", "share_thinking", "thinking_tokens", "truncated", "entropy")
"""Metrics that are drawn."""


def order(standing: Standing, names: Sequence[str]) -> str:
    """`a > b = c`: a surely before both, b and c in no sure order."""
    return " > ".join(" = ".join(names[at] for at in group) for group in standing.groups)


def chart(sides: Sequence[Side], stands: Sequence[Standing]) -> str:
    """A strip for every tier and its domains, and the accuracies behind it."""
    if not stands:
        return ""
    ticks = "".join(f'<span style="left:{x}%">{x}{"%" if x == 100 else ""}</span>' for x in (0, 25, 50, 75, 100))
    axis = f'<div class="row axis"><div class="plot ticks">{ticks}</div></div>'
    names = [side.name for side in sides]
    keys = "".join(f"<li>{side.key} {escape(side.name, limit=60)}</li>" for side in sides)
    parts = [f'<ul class="legend">{keys}</ul>']
    for standing in stands:
        rows = "".join(_strip(sides, domain) for domain in standing.domains)
        average = _row_strip(sides, f"{standing.tier.capitalize()}, average", standing.accuracy, order(standing, names))
        heading = f"<h3>{standing.tier.capitalize()} <small>{TIERS.get(standing.tier, '')}</small></h3>"
        parts.append(f'<div class="tier compared">{heading}{average}{rows}{axis}</div>')
    return "".join(parts) + folded("The numbers behind it", _accuracies(sides, stands))


def _strip(sides: Sequence[Side], domain: str) -> str:
    return _row_strip(sides, domain, {side.place: _accuracy(side, domain) for side in sides}, "")


def _row_strip(sides: Sequence[Side], name: str, found: Mapping[int, Estimate | None], told: str) -> str:
    whiskers = [
        Whisker(kind=f"run{s.place}", mark=MARKED[s.place], name=s.name, estimate=found.get(s.place)) for s in sides
    ]
    kind = "row mean" if told else "row"
    change = f'<div class="change">{escape(told, limit=120)}</div>' if told else ""
    label = escape(name, limit=60)
    return f'<div class="{kind}"><div class="name">{label}</div><div class="plot">{strip(whiskers)}</div>{change}</div>'


def _accuracy(side: Side, domain: str) -> Estimate | None:
    row = next((row for row in side.table.domains if row.domain == domain), None)
    return row.accuracy(side.end) if row and side.end else None


def _accuracies(sides: Sequence[Side], stands: Sequence[Standing]) -> str:
    head = "".join(f'<th scope="col">{escape(side.name, limit=40)}</th>' for side in sides)
    rows = []
    for standing in stands:
        means = "".join(_cell(standing.accuracy.get(side.place)) for side in sides)
        rows.append(f'<tr class="mean"><th scope="row">{standing.tier.capitalize()}, average</th>{means}</tr>')
        for domain in standing.domains:
            cells = "".join(_cell(_accuracy(side, domain)) for side in sides)
            rows.append(f'<tr><th scope="row">{escape(domain, limit=60)}</th>{cells}</tr>')
    return scrolling(f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody>", name="Percent right")


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return NOTHING
    return f'<td>{estimate.value * 100:.0f}<span class="interval">{span(estimate)}, n {estimate.n}</span></td>'


def matrix(sides: Sequence[Side]) -> str:
    """Runs by domains: what each one's own training made of them."""
    changes = {side.place: main_change(side.table) for side in sides}
    known = [side for side in sides if changes[side.place]]
    domains = list(dict.fromkeys(row.domain for side in known for row in side.table.domains))
    if not known or not domains:
        return ""
    head = "".join(f'<th scope="col">{escape(side.name, limit=40)}</th>' for side in known)
    body = "".join(
        f'<tr><th scope="row">{escape(domain, limit=60)}</th>'
        f"{''.join(_gain(side, domain, changes[side.place] or '') for side in known)}</tr>"
        for domain in domains
    )
    return scrolling(f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>", name="Gains", kind="matrix")


def _gain(side: Side, domain: str, change: str) -> str:
    row = next((row for row in side.table.domains if row.domain == domain), None)
    cell = tinted(row.changes.get(change) if row else None)
    return cell.replace('class="', 'class="own ', 1) if row and row.tier == "trained" else cell


def spent(sides: Sequence[Side], stands: Sequence[Standing]) -> str:
    """Accuracy against tokens of thinking, a mark for each run, a panel for each tier that all of them call so."""
    tiers = [s.tier for s in stands if all(_end(side, s.tier) for side in sides)]
    panels = "".join(_panel(tier, {side.name: (side, _end(side, tier)) for side in sides}) for tier in tiers)
    if not panels:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("tier", "thinking tokens", "percent right", "problems"))
    rows = "".join(_spending(side, tier) for tier in tiers for side in sides)
    table = scrolling(f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody>", name="What it cost in thinking")
    return f'<div class="pair">{panels}</div>{folded("The numbers behind it", table)}'


def _end(side: Side, tier: str) -> Mapping[str, Estimate] | None:
    row = side.table.tier(tier)
    found = row.conditions.get(side.end or "", {}) if row else {}
    return found if {"accuracy", "thinking_tokens"} <= found.keys() else None


def _panel(tier: str, own: Mapping[str, tuple[Side, Mapping[str, Estimate] | None]]) -> str:
    known = [(side, found) for side, found in own.values() if found]
    top = ceiling(max(found["thinking_tokens"].value for _, found in known))
    drawn = [_point(side, found["thinking_tokens"], found["accuracy"], top) for side, found in known]
    ticks = [(share, f"{share * top:g}") for share in (0, 0.5, 1)]
    title = f"<b>{tier.capitalize()} <small>{TIERS.get(tier, '')}</small></b>"
    axis = plot(drawn, ticks=ticks, top=1, ends=("0", "100%"))
    return f"<figure><figcaption>{title}</figcaption>{axis}</figure>"


def _point(side: Side, tokens: Estimate, right: Estimate, top: float) -> Series:
    told = f"{side.name}: {percent(right.value)} right, {tokens.value:.1f} thinking tokens"
    dot = Dot(across=tokens.value / top, value=right.value, low=right.low, high=right.high, told=told)
    return Series(kind=f"run{side.place}", mark=MARKED[side.place], name=side.name, dots=[dot])


def _spending(side: Side, tier: str) -> str:
    found = _end(side, tier)
    assert found, "only tiers that all runs have"
    tokens, right = found["thinking_tokens"], found["accuracy"]
    return (
        f'<tr><th scope="row">{escape(side.name, limit=40)}</th><td>{tier}</td>'
        f'<td>{tokens.value:.1f}<span class="interval">{span(tokens, scale=1)}</span></td>{_share(right)}'
        f"<td>{right.n}</td></tr>"
    )


def _share(right: Estimate) -> str:
    return f'<td>{right.value * 100:.0f}<span class="interval">{span(right)}</span></td>'


def curves(sides: Sequence[Side]) -> str:
    """The metrics of reinforcement learning, all runs in one small chart each."""
    rows = {side.place: [row for row in side.run.metrics() if row.get("stage") == "reinforce"] for side in sides}
    found = {
        name: {place: values for place, own in rows.items() if len(values := _values(own, name)) > 1} for name in DRAWN
    }
    figures = "".join(_figure(name, lines) for name, lines in found.items() if lines)
    if not figures:
        return ""
    keys = "".join(f"<li>{side.key} {escape(side.name, limit=60)}</li>" for side in sides if rows[side.place])
    table = folded("The numbers behind it", _last(sides, found))
    return f'<ul class="legend">{keys}</ul><div class="multiples compared">{figures}</div>{table}'


def _values(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    values = [number(row.get(name)) for row in rows]
    return values if sum(map(math.isfinite, values)) > 1 else []


def _figure(name: str, lines: Mapping[int, Sequence[float]]) -> str:
    kind = CURVES[name]
    highest = max(value for values in lines.values() for value in thinned(values) if math.isfinite(value))
    top = kind.ceiling or ceiling(highest)
    drawn = overlay({f"run{place}": values for place, values in lines.items()}, ceiling=top)
    last = max(map(len, lines.values()))
    return (
        f"<figure><figcaption><b>{kind.label}</b></figcaption>"
        f'<div class="frame" role="img" aria-label="{kind.label} along training">'
        f'<span class="high">{format(top, kind.form)}</span>{drawn}<span class="low">0</span></div>'
        f'<div class="steps"><span>first step</span><span>{last} steps</span></div></figure>'
    )


def _last(sides: Sequence[Side], found: Mapping[str, Mapping[int, Sequence[float]]]) -> str:
    """First and last fifth of the steps of each metric, by run."""
    own = [side for side in sides if any(side.place in lines for lines in found.values())]
    head = "".join(f'<th scope="col">{escape(side.name, limit=40)}</th>' for side in own)
    body = "".join(
        f'<tr><th scope="row">{CURVES[name].label}</th>'
        f"{''.join(_from_to(lines.get(side.place), CURVES[name].form) for side in own)}</tr>"
        for name, lines in found.items()
        if lines
    )
    head = f'<thead><tr><th scope="col">mean of the first → last fifth</th>{head}</tr></thead>'
    return scrolling(f"{head}<tbody>{body}</tbody>", name="How they learned")


def _from_to(values: Sequence[float] | None, form: str) -> str:
    if not values:
        return NOTHING
    fifth = max(1, len(values) // 5)
    means = [mean(part) for part in (values[:fifth], values[-fifth:])]
    shown = [format(each, form) if math.isfinite(each) else "·" for each in means]
    return f"<td>{' → '.join(shown)}</td>"
