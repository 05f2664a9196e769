"""The verb that runs a study."""

from __future__ import annotations

import os
import time
from collections.abc import Container
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from ponder.cli.screen import people, print_json, say, visible
from ponder.model.hub import resolve
from ponder.studies import kept, results
from ponder.studies.asked import check_same
from ponder.studies.figures import check_drawable
from ponder.studies.run import Run, finished, plan, run_all, run_needed
from ponder.studies.schema import load_study
from ponder.types import PonderError


def study(path: Path, out: Path | None, *, workers: int | None, as_json: bool) -> None:
    """Run what is left of a study, and write what it comes to beside its file."""
    asked, console = load_study(path), people(as_json=as_json)
    folder, at_once = out or Path("runs") / f"study-{asked.name}", workers or os.cpu_count() or 1
    if at_once < 1:
        raise PonderError(f"workers = {workers}: give 1 or more")
    results.check_own(asked, path.parent)
    check_drawable(asked.figures)
    runs = plan(asked, path, folder)
    check_same(asked, path, runs)
    known = kept.read(asked, path, runs)
    progress = Progress(console, runs, known)
    if progress.ended < len(runs):
        run_needed(asked, path, heard=lambda task: say(console, f"made {task.folder}"))
        for model in [*asked.models, *map(str, asked.rotate.get("model.name", []))]:  # fetched once, not by every run
            resolve(model)

    def heard(run: Run, why: str) -> None:
        progress.heard(run, why)
        if not why:  # at once: what stops the study loses no seed
            kept.write(asked, path, [run], results.told(asked, [run]))

    wrong = run_all(asked, path, folder, workers=at_once, heard=heard, known=known)
    values = {**known, **results.told(asked, finished(asked, path, folder))}
    found = results.collect(asked, values)
    kept.write(asked, path, runs, values)
    decisions = results.write(asked, found, path.parent)
    for decision in decisions:
        say(console, f"{decision.word}: {decision.claim.says}")
    say(console, f"results {path.parent / results.RESULTS}")
    if as_json:
        told = {name: asdict(number) for name, number in results.numbers(asked, found).items()}
        print_json({"claims": {d.claim.says: d.word for d in decisions}, "numbers": told})
    if wrong:
        failed = ", ".join(f"{arm} seed {seed} ({visible(why, most=120)})" for (arm, seed), why in wrong.items())
        raise PonderError(f"{len(wrong)} of {len(progress.runs)} runs failed: {failed}; the same command tries again")


class Progress:
    """One line for each run as it ends."""

    def __init__(self, console: Console, runs: list[Run], known: Container[tuple[str, int]]) -> None:
        """`known`: arms and seeds of which is kept what they came to."""
        self.console, self.runs, self.began = console, runs, time.monotonic()
        there = sum(run.done for run in runs)
        gone = sum(not run.done and run.key in known for run in runs)
        self.ended = there + gone
        if there:
            say(console, f"{there} of {len(runs)} runs are there already")
        if gone:
            say(console, f"{gone} of {len(runs)} runs are kept in {kept.NAME} alone; without that file they run again")

    def heard(self, run: Run, why: str) -> None:
        """A run has ended."""
        self.ended += 1
        minutes = (time.monotonic() - self.began) / 60
        what = f"failed: {visible(why, most=200)}" if why else "done"
        say(self.console, f"[{self.ended}/{len(self.runs)}] {minutes:5.1f} min  {run.arm} seed {run.seed} {what}")
