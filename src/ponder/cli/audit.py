"""How far a verifier can be trusted, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ponder.cli.jobs import resumable
from ponder.cli.screen import people, print_json, say, visible
from ponder.measure import fitness, trust
from ponder.measure.fitness import interval, working
from ponder.recipes.audit import default_out, plan, run_audit
from ponder.report.card import TOLD, value, write_card
from ponder.runs import result
from ponder.runs.query import connect
from ponder.runs.result import Number

SHOWN = 5
"""Tricks that are named."""


def audit(
    verifier: str, on: str, out: Path | None, options: Mapping[str, int | None], *, resume: bool, as_json: bool
) -> None:
    """Audit a verifier, write its card, and print what it is fit for."""
    console = people(as_json=as_json)
    asked = plan(verifier, on, **options)
    for warning in asked.found.warnings:
        say(console, f"warning: {visible(warning)}", style="yellow")
    folder = out or default_out(asked)
    given = [word for name, value in options.items() if value for word in (f"--{name}", str(value))]
    with resumable(folder, ["audit", verifier, "--on", on, "--out", str(folder), *given]):
        run_audit(asked, folder, resume=resume, heard=lambda part, n: say(console, f"{part}: {n}", style="dim"))
    _conclude(folder, console, as_json=as_json)


def _conclude(folder: Path, console: Console, *, as_json: bool) -> None:
    numbers = result.read_result(folder)
    fit = fitness.fitness(numbers)
    console.print(Text(visible(fit.sentence), style="bold"))
    console.print(_table(numbers))
    for line in filter(None, (*_lost(folder), fitness.weakest(numbers), *_passing(numbers))):
        say(console, visible(line), style="yellow")
    paths = {"run": folder, "report": write_card(folder), "result": folder / result.NAME}
    for name, path in paths.items():
        say(console, f"{name:<7} {path}")
    if as_json:
        told: dict[str, Any] = {"fit": fit.fit.value, "sentence": fit.sentence}
        records = {name: asdict(number) for name, number in numbers.items()}
        print_json(told | {name: str(path) for name, path in paths.items()} | {"numbers": records})


def _table(numbers: Mapping[str, Number]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("", "value", "95% interval", "n"):
        grid.add_column(name, justify="right" if name else "left", no_wrap=True)
    for name, label in TOLD.items():
        number = numbers.get(f"audit.{name}")
        if number and number.value is not None:
            span = "" if number.low is None else interval(number)
            grid.add_row(
                label,
                value(number),
                span,
                str(number.n),
            )
    return grid


def _lost(folder: Path) -> list[str]:
    """What was not judged, and why."""
    connection, _ = connect(folder)
    with connection:
        return [f"not judged: {count} ({status}), such as: {why}" for status, count, why in trust.lost(connection)]


def _passing(numbers: Mapping[str, Number]) -> list[str]:
    """The tricks that surely work, the best few of them."""
    rates = {name: numbers[f"audit.trick.{name}.fpr"] for name in working(numbers)}
    lines = [f"trick {name}: {rate.value:.2f} pass ({interval(rate)})" for name, rate in rates.items()]
    return lines if len(lines) <= SHOWN else [*lines[:SHOWN], f"and {len(lines) - SHOWN} more tricks"]
