"""What a run says of itself: the manifest it begins with, and the numbers it comes to."""

from __future__ import annotations

import hashlib
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ponder.measure import (
    adaptive,
    allocation,
    attacked,
    bill,
    budgets,
    choosing,
    modes,
    moved,
    surface,
    transfer,
    watching,
)
from ponder.measure.watching import Watch
from ponder.model.devices import device_of
from ponder.model.dtypes import fastest
from ponder.recipes.judges import digests, specs_read
from ponder.recipes.load import load_suite
from ponder.recipes.schema import DomainConfig, Recipe
from ponder.runs import manifests
from ponder.runs.folder import Run
from ponder.runs.machine import git_commit, machine, versions
from ponder.runs.query import connect
from ponder.runs.result import Number
from ponder.stages.drive import went_back
from ponder.types import PonderError


def manifest(recipe: Recipe, domains: Mapping[str, DomainConfig]) -> dict[str, Any]:
    """What a run is: everything that decides its bytes, files and specs that it reads included, and its machine."""
    suite = load_suite(recipe.measure.suite) if recipe.measure else None
    return {
        "recipe": recipe.model_dump(mode="json"),
        "suite": suite.model_dump(mode="json") if suite else None,
        "seeds": {"recipe": recipe.seed, "suite": suite.seed if suite else None},
        "data": {name: _digest(name, c.options["path"]) for name, c in domains.items() if "path" in c.options}
        | digests(specs_read(recipe)),
        "versions": versions(),
        "git_commit": git_commit(),
        "machine": machine(),
    }


def settled(recipe: Recipe, out: Path) -> Recipe:
    """The recipe with a dtype that is none of `auto`: that of the run in `out`, else the fastest here.

    What is in the manifest is never decided again, so a run resumes on another machine as it began.
    """
    if recipe.model.dtype != "auto":
        return recipe
    begun = manifests.read(out).get("recipe") if (out / manifests.NAME).exists() else None
    dtype = begun["model"]["dtype"] if isinstance(begun, dict) else fastest(device_of(recipe.model.device))
    model = recipe.model.model_copy(update={"dtype": dtype})
    return recipe.model_copy(update={"model": model})


def _digest(domain: str, path: Any) -> str:
    if not isinstance(path, str):
        raise PonderError(f"{domain}.path = {path!r}: must be text or a path")
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PonderError(f"{path}: {error.strerror}; give a file that can be read") from None


def numbers(
    run: Run, *, measured: bool, watch: Watch | None = None, price: tuple[float, float] | None = None
) -> dict[str, Number]:
    """What the run comes to: transfer, cost in minutes and memory, and what watching its training came to.

    `price`: money for a million tokens read, and for a million written.
    """
    sessions = [row for row in run.timings() if row["stage"] == "run"]
    total, peak = sum(row["minutes"] for row in sessions), max(row["peak_gb"] for row in sessions)
    found = {
        "cost.minutes": Number(total, total, total, len(sessions), "minutes", "timings.jsonl: sum of run.minutes"),
        "cost.peak_gb": Number(peak, peak, peak, len(sessions), "GB", "timings.jsonl: largest run.peak_gb"),
    }
    if measured:
        connection, _ = connect(run.path)
        with connection:
            for query in (transfer, modes, choosing, moved, attacked, budgets, allocation, surface, adaptive):
                found |= query.numbers(connection)
            seconds = {row["condition"]: row["seconds"] for row in run.timings() if row["stage"] == "measure"}
            found |= bill.numbers(connection, price=price, seconds=seconds)
    if watch:
        connection, _ = connect(run.path, kind="rollouts")
        with connection:
            found |= watching.numbers(connection, watch) | _went_back(run)
    return found


def _went_back(run: Run) -> dict[str, Number]:
    """The step of reinforcement that the policy is of, where an alarm sent it back."""
    newest, _ = run.latest_checkpoint()
    step = went_back(newest, "reinforce") if newest else None
    if newest is None or step is None:
        return {}
    steps = newest.marks["rollouts"]["reinforce"] + 1
    return {"watch.rolled_back_to": Number(step, None, None, steps, "step", "the newest checkpoint's state.json")}


def peak_gb() -> float:
    """Largest resident size of this process so far, in GB (Linux counts in kilobytes, macOS in bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
