"""Runs of a study: a run a core, each resumable by itself; one that fails does not stop the others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ponder.runs import lock, manifests
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


def needed(study: Study, path: Path) -> list[Task]:
    """What is made before any run."""
    return [
        _task(Path(need.out), "train", str(path.parent / need.recipe), *_sets(need.settings)) for need in study.needs
    ]


def _sets(settings: Iterable[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def _tasks(study: Study, path: Path, arm: str, seed: int, folder: Path) -> Iterator[Task]:
    shared = ("--beginnings", str(folder.parent / BEGINNINGS))
    yield _task(folder, "train", str(recipe_of(study, path, arm)), *_sets(study.settings(arm, seed)), *shared)
    for suite in study.arms[arm].also:
        beside = folder.with_name(f"{folder.name}-{Path(suite).stem}")
        yield _task(beside, "measure", str(folder), "--suite", str(path.parent / suite), *shared)
    for verifier, kinds in study.arms[arm].audits.items():
        for kind in kinds:
            beside = folder.with_name(f"{folder.name}-{verifier}-{kind}")
            yield _task(beside, "audit", f"{folder}:{verifier}", "--on", kind)


def _task(folder: Path, verb: str, *words: str) -> Task:
    command = (sys.executable, "-m", "ponder", verb, *words, "--out", str(folder), "--resume", "--json")
    return Task(folder=folder, command=command)


def run_needed(study: Study, path: Path, *, heard: Callable[[Task], None]) -> None:
    """Make what the runs begin with, if it is not there, in the order given: one may begin with another.

    Raises PonderError where that fails: no arm could run.
    """
    for task in needed(study, path):
        if task.done:
            continue
        if why := _called(task, _share(1)):
            raise PonderError(f"needs: {task.folder} failed: {why}; the same command tries again")
        heard(task)


def run_all(
    study: Study,
    path: Path,
    out: Path,
    *,
    workers: int,
    heard: Callable[[Run, str], None],
    known: Container[tuple[str, int]] = (),
) -> dict[tuple[str, int], str]:
    """Run what has not been done yet and is not `known`, by arm and seed; returns what went wrong likewise.

    `heard` is told of each run as it ends, with what went wrong or an empty text.
    """
    with held(out):
        runs = [run for run in plan(study, path, out) if not run.done and run.key not in known]
        wrong = {}
        with ThreadPoolExecutor(workers) as pool:
            asked = {pool.submit(execute, run, workers): run for run in runs}
            try:
                for ended in as_completed(asked):
                    run, why = asked[ended], ended.result()
                    if why:
                        wrong[run.key] = why
                    heard(run, why)
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


def finished(study: Study, path: Path, out: Path) -> Iterator[Run]:
    """The runs that have ended well."""
    return (run for run in plan(study, path, out) if run.done)
