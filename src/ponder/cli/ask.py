"""A question answered, for people and as JSON; thinking is folded into one line as it grows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ponder.cli.jobs import announce_fetching
from ponder.cli.screen import people, print_json, say, visible
from ponder.engine.events import Desk
from ponder.recipes.ask import AskConfig, Asked, plan
from ponder.recipes.load import lay_over, parse
from ponder.solve.solution import Solution, Why
from ponder.types import PonderError, Verdict

T = TypeVar("T")
"""A piece: a token id, or text."""
UNTRUSTED = 1
"""Exit status where there is no answer, or only one that breaks the spec."""
PER_SECOND = 8
"""Times that the line is drawn anew, at most."""
SHOWN = 5
"""Answers whose votes are told."""


def ask(
    target: str, question: str, wanted: Mapping[str, Any], settings: Sequence[str], *, whole: bool, as_json: bool
) -> int:
    """Answer a question; returns the exit status. `wanted`: fields of `AskConfig`, None where not said."""
    console = people(as_json=as_json)
    values = {name: value for name, value in wanted.items() if value is not None}
    for setting in settings:
        lay_over(values, setting)
    config = parse(AskConfig, values, where="ask")
    text = sys.stdin.read() if question == "-" else question
    announce_fetching(console, target)
    asked = plan(target, text, config)
    with _streaming(console, asked, whole=whole):
        (found,) = asked.solver.solve([asked.problem])
    if found.answer is None and found.why is Why.LOST:
        raise PonderError(f"{target}: {next(found.lost())}")
    if as_json:
        print_json(record(found, target, config))
    else:
        _tell(console, found, config, whole=whole)
    return UNTRUSTED if found.answer is None or found.kept is False else 0


def record(found: Solution, target: str, config: AskConfig) -> dict[str, Any]:
    """The one object of `--json`; its keys are always there."""
    chosen = None if found.chosen is None else found.tries[found.chosen]
    return {
        "model": target,
        "question": found.problem.question,
        "answer": found.answer,
        "thinking": chosen.thinking if chosen else None,
        "why": found.why.value,
        "error": found.error,
        "samples": len(found.tries),
        "votes": found.counts,
        "tokens": {
            "total": found.tokens + found.verifier_tokens,
            "thinking": found.thinking_tokens,
            "answer": found.answer_tokens,
            "verifier": found.verifier_tokens,
        },
        "seconds": round(found.seconds, 3),
        "verifier": _verdict(found.verified),
        "spec": {"name": config.spec, "kept": found.kept, **(_verdict(found.spec) or {})} if config.spec else None,
        "seed": config.seed,
    }


def _verdict(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {"value": verdict.value, "status": verdict.status.value, "explanation": verdict.explanation}


def _tell(console: Console, found: Solution, config: AskConfig, *, whole: bool) -> None:
    chosen = None if found.chosen is None else found.tries[found.chosen]
    if chosen and chosen.thinking:
        told = _lines(chosen.thinking) if whole else f"thought ({_count(chosen.thinking_tokens)} tokens; --thinking)"
        say(console, told, style="dim")
    say(console, _lines(chosen.answer) if chosen else "no answer", style="bold" if chosen else "yellow")
    say(console, f"{found.why}: {_votes(found)}", style="dim")
    say(console, _spent(found), style="dim")
    for name, verdict in (("verifier", found.verified), (f"spec {config.spec}", found.spec)):
        if verdict:
            say(console, f"{name}: {_judged(name, verdict, found)}", style="yellow" if found.kept is False else "dim")


def _votes(found: Solution) -> str:
    told = [f"{count} for {visible(answer, most=40)}" for answer, count in list(found.counts.items())[:SHOWN]]
    without = found.votes.count(None)
    more = len(found.counts) - SHOWN
    told += [f"{more} more answers"] if more > 0 else []
    told += [f"{without} without a vote"] if without else []
    means = f"; the model's commonest answer, at an error of {found.error:g}" if found.why is Why.AGREED else ""
    return f"of {len(found.votes)} samples {', '.join(told)}{means}"


def _spent(found: Solution) -> str:
    split = (
        "" if found.thinking_tokens is None else f" ({found.thinking_tokens} thinking, {found.answer_tokens} answer)"
    )
    verdicts = f", {found.verifier_tokens} of verdicts" if found.verifier_tokens else ""
    return f"spent: {found.tokens} tokens{split}{verdicts}, {found.seconds:.1f} s"


def _judged(name: str, verdict: Verdict, found: Solution) -> str:
    if verdict.value is None:
        return f"not judged ({verdict.status}): {visible(verdict.explanation, most=200)}"
    kept = {True: "kept, ", False: "broken, ", None: ""}[found.kept if name.startswith("spec") else None]
    return f"{kept}{verdict.value:.2f}; {visible(verdict.explanation, most=200)}"


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _lines(text: str) -> str:
    """A text of several lines, with nothing in it that would steer a terminal."""
    return "\n".join(visible(line) for line in text.splitlines())


@contextmanager
def _streaming(console: Console, asked: Asked, *, whole: bool) -> Iterator[None]:
    """Show on a terminal what is being written; gone when it is done."""
    if not console.is_terminal:
        yield
        return
    with Live(console=console, transient=True, auto_refresh=False) as live:
        if asked.server:
            asked.server.desk = Desk(Stream[str](live, asked.server.shown, unit="pieces", whole=whole).heard)
        if asked.policy:
            asked.policy.sampler.heard = Stream(live, asked.policy.chat.text, whole=whole).heard
        try:
            yield
        finally:
            if asked.server:
                asked.server.desk = None
            if asked.policy:
                asked.policy.sampler.heard = None


class Stream(Generic[T]):
    """What is being written, piece by piece, as one line that grows or, with `whole`, as it stands."""

    def __init__(
        self, live: Live, text: Callable[[Sequence[T]], str], *, unit: str = "tokens", whole: bool = False
    ) -> None:
        """`live`: where it is drawn; `text`: of pieces; `unit`: what they are."""
        self.live, self.text, self.unit, self.whole = live, text, unit, whole
        self.drawn = 0.0

    def heard(self, written: Mapping[Any, Sequence[T]]) -> None:
        """Draw it, unless that was just done. `written`: pieces by sample."""
        now = time.monotonic()
        if written and now - self.drawn >= 1 / PER_SECOND:
            self.drawn = now
            self.live.update(Text(self.line(written), style="dim", no_wrap=not self.whole), refresh=True)

    def line(self, written: Mapping[Any, Sequence[T]]) -> str:
        """How many pieces there are, and how the text of the first sample goes on."""
        text = self.text(next(iter(written.values())))
        count = f"{len(written)} at once, {sum(map(len, written.values()))} {self.unit}"
        if self.whole:
            return f"{count}\n{_lines(text)}"
        room = max(8, self.live.console.width - len(count) - 4)
        return f"{count}: …{visible(text)[-room:]}"
