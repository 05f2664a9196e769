"""`python -m benchmarks`: measure every work, or one, and keep what is found after each."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.page import page
from benchmarks.plot import svg
from benchmarks.store import Outcome, Store
from benchmarks.works import WORKS
from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.runs.machine import git_commit, machine

HERE = Path(__file__).parent
ROOT = HERE.parent
KEPT = ROOT / ".bench"
"""Environments, models, logs and texts."""
LEAST_REPEATS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks for."""
    asked = parser().parse_args(arguments)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    repeats = asked.repeats or (1 if asked.quick else LEAST_REPEATS)
    context = Context(folder=KEPT, quick=asked.quick, repeats=repeats, cores=cores, say=say)
    folder = KEPT / "quick" if asked.quick else HERE
    store = Store(folder, keep=asked.resume or asked.only is not None)
    works = {asked.only: WORKS[asked.only]} if asked.only else WORKS
    left = {name: work for name, work in works.items() if not (asked.resume and store.done(name))}
    measure(context, store, left, curves=KEPT / "quick" if asked.quick else ROOT / "docs")
    say(page(store.works))


def measure(context: Context, store: Store, works: dict[str, Callable[[Context], Outcome]], *, curves: Path) -> None:
    """Work after work, each saved before the next; `curves`: folder of the plot."""
    for name, work in works.items():
        say(f"{name} ...")
        outcome = work(context)
        store.add(name, outcome, made=made(context))
        write_atomic(store.folder / "results.md", page(store.works))
        if outcome.points:
            write_atomic(store.folder / "growth.json", to_json({"points": list(outcome.points)}, indent=1))
            write_atomic(curves / "growth.svg", svg(outcome.points))


def made(context: Context) -> dict[str, Any]:
    """By what and when a work was measured."""
    told = machine()
    rates = ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in context.gflops.items())
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "commit": git_commit(ROOT) or "unknown",
        "machine": f"{told['cpu']}, {context.cores} cores, {told['memory_gb']} GB, {told['system']}",
        "dtypes": f"a product of 1,024 x 1,024 reaches {rates}, so {context.dtype} was asked for",
        "quick": context.quick,
        "repeats": context.repeats,
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    found.add_argument("--only", choices=WORKS, help="measure this work alone; the others' numbers stay")
    found.add_argument("--resume", action="store_true", help="leave out what has been measured")
    found.add_argument("--repeats", type=int, help=f"rounds of each work ({LEAST_REPEATS})")
    found.add_argument("--quick", action="store_true", help="tiny sizes, one round, kept in .bench/quick alone")
    return found


def say(text: str) -> None:
    """At once, for those who wait."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
