"""Several runs on one page, paired: who is ahead and whether that is sure, what changed between their recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ponder.measure import ranking, transfer
from ponder.measure.ranking import Pairs, Standing
from ponder.report import compared
from ponder.report.facts import facts
from ponder.report.frame import document, scrolling, section
from ponder.report.sides import MOST, Side, told_apart
from ponder.report.tables import tone
from ponder.report.text import escape, points
from ponder.runs.folder import Run
from ponder.runs.query import connect
from ponder.types import PonderError

CAVEAT = (
    "A run is one seed: the intervals hold for other problems and other samples of these weights, not for what the "
    "recipes would do again; that takes a study with seeds. They are 95% intervals, paired and clustered by problem; "
    "an order counts as sure where a tier's differences remain so together (Holm, .05)."
)
NOTES = {
    "changed": "What stands in the manifests and is not the same in all of them.",
    "chart": (
        "Percent right at the end of each run, thinking as it likes, over the problems that it was asked; by what "
        "training saw of a domain in the first run. At the right: the order, with = between those whose order is open."
    ),
    "pairs": "Difference in points over the problems of both, in one row the better run first; n problems.",
    "matrix": (
        "What each run gained by its own training, in points, paired by problem, with its 95% interval beneath. "
        "Framed: domains that the run was trained on."
    ),
    "curves": "From the metrics of reinforcement learning. Smoothed; step by step along each run.",
    "spent": "Up is better, to the left is cheaper; bars are 95% intervals. Across: thinking tokens a completion.",
}


def html(paths: Sequence[Path], *, changed: Mapping[str, Sequence[Any]]) -> str:
    """The page of these runs; `changed`: dotted key -> its value in each. Raises PonderError for more than `MOST`."""
    if len(paths) > MOST:
        raise PonderError(f"{len(paths)} runs: a page compares {MOST} at most; leave some out")
    opened = [connect(path) for path in paths]
    connections = [connection for connection, _ in opened]
    try:
        names = told_apart(paths)
        sides = [
            Side(name=name, run=Run.open(path), table=transfer.table(con), place=at)
            for at, (name, path, con) in enumerate(zip(names, paths, connections, strict=True))
        ]
        found = ranking.pairs(connections)
        return page(sides, found, changed, [warning for _, own in opened for warning in own])
    finally:
        for connection in connections:
            connection.close()


def page(sides: Sequence[Side], found: Pairs, changed: Mapping[str, Sequence[Any]], warnings: Sequence[str]) -> str:
    """The whole page."""
    stands = ranking.standings(found)
    lost = "".join(f"<li>{escape(warning, limit=300)}</li>" for warning in warnings)
    body = [
        _opening(sides, stands),
        section("Who is ahead", compared.chart(sides, stands), NOTES["chart"]),
        section("What changed", _changed(sides, changed), NOTES["changed"]),
        section("Every two of them", _pairs(sides, stands), NOTES["pairs"]),
        section("What each training carried to", compared.matrix(sides), NOTES["matrix"]),
        section("What it cost in thinking", compared.spent(sides, stands), NOTES["spent"]),
        section("How they learned", compared.curves(sides), NOTES["curves"]),
        section("What could not be read", f"<ul>{lost}</ul>" if lost else ""),
        section("What was run", "".join(f"<h3>{s.key} {escape(s.name, limit=60)}</h3>{facts(s.run)}" for s in sides)),
    ]
    return document(f"{', '.join(side.name for side in sides)}: ponder", *body)


def _opening(sides: Sequence[Side], stands: Sequence[Standing]) -> str:
    kicker = f'<p class="kicker">ponder · {len(sides)} runs compared</p>'
    if not stands:
        return f"<header>{kicker}<h1>These runs share no problem that all of them were asked.</h1></header>"
    first, *others = [sentence(standing, [side.name for side in sides]) for standing in stands]
    keys = "".join(f"<li>{side.key} {escape(side.name, limit=60)}</li>" for side in sides)
    lede = f'<p class="lede">{" ".join(others)}</p>' if others else ""
    legend = f'<ul class="legend runs">{keys}</ul>'
    return f'<header>{kicker}<h1>{first}</h1>{legend}{lede}<p class="note">{CAVEAT}</p></header>'


def sentence(standing: Standing, names: Sequence[str]) -> str:
    """Who is ahead in a tier and by how much, or that the order is not decisive."""
    where = f"In {standing.tier} domains"
    first, *rest = standing.groups
    told = [escape(names[at], limit=60) for at in standing.order]
    if not rest and len(told) == 2:
        return f"{where} {told[0]} and {told[1]} cannot be told apart ({_by(standing, *standing.order)})."
    if not rest:
        return f"{where} the order of the {len(told)} runs is not decisive."
    ahead = _and([escape(names[at], limit=60) for at in first])
    behind = _and([escape(names[at], limit=60) for group in rest for at in group])
    least = min((standing.differences[a, b] for a in first for group in rest for b in group), key=lambda e: e.value)
    verb = "is" if len(first) == 1 else "are"
    tail = f", and cannot be told apart from {'each other' if len(first) == 2 else 'one another'}"
    by = f"by {points(least)} points" if len(standing.differences) == 1 else f"by {points(least)} points or more"
    return f"{where} {ahead} {verb} ahead of {behind}, {by}{tail if len(first) > 1 else ''}."


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _by(standing: Standing, better: int, worse: int) -> str:
    return f"{points(standing.differences[better, worse])} points"


def _changed(sides: Sequence[Side], changed: Mapping[str, Sequence[Any]]) -> str:
    if not changed:
        return "<p>Nothing: not the recipe, data or versions.</p>"
    head = "".join(f'<th scope="col" class="words">{escape(side.name, limit=40)}</th>' for side in sides)
    rows = {name: "".join(map(_value, values)) for name, values in changed.items()}
    body = "".join(f'<tr><th scope="row">{escape(name, limit=80)}</th>{cells}</tr>' for name, cells in rows.items())
    return scrolling(f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>", name="What changed")


def _value(value: Any) -> str:
    return '<td class="words none">·</td>' if value is None else f'<td class="words">{escape(value, limit=200)}</td>'


def _pairs(sides: Sequence[Side], stands: Sequence[Standing]) -> str:
    rows = "".join(_pair(sides, standing, pair) for standing in stands for pair in standing.differences)
    heads = ("tier", "ahead", "behind", "difference", "n", "decisive")
    head = "".join(f'<th scope="col"{_words(at)}>{name}</th>' for at, name in enumerate(heads))
    return scrolling(f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>", name="Every two") if rows else ""


def _pair(sides: Sequence[Side], standing: Standing, pair: tuple[int, int]) -> str:
    difference, sure = standing.differences[pair], pair in standing.sure
    better, worse = (f"{sides[at].key} {escape(sides[at].name, limit=40)}" for at in pair)
    return (
        f'<tr><th scope="row">{standing.tier}</th><td class="words">{better}</td><td class="words">{worse}</td>'
        f'<td class="{tone(difference) if sure else "none"}">{points(difference)}</td><td>{difference.n}</td>'
        f'<td class="words">{"yes" if sure else "not decisive"}</td></tr>'
    )


def _words(column: int) -> str:
    return ' class="words"' if column in (1, 2, 5) else ""
