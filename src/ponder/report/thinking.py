"""What thinking is spent on and what it buys, drawn: by difficulty, and by way of thinking; numbers behind each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ponder.measure.spending import Level, Way
from ponder.measure.statistics import Estimate
from ponder.report.charts import MARKS
from ponder.report.dots import Dot, Series, ceiling, legend, plot
from ponder.report.frame import folded, scrolling
from ponder.report.text import CONDITIONS, TIERS, escape, span

Told = tuple[str, str, Estimate, Estimate]
"""Two labels, tokens and accuracy."""
SIGNS = tuple(MARKS)
"""Marks of ways that have none of their own, in turn."""


def by_difficulty(levels: Sequence[Level]) -> str:
    """Tokens of thinking, and accuracy, along difficulty; a line for each condition. Empty without levels."""
    if not levels:
        return ""
    names = list(dict.fromkeys(level.condition for level in levels))
    top = ceiling(max(level.tokens.high if level.tokens.n > 1 else level.tokens.value for level in levels))
    ticks = _ticks([level.name for level in levels if level.condition == names[0]])
    tokens = [_lines(name, [level for level in levels if level.condition == name], "tokens") for name in names]
    right = [_lines(name, [level for level in levels if level.condition == name], "accuracy") for name in names]
    drawn = [
        _figure("Thinking tokens a completion", plot(tokens, ticks=ticks, top=top, ends=("0", f"{top:g}"))),
        _figure("Percent right", plot(right, ticks=ticks, top=1, ends=("0", "100%"))),
    ]
    note = '<p class="note">Across: difficulty of the problem, as its domain tells it.</p>'
    table = folded("The numbers behind it", _table(("difficulty", "condition"), map(_level, levels)))
    return f'{legend(tokens)}<div class="pair">{"".join(drawn)}</div>{note}{table}'


def _ticks(names: Sequence[str]) -> list[tuple[float, str]]:
    return [(_place(at, len(names)), name) for at, name in enumerate(names)]


def _place(at: int, count: int) -> float:
    """Centres of as many equal parts of the axis."""
    return (at + 0.5) / count


def _lines(name: str, own: Sequence[Level], what: str) -> Series:
    dots = [
        _dot(_place(at, len(own)), getattr(level, what), f"{CONDITIONS[name]}, difficulty {level.name}", what)
        for at, level in enumerate(own)
    ]
    return Series(kind=name, mark=name, name=CONDITIONS[name], dots=dots)


def _dot(across: float, estimate: Estimate, name: str, what: str) -> Dot:
    low, high = (estimate.low, estimate.high) if estimate.n > 1 else (estimate.value, estimate.value)
    told = f"{name}: {_said(estimate, what)}, {estimate.n} problems"
    return Dot(across=across, value=estimate.value, low=low, high=high, told=told)


def _said(estimate: Estimate, what: str) -> str:
    scale, unit = (100, "%") if what == "accuracy" else (1, " tokens")
    return f"{estimate.value * scale:.0f}{unit}, 95% interval {span(estimate, scale=scale)}"


def _figure(title: str, drawn: str) -> str:
    return f"<figure><figcaption><b>{title}</b></figcaption>{drawn}</figure>"


def _level(level: Level) -> Told:
    return level.name, CONDITIONS[level.condition], level.tokens, level.accuracy


def by_way(ways: Sequence[Way]) -> str:
    """Accuracy against thinking tokens: a panel for each tier, a mark for each way. Empty without ways."""
    if not ways:
        return ""
    names = list(dict.fromkeys(way.name for way in sorted(ways, key=_in_order)))
    series = {name: _points(name, names, [way for way in ways if way.name == name]) for name in names}
    panels = "".join(_panel(tier, ways, series) for tier in dict.fromkeys(way.tier for way in ways))
    note = '<p class="note">Across: thinking tokens a completion.</p>'
    table = folded("The numbers behind it", _table(("tier", "way of thinking"), map(_way, ways)))
    return f'{legend(list(series.values()))}<div class="pair">{panels}</div>{note}{table}'


def _in_order(way: Way) -> tuple[int, str]:
    known = list(CONDITIONS)
    return (known.index(way.name) if way.name in known else len(known)), way.name


def _points(name: str, names: Sequence[str], own: Sequence[Way]) -> Series:
    """Without dots: kind, mark and label of a way."""
    label = CONDITIONS.get(name, name)
    others = [each for each in names if each not in CONDITIONS]
    if name in CONDITIONS:
        return Series(kind=name, mark=name, name=label, dots=(), joined=False)
    mark = SIGNS[others.index(name) % len(SIGNS)]
    return Series(kind=own[0].condition, mark=mark, name=label, dots=(), joined=False)


def _panel(tier: str, ways: Sequence[Way], series: dict[str, Series]) -> str:
    own = [way for way in ways if way.tier == tier]
    top = ceiling(max(way.tokens.value for way in own))
    drawn = [
        Series(
            kind=series[way.name].kind,
            mark=series[way.name].mark,
            name=series[way.name].name,
            dots=[_dot(way.tokens.value / top, way.accuracy, f"{series[way.name].name}", "accuracy")],
        )
        for way in own
    ]
    ticks = [(share, f"{share * top:g}") for share in (0, 0.5, 1)]
    title = f"{escape(tier.capitalize(), limit=30)} <small>{TIERS.get(tier, '')}</small>"
    return _figure(title, plot(drawn, ticks=ticks, top=1, ends=("0", "100%")))


def _way(way: Way) -> Told:
    return way.tier, CONDITIONS.get(way.name, way.name), way.tokens, way.accuracy


def _table(heads: tuple[str, str], rows: Iterable[Told]) -> str:
    titles = (*heads, "thinking tokens", "percent right", "problems")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    body = "".join(map(_row, rows))
    return scrolling(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", name=f"By {heads[0]}")


def _row(told: Told) -> str:
    first, second, tokens, right = told
    return (
        f'<tr><th scope="row">{escape(first, limit=60)}</th><td class="words">{escape(second, limit=60)}</td>'
        f'<td>{tokens.value:.1f}<span class="interval">{_ends(tokens)}</span></td>'
        f'<td>{right.value * 100:.0f}<span class="interval">{span(right)}</span></td><td>{right.n}</td></tr>'
    )


def _ends(tokens: Estimate) -> str:
    return f"{tokens.low:.1f} to {tokens.high:.1f}" if tokens.n > 1 else ""
