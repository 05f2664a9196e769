"""One run from recipe to numbers: measure, cold start, measure, reinforce, measure."""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ponder.engine.learner import LocalLearner
from ponder.measure import transfer
from ponder.measure.suite import CONDITIONS, Condition, Suite
from ponder.recipes import build
from ponder.recipes.load import load_suite
from ponder.recipes.progress import Watcher
from ponder.recipes.schema import Recipe
from ponder.rollout import Roller
from ponder.runs.checkpoints import Checkpoint
from ponder.runs.folder import Run
from ponder.runs.machine import git_commit, machine, versions
from ponder.runs.query import connect
from ponder.runs.result import Number
from ponder.runs.table import damage, write_rollouts
from ponder.stages.drive import Keeper, Stage, drive
from ponder.types import PonderError

STAGES = ("cold_start", "reinforce")
"""In the order they run."""


def train(recipe: Recipe, out: Path, *, resume: bool = False, watch: Watcher | None = None) -> Path:
    """Run a recipe, or go on with it; returns the run folder.

    Everything that can be wrong with the recipe is found before the folder is made.
    """
    began = time.monotonic()
    found = build.training_domains(recipe)
    suite = build.build_suite(recipe.measure.suite, recipe) if recipe.measure else None
    policy = build.build_policy(recipe.model)
    with Run.create(out, manifest(recipe), resume=resume) as run:
        training = Training(recipe, run, policy, found, watch or Watcher())
        training.go(suite, began)
        run.log_timing("run", 0, {"minutes": (time.monotonic() - began) / 60})
        run.write_result(numbers(run, measured=suite is not None))
    return out


class Training:
    """A run in progress: the policy, how many updates it has had, and which stage it is in."""

    def __init__(
        self, recipe: Recipe, run: Run, policy: build.Policy, found: Mapping[str, build.Domain], watch: Watcher
    ) -> None:
        self.recipe, self.run, self.policy, self.found, self.watch = recipe, run, policy, found, watch
        self.learner = LocalLearner(policy.decoder, micro_tokens=recipe.model.micro_tokens)
        self.updates = 0
        self.protected: tuple[int, ...] = ()

    def go(self, suite: Suite | None, began: float) -> None:
        """Every stage the recipe has, from where the newest checkpoint stands."""
        checkpoint = self._restore()
        stage, step = (checkpoint.state["stage"], checkpoint.state["step"]) if checkpoint else ("", 0)
        if not checkpoint:
            self.measure(suite, "untouched")
        for name in STAGES[STAGES.index(stage) if stage else 0 :]:
            if (self.recipe.cold_start if name == "cold_start" else self.recipe.rl) is None:
                continue
            start = step if name == stage else 0
            self._train(self._stage(name, start), start, self._deadline(name, began))
            self.measure(suite, name)

    def measure(self, suite: Suite | None, checkpoint: str) -> None:
        """All conditions of a checkpoint that have not been measured yet."""
        for condition in CONDITIONS[checkpoint] if suite else ():
            path = self.run.measured_file(condition.name)
            if suite and (not path.exists() or damage(path)):
                self._ask(suite, condition, path)

    def _ask(self, suite: Suite, condition: Condition, path: Path) -> None:
        began = time.monotonic()
        self.watch.measuring(condition.name, len(suite.domains) * suite.problems * suite.samples)
        examiner = build.build_examiner(suite.domains.values(), lenient=True)
        roller = Roller(sampler=self.policy.sampler, chat=self.policy.chat, examiner=examiner, seed=self.recipe.seed)
        rollouts = suite.ask(condition, roller, version=self.updates)
        write_rollouts(path, rollouts, run=self.run.name)
        self.run.log_timing("measure", 0, {"condition": condition.name, "seconds": time.monotonic() - began})
        self.watch.measured(condition.name, rollouts)

    def _restore(self) -> Checkpoint | None:
        checkpoint, warnings = self.run.latest_checkpoint()
        for warning in warnings:
            self.watch.warned(warning)
        self.run.cut_back(checkpoint)
        if checkpoint:
            self.learner.load(checkpoint.path)
            self.updates = checkpoint.number
            if checkpoint.state["stage"] == "reinforce":
                self.protected = (checkpoint.number - checkpoint.state["step"],)
        return checkpoint

    def _stage(self, name: str, start: int) -> Stage:
        if name == "cold_start":
            return build.build_cold_start(self.recipe, self.policy, self.learner, self.found)
        before = self.updates - start
        return build.build_reinforce(self.recipe, self.policy, self.learner, self.found, before)

    def _train(self, stage: Stage, start: int, deadline: float | None) -> None:
        keeper = Keeper(
            run=self.run,
            save=lambda folder: self.policy.save(folder, self.learner),
            every=self.recipe.checkpoint_every,
            before=self.updates - start,
            protected=self.protected,
        )
        self.watch.began(stage, start)
        done = drive(stage, keeper, start=start, deadline=deadline, watch=self.watch.stepped)
        self.watch.ended(stage, done)
        self.updates = keeper.before + done
        self.protected = (*self.protected, self.updates)

    def _deadline(self, name: str, began: float) -> float | None:
        """When a stage must stop: the cold start at half of the recipe's minutes, where reinforcement follows."""
        if self.recipe.minutes is None:
            return None
        share = 0.5 if name == "cold_start" and self.recipe.rl else 1.0
        return began + 60 * share * self.recipe.minutes


def manifest(recipe: Recipe) -> dict[str, Any]:
    """What a run is: everything that decides its bytes, and what it was made on."""
    suite = load_suite(recipe.measure.suite) if recipe.measure else None
    return {
        "recipe": recipe.model_dump(mode="json"),
        "suite": suite.model_dump(mode="json") if suite else None,
        "seeds": {"recipe": recipe.seed, "suite": suite.seed if suite else None},
        "data": {name: _digest(Path(path)) for name, path in _files(recipe).items()},
        "versions": versions(),
        "git_commit": git_commit(),
        "machine": machine(),
    }


def _files(recipe: Recipe) -> dict[str, str]:
    configs = build.all_domains(recipe)
    return {name: str(config.options["path"]) for name, config in configs.items() if "path" in config.options}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PonderError(f"{path}: {error.strerror}; give a file that can be read") from None


def numbers(run: Run, *, measured: bool) -> dict[str, Number]:
    """What the run comes to: transfer, and cost in minutes and memory."""
    minutes = [row["minutes"] for row in run.timings() if row["stage"] == "run"]
    total, peak = sum(minutes), peak_gb()
    found = {
        "cost.minutes": Number(total, total, total, len(minutes), "minutes", "timings.jsonl: sum of run.minutes"),
        "cost.peak_gb": Number(peak, peak, peak, 1, "GB", "getrusage: largest resident size of the process"),
    }
    if measured:
        connection, _ = connect(run.path)
        found |= transfer.numbers(connection)
    return found


def peak_gb() -> float:
    """Largest resident size of this process so far, in GB (Linux counts in kilobytes, macOS in bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
