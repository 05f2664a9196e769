"""Measuring: a suite asked of one checkpoint after another, within a training run or of what is there already."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponder.engine.server import Server
from ponder.measure import moved
from ponder.measure.suite import Condition, Suite
from ponder.recipes import build
from ponder.recipes.beginnings import beginning
from ponder.recipes.budget_schema import check_context
from ponder.recipes.judge_schema import ServerConfig
from ponder.recipes.judges import build_verifier
from ponder.recipes.load import lay_over, load_suite, parse
from ponder.recipes.policies import Policy, Served
from ponder.recipes.progress import Watcher
from ponder.recipes.record import manifest, numbers, peak_gb, settled
from ponder.recipes.schema import MeasureConfig, Recipe
from ponder.runs import manifests
from ponder.runs.checkpoints import SEAL
from ponder.runs.files import sha256
from ponder.runs.folder import Run
from ponder.runs.table import damage, policy_version, write_rollouts
from ponder.stages.drive import ended_before, went_back
from ponder.types import PonderError, Rollout, Scorer, Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A suite and the run that keeps what it finds; each condition is asked once, however often it is resumed."""

    run: Run
    """Where the rollouts go."""
    suite: Suite
    """What is asked."""
    seed: int
    """First part of every sample's stream."""
    watch: Watcher
    """Hears of it."""
    recipe: Recipe
    """Whose judges watch what is said in mode `free`."""
    beginnings: Path | None = None
    """Where what weights say as they came is kept for runs that begin alike, if anywhere."""

    def of(self, policy: Policy | Served, checkpoint: str, *, version: int) -> None:
        """All conditions of a checkpoint that have not been measured with these weights; `version`: its updates."""
        if policy.context is not None:
            check_context(f"suite {self.suite.name!r}: max_tokens", self.suite.max_tokens, policy.context)
        shared = None
        if self.beginnings and version == 0:
            shared = beginning(self.beginnings, self.run, self.recipe, self.suite)
        for condition in self.suite.conditions(checkpoint):
            path = self.run.measured_file(condition.name)
            if path.exists() and not damage(path) and policy_version(path) == version:
                continue
            self.watch.measuring(condition.name, len(self.suite.domains) * self.suite.problems * self.suite.samples)
            known = shared.find(condition.name) if shared else None
            rollouts, seconds = known or self._asked(policy, condition, version)
            write_rollouts(path, rollouts, run=self.run.name)
            if shared and not known:
                shared.keep(condition.name, rollouts, seconds)
            self.run.log_timing("measure", 0, {"condition": condition.name, "seconds": seconds})
            self.watch.measured(condition.name, rollouts)

    def _asked(self, policy: Policy | Served, condition: Condition, version: int) -> tuple[list[Rollout], float]:
        """The rollouts of a condition, and the seconds they took."""
        began = time.monotonic()
        judge = self._judge(policy) if condition.watched else None
        examiner = build.build_examiner(self.suite.domains.values(), lenient=True, watcher=judge)
        rolls = policy.rolls(examiner, seed=self.seed, heard=self.watch.wrote)
        rollouts = self.suite.ask(condition, rolls, version=version)
        if self.suite.moved and condition.watched:
            rollouts = moved.watched(rollouts, self._beginning())
        return rollouts, time.monotonic() - began

    def _judge(self, policy: Policy | Served) -> Verifier | None:
        """Who watches, if anybody: made anew for each condition, so that its weights are not kept in between."""
        name = self.suite.judged_by
        return build_verifier(self.recipe, name, itself=policy.respondent()) if name else None

    def _beginning(self) -> Scorer:
        """The model that the run began with: loaded anew for each condition too."""
        return build.build_scorer(self.recipe.model, build.source_of(self.recipe))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights that can be measured."""

    folder: Path | None
    """A checkpoint; None for the model that the recipe names."""
    version: int
    """Updates they have had."""


UNTOUCHED = Weights(folder=None, version=0)
"""Those that a recipe begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is measured: a model, or the checkpoints of a run."""

    name: str
    """For the folder of the measurement."""
    recipe: Recipe
    """How it was trained, which tells the tiers; for a model a recipe that trains nothing."""
    weights: Mapping[str, Weights]
    """By key of `measure.suite.CONDITIONS`."""
    server: Server | None = None
    """Who is asked, where the weights are behind an endpoint."""


def measure(
    subject: Subject,
    suite: MeasureConfig,
    out: Path,
    *,
    resume: bool = False,
    watch: Watcher | None = None,
    beginnings: Path | None = None,
) -> Path:
    """Ask a suite of everything a subject has; returns the new run folder.

    An endpoint is asked by words alone, greedily, as it comes. What weights say before any training is looked for in
    the folder `beginnings`, and kept there.

    Everything that can be wrong with the suite or the model is found before the folder is made.
    """
    began = time.monotonic()
    asked = build.build_suite(suite, subject.recipe)
    recipe = settled(subject.recipe.model_copy(update={"measure": suite}), out)
    build.build_examiner(asked.domains.values())
    server = subject.server
    if server:
        check_server(server)
    else:
        build.source_of(recipe)
    with Run.create(out, _manifest(subject, recipe), resume=resume) as run:
        measurement = Measurement(
            run=run,
            suite=asked,
            seed=recipe.seed,
            watch=watch or Watcher(),
            recipe=recipe,
            beginnings=None if server else beginnings,
        )
        for checkpoint, weights in subject.weights.items():
            policy = Served(server=server) if server else build.build_policy(recipe, weights.folder)
            measurement.of(policy, checkpoint, version=weights.version)
        run.log_timing("run", 0, {"minutes": (time.monotonic() - began) / 60, "peak_gb": peak_gb()})
        run.write_result(numbers(run, measured=True, price=asked.price))
    return out


def check_server(server: Server) -> None:
    """Raise PonderError for an endpoint that does not answer."""
    if why := server.check():
        raise PonderError(why)


def find_subject(target: str, settings: Sequence[str] = ()) -> Subject:
    """The run in this folder, or else the model of this name, or behind this address; `settings`: of an address."""
    if target.startswith(("http://", "https://")):
        return _served(target, settings)
    if settings:
        raise PonderError(f"--set: of an endpoint; {target!r} is none, give one like http://127.0.0.1:8000/v1")
    if (Path(target) / manifests.NAME).exists():
        return _run_subject(Run.open(Path(target)))
    recipe = parse(Recipe, {"name": Path(target).resolve().name, "model": {"name": target}}, where=target)
    return Subject(name=recipe.name, recipe=recipe, weights={"untouched": UNTOUCHED})


def _served(url: str, settings: Sequence[str]) -> Subject:
    values: dict[str, Any] = {"url": url}
    for setting in settings:
        lay_over(values, setting)
    config = parse(ServerConfig, values, where="measure")
    recipe = parse(Recipe, {"name": Path(config.model).name, "model": {"name": config.model}}, where=url)
    server = Server(config.url, **config.model_dump(exclude={"url"}))
    return Subject(name=recipe.name, recipe=recipe, weights={"untouched": UNTOUCHED}, server=server)


def default_out(subject: Subject, suite: str) -> Path:
    """`runs/NAME-SUITE`."""
    return Path("runs") / f"{subject.name}-{load_suite(suite).name}"


def recipe_of(run: Run) -> Recipe:
    """The recipe that a run was trained by; PonderError for one that was not."""
    values: object = run.manifest.get("recipe")
    if not isinstance(values, dict):
        raise PonderError(f"{run.path / manifests.NAME}: tells no recipe; give the folder of a run that was trained")
    return parse(Recipe, values, where=str(run.path / manifests.NAME))


def _run_subject(run: Run) -> Subject:
    recipe = recipe_of(run)
    untouched = {"untouched": UNTOUCHED} if build.asks_untouched(recipe) else {}
    weights = untouched | _trained(run, recipe)
    return Subject(name=run.name, recipe=recipe, weights=weights)


def _trained(run: Run, recipe: Recipe) -> dict[str, Weights]:
    """The newest checkpoint, and the last of each stage before it, or the model itself where there was none.

    Reinforcement that went back to what it began with ends with the same weights.
    """
    newest, _ = run.latest_checkpoint()
    if newest is None:
        raise PonderError(f"{run.path}: has no checkpoint to measure; go on with its training first, with --resume")
    found = {newest.state["stage"]: Weights(folder=newest.path, version=newest.number)}
    if went_back(newest, "reinforce") is not None:
        found["reinforce"] = Weights(folder=newest.path, version=newest.number)
    for name, number in ended_before(run, newest):
        found = {name: Weights(folder=run.checkpoint_path(number), version=number)} | found
    return found if recipe.cold_start else {"cold_start": UNTOUCHED} | found


def _manifest(subject: Subject, recipe: Recipe) -> dict[str, Any]:
    """That of a run, with the checkpoints it was made from among its data."""
    assert recipe.measure, "what is measured has a suite"
    made = manifest(recipe, load_suite(recipe.measure.suite).domains)
    folders = {name: weights.folder for name, weights in subject.weights.items() if weights.folder}
    seals = {f"checkpoints/{name}": sha256(folder / SEAL) for name, folder in folders.items()}
    where = {"endpoint": subject.server.url} if subject.server else {}
    return made | where | {"data": made["data"] | seals}
