"""One run from recipe to numbers: measure, cold start, measure, reinforce, measure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from ponder.measure.suite import Suite
from ponder.model.load import notice
from ponder.recipes import build
from ponder.recipes.budget_schema import check_context
from ponder.recipes.distil import build_distil, check_room
from ponder.recipes.distil_schema import DistilConfig
from ponder.recipes.judges import check_verifiers
from ponder.recipes.measure import Measurement
from ponder.recipes.policies import Policy
from ponder.recipes.progress import Watcher
from ponder.recipes.record import manifest, numbers, peak_gb, settled
from ponder.recipes.rehearse import rehearse
from ponder.recipes.schema import ColdStartConfig, Recipe, RLConfig
from ponder.runs.checkpoints import Checkpoint
from ponder.runs.folder import Run
from ponder.stages.curriculum import Curriculum, catch_up
from ponder.stages.drive import Keeper, Stage, WayBack, drive, ended_before, went_back
from ponder.stages.reinforce import Reinforce
from ponder.types import Domain, Scorer

STAGES = ("cold_start", "distil", "reinforce")
"""In the order they run."""


def train(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    watch: Watcher | None = None,
    beginnings: Path | None = None,
) -> Path:
    """Run a recipe, or go on with it; returns the run folder.

    Everything that can be wrong with the recipe is found before the folder is made. What the model says before any
    training is looked for in the folder `beginnings`, and kept there for runs that begin alike.
    """
    began, recipe = time.monotonic(), settled(recipe, out)
    found = build.training_domains(recipe)
    suite = build.build_suite(recipe.measure, recipe) if recipe.measure else None
    build.build_examiner([*found.values(), *(suite.domains.values() if suite else ())])
    check_verifiers(recipe)
    policy = build.build_policy(recipe)
    check_lengths(recipe, suite, policy.model.context)
    if recipe.distil:
        check_room(recipe.distil, policy.chat, policy.model.context, found)
    rehearse(recipe, found, suite)
    watch = watch or Watcher()
    if line := notice(policy.model):
        watch.warned(line)
    with Run.create(out, manifest(recipe, build.all_domains(recipe)), resume=resume) as run:
        training = Training(recipe, run, policy, found, watch, beginnings)
        try:
            training.go(suite, began)
        finally:
            run.log_timing("run", 0, {"minutes": (time.monotonic() - began) / 60, "peak_gb": peak_gb()})
        watched = recipe.rl and recipe.rl.watch
        run.write_result(
            numbers(
                run,
                measured=suite is not None,
                watch=build.build_watch(watched) if watched else None,
                price=suite.price if suite else None,
            )
        )
    return out


def check_lengths(recipe: Recipe, suite: Suite | None, context: int) -> None:
    """Raise PonderError for completions, and so for budgets of thinking, that no prompt leaves room for."""
    if recipe.rl:
        check_context("rl.max_tokens", recipe.rl.max_tokens, context)
    if suite:
        check_context(f"suite {suite.name!r}: max_tokens", suite.max_tokens, context)


def planned_stage(recipe: Recipe, name: str) -> ColdStartConfig | DistilConfig | RLConfig | None:
    """What a recipe says of a stage."""
    return {"cold_start": recipe.cold_start, "distil": recipe.distil, "reinforce": recipe.rl}[name]


class Training:
    """A run in progress: the policy, how many updates it has had, and which stage it is in."""

    def __init__(
        self,
        recipe: Recipe,
        run: Run,
        policy: Policy,
        found: Mapping[str, Domain],
        watch: Watcher,
        beginnings: Path | None = None,
    ) -> None:
        self.recipe, self.run, self.policy, self.found, self.watch = recipe, run, policy, found, watch
        self.beginnings = beginnings
        self.learner = build.build_learner(policy, recipe.model, seed=recipe.seed)
        self.updates = 0
        self.protected: tuple[int, ...] = ()

    def go(self, suite: Suite | None, began: float) -> None:
        """Every stage the recipe has, from where the newest checkpoint stands."""
        if build.asks_untouched(self.recipe):
            self.measure(suite, "untouched")
        checkpoint = self._restore()
        stage, step = (checkpoint.state["stage"], checkpoint.state["step"]) if checkpoint else ("", 0)
        over = checkpoint is not None and went_back(checkpoint, "reinforce") is not None
        for name in STAGES[STAGES.index(stage) if stage else 0 :]:
            planned = planned_stage(self.recipe, name) is not None
            if planned and not (over and name == "reinforce"):
                start = step if name == stage else 0
                self._train(self._stage(name, start), start, self._deadline(name, began))
            elif not planned and name != "cold_start":
                continue
            self.measure(suite, name)  # without a cold start, what reinforcement begins with is the model as it is

    def measure(self, suite: Suite | None, checkpoint: str) -> None:
        """All conditions of a checkpoint that have not been measured yet."""
        if suite:
            measurement = Measurement(
                run=self.run,
                suite=suite,
                seed=self.recipe.seed,
                watch=self.watch,
                recipe=self.recipe,
                beginnings=self.beginnings,
            )
            measurement.of(self.policy, checkpoint, version=self.updates)

    def _restore(self) -> Checkpoint | None:
        checkpoint, warnings = self.run.latest_checkpoint(hashes=True)
        for warning in warnings:
            self.watch.warned(warning)
        self.run.cut_back(checkpoint)
        if checkpoint:
            self.learner.load(checkpoint.path)
            self.updates = checkpoint.number
            self.protected = tuple(number for _, number in ended_before(self.run, checkpoint))
        return checkpoint

    def _stage(self, name: str, start: int) -> Stage:
        if name == "cold_start":
            return build.build_cold_start(self.recipe, self.policy, self.learner, self.found)
        before = self.updates - start
        if name == "distil":
            distil = build_distil(self.recipe, self.policy, self.learner, self.found, before)
            distil.catch_up(self.run, steps=start)
            return distil
        stage = build.build_reinforce(
            self.recipe, self.policy, self.learner, self.found, before, self._reference(before)
        )
        if isinstance(stage.feed, Curriculum):
            catch_up(stage.feed, self.run, stage=name, steps=start)
        if stage.watchman:
            stage.watchman.catch_up(self.run, stage=name, steps=start)
        if stage.costing:
            stage.costing.catch_up(self.run, stage=name, steps=start)
        return stage

    def _reference(self, before: int) -> Scorer | None:
        """The policy that reinforcement began with, where it holds on to it: its checkpoint, or the model itself."""
        if not self.recipe.rl or not self.recipe.rl.kl:
            return None
        folder = self.run.checkpoint_path(before) if before else self.policy.source
        return build.build_scorer(self.recipe.model, folder)

    def _train(self, stage: Stage, start: int, deadline: float | None) -> None:
        keeper = Keeper(
            run=self.run,
            save=lambda folder: self.policy.save(folder, self.learner),
            every=self.recipe.checkpoint_every,
            before=self.updates - start,
            protected=self.protected,
            way_back=self._way_back(stage),
        )
        self.watch.began(stage, start)
        done = drive(stage, keeper, start=start, deadline=deadline, watch=self.watch.stepped)
        self.watch.ended(stage, done)
        self.updates = keeper.before + done
        self.protected = (*self.protected, self.updates)

    def _way_back(self, stage: Stage) -> WayBack | None:
        watchman = stage.watchman if isinstance(stage, Reinforce) else None
        if not (watchman and watchman.goes_back):
            return None
        return WayBack(good=watchman.good, load=self.learner.load, tell=self.watch.warned)

    def _deadline(self, name: str, began: float) -> float | None:
        """When a stage must stop: what comes before reinforcement at half of the recipe's minutes."""
        if self.recipe.minutes is None:
            return None
        share = 0.5 if name != "reinforce" and self.recipe.rl else 1.0
        return began + 60 * share * self.recipe.minutes
