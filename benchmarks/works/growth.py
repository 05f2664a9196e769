"""How ponder's time and memory grow: batch, length, group, model, cores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.child import Child, Seat
from benchmarks.context import MODEL, Context
from benchmarks.models import SIZES, Prompts, random_words
from benchmarks.plot import PARTS
from benchmarks.prompts import worded
from benchmarks.rounds import QUIET, Played, quietest
from benchmarks.store import Outcome

MODELS = {"tiny": "tiny", "2M": "2M", "30M": "30M", "135M": MODEL}
"""As the curve shows it -> the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One place on a curve."""

    curve: str
    """What grows."""
    value: str
    """How large it is here."""
    model: str = "135M"
    """Key of MODELS."""
    prompts: int = 16
    """Prompts."""
    group: int = 4
    """Completions of each."""
    tokens: int = 64
    """Of each completion."""
    cores: int = 0
    """Cores; 0 for all."""


def points(context: Context) -> Iterator[Point]:
    """Every place that is measured."""
    for n in context.pick((1, 4, 16, 64, 256), (1, 4)):
        yield Point(curve="sequences", value=str(n), prompts=max(1, n // 4), group=min(n, 4))
    base = Point(curve="tokens", value="", prompts=4)
    yield from (replace(base, value=str(n), tokens=n) for n in context.pick((32, 64, 128, 256, 512), (4, 8)))
    grown = context.pick((1, 2, 4, 8, 16), (1, 2))
    yield from (Point(curve="group", value=str(n), prompts=64 // n, group=n) for n in grown)
    yield from (Point(curve="model", value=name, model=name) for name in context.pick(tuple(MODELS), ("tiny", "2M")))
    yield from (Point(curve="cores", value=str(n), cores=n) for n in range(1, context.cores + 1))


def growth(context: Context) -> Outcome:
    """Sampling and learning at every point, in a process of its own: none holds memory of another point's."""
    found = [measure(context, shrunk(point, context)) for point in points(context)]
    return Outcome(played=Played(), numbers={}, points=tuple(found), notes=loud(found))


def loud(found: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """A line that names the points at which others were busy."""
    noisy = [each["point"] for each in found if each["busy"] is None or each["busy"] > QUIET]
    places = ", ".join(f"{point['curve']} {point['value']}" for point in noisy)
    return (f"others used more than {QUIET:.0%} of the processor at: {places}",) if noisy else ()


def shrunk(point: Point, context: Context) -> Point:
    """Small where the run is quick."""
    return replace(point, prompts=min(point.prompts, 4), tokens=min(point.tokens, 8)) if context.quick else point


def measure(context: Context, point: Point) -> dict[str, Any]:
    """One point: sampled and learned once, after a little of both."""
    folder = context.model if point.model == "135M" else context.random_model(MODELS[point.model])
    job = {"kind": "growth", "model": str(folder), "dtype": context.dtype, "cores": point.cores or context.cores}
    request = {"prompts": prompts_of(context, point).tokens, "group": point.group, "tokens": point.tokens}
    child = context.child("ponder", job, "growth")
    try:
        warm(context, child, point)
        sampled, learned = (play(context, child, request | {"part": part}) for part in PARTS)
    finally:
        child.stop()
    context.say(
        f"  growth: {point.curve} {point.value}: sampled in {sampled['seconds']:.2f} s, learned in "
        f"{learned['seconds']:.2f} s"
    )
    shares = [part["busy"] for part in (sampled, learned)]
    busy = None if None in shares else max(shares)
    return {"point": asdict(point), "sample": sampled, "learn": learned, "busy": busy}


def warm(context: Context, child: Child, point: Point) -> None:
    """Sample and learn a little, so that nothing is done for the first time later."""
    little = replace(point, prompts=1, group=2, tokens=2)
    request = {"prompts": prompts_of(context, little).tokens, "group": little.group, "tokens": little.tokens}
    for part in PARTS:
        child.ask(request | {"part": part, "round": 0})


def play(context: Context, child: Child, request: Mapping[str, Any]) -> dict[str, Any]:
    """One repeat, again where others were busy."""
    repeat = quietest(Seat(child, list, request), round=0, tries=context.tries)
    return {name: getattr(repeat, name) for name in ("seconds", "tokens", "peak_bytes", "busy")}


def prompts_of(context: Context, point: Point) -> Prompts:
    """Prompts that the point's model can read."""
    if point.model == "135M":
        return worded(context.model, point.prompts)
    return random_words(SIZES[MODELS[point.model]], prompts=point.prompts, length=60)
