"""Runs of a study: a run a core, each resumable by itself; one that fails does not stop the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponder.runs import lock, manifests
from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.runs.manifests import first_change
from ponder.studies.asked import asked_of, asked_of_need, said_of_suite
from ponder.studies.schema import Study, recipe_of
from ponder.types import PonderError

BEGINNINGS = "beginnings"
"""In a study's folder: what its models say before any training, for all arms of a seed."""
DONE = "done"
"""Status of a run that has ended well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One process."""

    folder: Path
    """The run folder that it fills."""
    command: tuple[str, ...]
    """What is called for it."""
    asked: Mapping[str, Any]
    """What decides what it comes to, as `ponder.studies.asked` tells it."""

    @property
    def stamp(self) -> Path:
        """Beside its folder: what it was asked when it began."""
        return self.folder.with_name(f"{self.folder.name}.asked.json")

    @property
    def done(self) -> bool:
        """Whether it has ended well."""
        return (self.folder / manifests.NAME).exists() and manifests.read(self.folder)["status"] == DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a study."""

    arm: str
    """Of which arm."""
    seed: int
    """With which seed."""
    tasks: tuple[Task, ...]
    """Its training, then a measurement for each further suite."""

    @property
    def key(self) -> tuple[str, int]:
        """Its arm and seed."""
        return self.arm, self.seed

    @property
    def folder(self) -> Path:
        """Where its training is kept."""
        return self.tasks[0].folder

    @property
    def done(self) -> bool:
        """Whether all of it has ended well."""
        return all(task.done for task in self.tasks)


def plan(study: Study, path: Path, out: Path) -> list[Run]:
    """Every run, seed after seed: what has been done at any time has all arms of a seed."""
    return [
        Run(arm=arm, seed=seed, tasks=tuple(_tasks(study, path, arm, seed, out / f"{arm}-{seed}")))
        for seed in study.seeds
        for arm in study.own_arms
    ]


def _tasks(study: Study, path: Path, arm: str, seed: int, folder: Path) -> Iterator[Task]:
    shared = ("--beginnings", str(folder.parent / BEGINNINGS))
    settings, asked = study.settings(arm, seed), asked_of(study, path, arm, seed)
    yield _task(folder, asked, "train", str(recipe_of(study, path, arm)), *_sets(settings), *shared)
    for suite in study.arms[arm].also:
        beside, file = folder.with_name(f"{folder.name}-{Path(suite).stem}"), str(path.parent / suite)
        yield _task(beside, asked | {"also": said_of_suite(file)}, "measure", str(folder), "--suite", file, *shared)
    for verifier, kinds in study.arms[arm].audits.items():
        for kind in kinds:
            beside = folder.with_name(f"{folder.name}-{verifier}-{kind}")
            yield _task(beside, asked | {"audit": [verifier, kind]}, "audit", f"{folder}:{verifier}", "--on", kind)


def needed(study: Study, path: Path, runs: Iterable[Run]) -> list[Task]:
    """What is made before these runs, in the order given: one may begin with another."""
    named = {out for run in runs for out in run.tasks[0].asked["needs"]}
    return [
        _task(Path(need.out), asked_of_need(path, need), "train", str(path.parent / need.recipe), *_sets(need.settings))
        for need in study.needs
        if need.out in named
    ]


def _sets(settings: Iterable[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def _task(folder: Path, asked: Mapping[str, Any], verb: str, *words: str) -> Task:
    command = (sys.executable, "-m", "ponder", verb, *words, "--out", str(folder), "--resume", "--json")
    return Task(folder=folder, command=command, asked=asked)


def check_same(tasks: Iterable[Task]) -> None:
    """Raise PonderError where something is there that was begun when it was asked otherwise.

    What was made outside of a study, and so has no stamp, is taken as it is.
    """
    for task in tasks:
        begun = task.folder.exists() and task.stamp.exists()
        if begun and (change := first_change(_stamped(task), task.asked)):
            key, was, now = change
            what = f"{key} was {was!r} when it was begun and is {now!r} now"
            raise PonderError(f"{task.folder}: {what}; change it back, or remove {task.folder} and {task.folder}-*")


def _stamped(task: Task) -> dict[str, Any]:
    try:
        return dict(json.loads(task.stamp.read_bytes()))
    except ValueError:
        raise PonderError(f"{task.stamp}: damaged; remove {task.folder} and {task.folder}-*") from None


def run_needed(tasks: Iterable[Task], *, heard: Callable[[Task], None]) -> None:
    """Make what runs begin with, if it is not there. Raises PonderError where that fails: no arm could run."""
    for task in tasks:
        if task.done:
            continue
        if why := _called(task, _share(1)):
            raise PonderError(f"needs: {task.folder} failed: {why}; the same command tries again")
        heard(task)


def run_all(runs: Iterable[Run], *, workers: int, heard: Callable[[Run, str], str]) -> dict[tuple[str, int], str]:
    """Run them; returns what went wrong, by arm and seed.

    `heard` is told of each as it ends, with what went wrong or an empty text, and says whether something is wrong now.
    """
    wrong = {}
    with ThreadPoolExecutor(workers) as pool:
        asked = {pool.submit(execute, run, workers): run for run in runs}
        try:
            for ended in as_completed(asked):
                run = asked[ended]
                if why := heard(run, ended.result()):
                    wrong[run.key] = why
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return wrong


def execute(run: Run, workers: int) -> str:
    """A run's processes, one after the other, with its share of the cores; empty, or the last word of what failed."""
    whys = (_called(task, _share(workers)) for task in run.tasks if not task.done)
    return next(filter(None, whys), "")


def _share(workers: int) -> dict[str, str]:
    """The environment of a process that has its share of the cores."""
    return {**os.environ, "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // workers))}


def _called(task: Task, environment: Mapping[str, str]) -> str:
    task.folder.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(task.stamp, to_json(task.asked, indent=1))
    log = task.folder.with_name(f"{task.folder.name}.log")
    with log.open("wb") as errors:
        done = subprocess.run(task.command, stdout=subprocess.DEVNULL, stderr=errors, env=environment, check=False)
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("ponder: ") if lines else f"ended with status {done.returncode}"


@contextmanager
def held(out: Path) -> Iterator[None]:
    """The study's folder, for one process alone."""
    out.mkdir(parents=True, exist_ok=True)
    file = lock.acquire(out)
    try:
        yield
    finally:
        lock.release(file)
