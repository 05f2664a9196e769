"""One work, several contestants: start them all, let them take turns, stop them all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from typing import Any

from benchmarks.child import Child, Seat
from benchmarks.context import Context
from benchmarks.figures import Figure
from benchmarks.rounds import GoneError, Played, Repeat, play_rounds
from benchmarks.store import Outcome


def side_by_side(
    context: Context,
    work: str,
    jobs: Mapping[str, Mapping[str, Any]],
    figures: Collection[Figure],
    notes: Collection[str] = (),
) -> Outcome:
    """Rounds of the work by everybody who has a job."""
    with ExitStack() as stack:
        children, absent = _start(context, work, jobs, stack)
        seats = {name: _seat(context, work, name, children) for name in children}

        def heard(name: str, repeat: Repeat) -> None:
            busy = "unseen" if repeat.busy is None else f"{repeat.busy:.1%}"
            context.say(
                f"  {work} round {repeat.round}: {name} {repeat.seconds:.2f} s, {repeat.tokens} tokens, "
                f"peak {repeat.peak_bytes / 1e9:.2f} GB, others {busy}"
            )

        played = play_rounds(seats, context.repeats, tries=context.tries, heard=heard)
    played.absent |= absent
    known = {name: child.known for name, child in children.items()}
    played.choosing |= {name: child.busy for name, child in children.items() if "choice" in child.known}
    return Outcome.of(played, figures, known, (*notes, *uneven(played)))


def _start(
    context: Context, work: str, jobs: Mapping[str, Mapping[str, Any]], stack: ExitStack
) -> tuple[dict[str, Child], dict[str, str]]:
    """Children that are ready, one after the other, and why others are not."""
    children: dict[str, Child] = {}
    absent: dict[str, str] = {}
    for name, job in jobs.items():
        context.say(f"  {work}: {name} gets ready")
        try:
            children[name] = context.child(name, job, work)
        except GoneError as error:
            context.say(f"  {work}: {name} is absent: {error}")
            absent[name] = str(error)
        else:
            stack.callback(children[name].stop)
    return children, absent


def _seat(context: Context, work: str, name: str, children: Mapping[str, Child]) -> Seat:
    def others() -> list[Child]:
        return [child for other, child in children.items() if other != name]

    return Seat(children[name], others, {"texts": str(context.texts(work, name))})


def uneven(played: Played) -> list[str]:
    """A line where contestants did not produce the same number of tokens."""
    counts = {
        name: sorted({repeat.tokens for repeat in repeats}) for name, repeats in played.repeats.items() if repeats
    }
    if len({tuple(count) for count in counts.values()}) <= 1:
        return []
    told = ", ".join(f"{name} {' to '.join(map(str, (count[0], count[-1])))}" for name, count in counts.items())
    return [f"token counts differ: {told}"]
