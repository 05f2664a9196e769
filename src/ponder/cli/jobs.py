"""The two verbs that make runs: they show a run as it goes, and what it came to."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from ponder.cli.models import is_cached
from ponder.cli.screen import people, print_json, say, visible
from ponder.cli.watch import watching
from ponder.measure import transfer
from ponder.measure.printing import print_table
from ponder.model import hub
from ponder.model.devices import device_of
from ponder.recipes.load import load_recipe, parse
from ponder.recipes.measure import default_out, find_subject
from ponder.recipes.measure import measure as measure_subject
from ponder.recipes.record import settled
from ponder.recipes.schema import MeasureConfig, Recipe
from ponder.recipes.train import train as train_recipe
from ponder.report.page import write_report
from ponder.runs import result
from ponder.runs.folder import Run
from ponder.runs.query import connect
from ponder.types import PonderError


def train(
    path: Path, out: Path | None, settings: Sequence[str], *, resume: bool, as_json: bool, beginnings: Path | None
) -> None:
    """Train by the recipe in a file."""
    asked = load_recipe(path, settings)
    folder, console = out or Path("runs") / asked.name, people(as_json=as_json)
    recipe = settled(asked, folder)
    say(console, plan(recipe, folder))
    announce_fetching(console, recipe.model.name)
    sets = [word for setting in settings for word in ("--set", setting)] + _shared(beginnings)
    with resumable(folder, ["train", str(path), "--out", str(folder), *sets]), watching(console) as watch:
        train_recipe(recipe, folder, resume=resume, watch=watch, beginnings=beginnings)
    conclude(folder, console, as_json=as_json)


def measure(
    target: str,
    wanted: Mapping[str, Any],
    settings: Sequence[str],
    out: Path | None,
    *,
    resume: bool,
    as_json: bool,
    beginnings: Path | None,
) -> None:
    """Measure a model, a run or what an endpoint serves; `wanted`: the fields of `MeasureConfig`."""
    suite, subject = parse(MeasureConfig, wanted, where="measure"), find_subject(target, settings)
    folder, console = out or default_out(subject, suite.suite), people(as_json=as_json)
    model = settled(subject.recipe, folder).model
    where = f" at {subject.server.url}" if subject.server else f" in {model.dtype}{_place(subject.recipe)}"
    what = f"{', '.join(subject.weights)}{where}, suite {suite.suite}"
    say(console, f"{visible(subject.name)}: {what} → {folder}")
    if not subject.server:
        announce_fetching(console, model.name)
    sets = [word for setting in settings for word in ("--set", setting)] + _shared(beginnings)
    options = [word for name, value in wanted.items() if value is not None for word in (f"--{name}", str(value))]
    with resumable(folder, ["measure", target, "--out", str(folder), *options, *sets]), watching(console) as watch:
        measure_subject(subject, suite, folder, resume=resume, watch=watch, beginnings=beginnings)
    conclude(folder, console, as_json=as_json)


def plan(recipe: Recipe, folder: Path) -> str:
    """What is going to happen, in a line."""
    cold, distil, rl, asked = recipe.cold_start, recipe.distil, recipe.rl, recipe.measure
    parts = [
        f"{recipe.name}: {recipe.model.name} in {recipe.model.dtype}{_place(recipe)}",
        f"cold start {cold.steps} steps on {', '.join(cold.domains)}" if cold else "",
        f"distillation of {distil.spec} {distil.asks} + {distil.steps} steps on {', '.join(distil.domains)}"
        if distil
        else "",
        f"reinforcement {rl.steps} steps on {', '.join(rl.domains)}" if rl else "",
        f"suite {asked.suite}" if asked else "",
        f"training for at most {recipe.minutes:g} minutes" if recipe.minutes else "",
    ]
    return visible(f"{'; '.join(part for part in parts if part)} → {folder}")


def _shared(beginnings: Path | None) -> list[str]:
    return ["--beginnings", str(beginnings)] if beginnings else []


def _place(recipe: Recipe) -> str:
    device = device_of(recipe.model.device)
    return "" if device.type == "cpu" else f" on {device.type}"


def announce_fetching(console: Console, model: str) -> None:
    """Say that a model has to be fetched, where that is so."""
    if model in hub.KNOWN and not is_cached(model):
        say(console, f"fetching {model}: {hub.KNOWN[model].about}")


@contextmanager
def resumable(folder: Path, words: Sequence[str]) -> Iterator[None]:
    """Let Ctrl-C say what was saved, and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        again = shlex.join(["ponder", *words, "--resume"])
        raise KeyboardInterrupt(f"interrupted; {saved(folder)}; go on with: {again}") from None


def saved(folder: Path) -> str:
    """What a run holds that will not be done again."""
    try:
        run = Run.open(folder)
    except PonderError:
        return "nothing was written yet"
    checkpoint, _ = run.latest_checkpoint()
    kept = [path.stem for path in sorted(folder.glob("measured/*.parquet"))]
    parts = [f"measured: {', '.join(kept)}"] if kept else []
    if checkpoint:
        state = checkpoint.state
        parts.insert(0, f"checkpoint {checkpoint.number} ({state['stage']}, step {state['step']})")
    return f"saved in {folder}: {' and '.join(parts) or 'no checkpoint yet'}"


def conclude(folder: Path, console: Console, *, as_json: bool) -> None:
    """The transfer table, the report, and where everything is."""
    connection, warnings = connect(folder)
    with connection:
        table = transfer.table(connection)
    if table.domains:
        print_table(table, console)
    for warning in warnings:
        say(console, f"warning: {visible(warning)}", style="yellow")
    paths = {"run": folder, "report": write_report(folder), "result": folder / result.NAME}
    for name, path in paths.items():
        say(console, f"{name:<7} {path}")
    if as_json:
        numbers = {name: asdict(number) for name, number in result.read_result(folder).items()}
        status = {"status": Run.open(folder).manifest["status"]}
        print_json(status | {name: str(path) for name, path in paths.items()} | {"numbers": numbers})
