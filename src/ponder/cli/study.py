"""The verb that runs a study."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Container, Mapping
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from ponder.cli.screen import people, print_json, say, visible
from ponder.model.hub import resolve
from ponder.studies import kept, results
from ponder.studies.figures import check_drawable
from ponder.studies.run import Run, check_same, held, needed, plan, run_all, run_needed
from ponder.studies.schema import Study, load_study
from ponder.types import PonderError


def study(path: Path, out: Path | None, *, workers: int | None, as_json: bool) -> None:
    """Run what is left of a study, and write what it comes to beside its file."""
    asked, console = load_study(path), people(as_json=as_json)
    folder, at_once = out or Path("runs") / f"study-{asked.name}", workers or os.cpu_count() or 1
    if at_once < 1:
        raise PonderError(f"workers = {workers}: give 1 or more")
    for written in (results.RESULTS, kept.NAME):
        results.check_own(asked, path.parent / written)
    check_drawable(asked.figures)
    runs = plan(asked, path, folder)
    known, otherwise = kept.read(asked, path, runs)
    progress = Progress(console, runs, known, otherwise)
    left = [run for run in runs if not run.done and run.key not in known]
    _prepare(asked, path, runs, left, console)
    with held(folder):
        values = {**known, **results.told(asked, [run for run in runs if run.done])}
        kept.write(asked, path, runs, values)
        wrong = _run(asked, path, left, values, progress, workers=at_once)
    elsewhere, _ = kept.read(asked, path, runs)  # another folder's `ponder study` may have added some meanwhile
    found = results.collect(asked, {**elsewhere, **values})
    decisions = results.write(asked, found, path.parent)
    for decision in decisions:
        say(console, f"{decision.word}: {decision.claim.says}")
    say(console, f"results {path.parent / results.RESULTS}")
    if as_json:
        told = {name: asdict(number) for name, number in results.numbers(asked, found).items()}
        print_json({"claims": {d.claim.says: d.word for d in decisions}, "numbers": told})
    if wrong:
        failed = ", ".join(f"{arm} seed {seed} ({visible(why, most=120)})" for (arm, seed), why in wrong.items())
        raise PonderError(f"{len(wrong)} of {len(runs)} runs failed: {failed}; the same command tries again")


def _prepare(asked: Study, path: Path, runs: list[Run], left: list[Run], console: Console) -> None:
    """Make what those that are left begin with; what is wrong is said before the study has a folder."""
    first = needed(asked, path, left)
    check_same([*first, *(task for run in runs for task in run.tasks)])
    if left:
        run_needed(first, heard=lambda task: say(console, f"made {task.folder}"))
        for model in filter(None, {asked.model_of(run.seed) for run in left}):  # fetched once, not by every run
            resolve(model)


def _run(
    asked: Study,
    path: Path,
    left: list[Run],
    values: dict[tuple[str, int], Mapping[str, Mapping[str, float]]],
    progress: Progress,
    *,
    workers: int,
) -> dict[tuple[str, int], str]:
    """Run what is left and put what it comes to among the values; returns what went wrong, by arm and seed."""

    def heard(run: Run, why: str) -> str:
        if not why:
            try:
                values.update(results.told(asked, [run]))
                kept.write(asked, path, [run], values)  # at once: what stops the study loses no seed
            except PonderError as error:
                why = str(error)
        progress.heard(run, why)
        return why

    return run_all(left, workers=workers, heard=heard)


class Progress:
    """One line for each run as it ends."""

    def __init__(
        self, console: Console, runs: list[Run], known: Container[tuple[str, int]], otherwise: Collection[Run]
    ) -> None:
        """`known`: arms and seeds of which is kept what they came to; `otherwise`: runs that were asked otherwise."""
        self.console, self.runs, self.began = console, runs, time.monotonic()
        there = sum(run.done for run in runs)
        gone = sum(not run.done and run.key in known for run in runs)
        self.ended = there + gone
        if there:
            say(console, f"{there} of {len(runs)} runs are there already")
        if gone:
            say(console, f"{gone} of {len(runs)} runs are kept in {kept.NAME} alone; without that file they run again")
        if again := sum(not run.done for run in otherwise):
            say(console, f"{again} of {len(runs)} runs stand in {kept.NAME} and were asked otherwise: they run again")

    def heard(self, run: Run, why: str) -> None:
        """A run has ended."""
        self.ended += 1
        minutes = (time.monotonic() - self.began) / 60
        what = f"failed: {visible(why, most=200)}" if why else "done"
        say(self.console, f"[{self.ended}/{len(self.runs)}] {minutes:5.1f} min  {run.arm} seed {run.seed} {what}")
