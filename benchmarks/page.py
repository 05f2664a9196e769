"""What has been measured, as one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

Work = Mapping[str, Any]
"""A record of `store.Outcome`, and how it was `made`."""

HEAD = """# Results

Made by `make bench`; how each number is computed is in `results.json`, every repeat in `raw.json`. Values are medians
over the rounds with the least and the largest in brackets; ratios are paired round by round. Above 1, a `ratio.*` of
time means that ponder is faster; below 1, `ratio.memory.*` means that ponder needs less.
"""


def page(works: Mapping[str, Work]) -> str:
    """Everything that is kept, as Markdown."""
    parts = [HEAD, *_numbers(works)]
    for name, work in works.items():
        parts += _section(name, work)
    return "\n".join(parts) + "\n"


def _numbers(works: Mapping[str, Work]) -> Iterator[str]:
    yield "| number | value | least to largest | n | unit |\n| --- | --- | --- | --- | --- |"
    found = {name: number for work in works.values() for name, number in work["numbers"].items()}
    for name in sorted(found):
        number = found[name]
        between = f"{_short(number['low'])} to {_short(number['high'])}" if number["low"] is not None else ""
        yield f"| `{name}` | {_short(number['value'])} | {between} | {number['n']} | {number['unit']} |"
    yield ""


def _section(name: str, work: Work) -> Iterator[str]:
    made = work["made"]
    yield f"## {name}\n\n{made['date']}, commit {made['commit']}, {made['machine']}; {made['dtypes']}.\n"
    if any(work["repeats"].values()) or work["absent"]:
        yield (
            "| contestant | seconds | tokens | tokens/s | peak GB | others busy | idle core s | how |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- |"
        )
        yield from (
            _row(who, repeats, work["known"].get(who, {})) for who, repeats in work["repeats"].items() if repeats
        )
        yield from (f"| {who} | absent: {why} | | | | | | |" for who, why in work["absent"].items())
        yield ""
    if work["points"]:
        yield from _points(work["points"])
    yield from (f"- {note}" for note in work["notes"])
    yield ""


def _row(name: str, repeats: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> str:
    seconds = [repeat["seconds"] for repeat in repeats]
    tokens = sorted({repeat["tokens"] for repeat in repeats})
    rate = median(repeat["tokens"] / repeat["seconds"] for repeat in repeats)
    peak = median(repeat["peak_bytes"] for repeat in repeats) / 1e9
    whole = "" if repeats[0]["peak_of"] == "work" else " (whole process)"
    idle = max(repeat["idle_seconds"] for repeat in repeats)
    return (
        f"| {name} | {_short(median(seconds))} [{_short(min(seconds))}, {_short(max(seconds))}] "
        f"| {' to '.join(map(str, dict.fromkeys((tokens[0], tokens[-1]))))} | {_short(rate)} | {peak:.2f}{whole} "
        f"| {_busy(repeats)} | {idle:.2f} | {_how(known)} |"
    )


def _busy(repeats: Sequence[Mapping[str, Any]]) -> str:
    shares = [repeat["busy"] for repeat in repeats]
    return "unseen" if None in shares else f"{median(shares):.1%}"


def _how(known: Mapping[str, Any]) -> str:
    """Versions, dtype, device and choices of a contestant."""
    versions = ", ".join(f"{package} {version}" for package, version in known.get("versions", {}).items())
    return "; ".join(part for part in (versions, known.get("dtype"), known.get("device"), known.get("choice")) if part)


def _points(points: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (
        "| what grows | to | sampling s | tokens/s | GB | learning s | tokens/s | GB | others busy |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for point in points:
        busy = "unseen" if point["busy"] is None else f"{point['busy']:.1%}"
        parts = " | ".join(
            f"{_short(part['seconds'])} | {_short(part['tokens'] / part['seconds'])} | {part['peak_bytes'] / 1e9:.2f}"
            for part in (point["sample"], point["learn"])
        )
        yield f"| {point['point']['curve']} | {point['point']['value']} | {parts} | {busy} |"
    yield ""


def _short(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
