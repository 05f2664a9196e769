"""The quickstart's own reinforcement steps, from its cold-started model."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from protocol import Run

from ponder.recipes import build
from ponder.recipes.load import load_recipe


def natural(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """The first steps of the recipe's RL, each repeat from the same weights with other random numbers."""
    torch.set_num_threads(job["cores"])
    recipe = load_recipe(Path(job["recipe"]), job["settings"])
    found = build.training_domains(recipe)
    policy = build.build_policy(recipe, Path(job["model"]))
    learner = build.build_learner(policy, recipe.model, seed=recipe.seed)
    stage = build.build_reinforce(recipe, policy, learner, found, before=0, reference=None)
    start = tempfile.TemporaryDirectory(prefix="ponder-start-")
    learner.save(Path(start.name))

    def run(request: Mapping[str, Any]) -> dict[str, Any]:
        learner.load(Path(start.name))
        again = replace(stage, roller=replace(stage.roller, seed=request["round"]))
        began = time.perf_counter()
        steps = [again.step(index) for index in range(job["steps"])]
        return {
            "seconds": time.perf_counter() - began,
            "tokens": sum(len(rollout.completion.tokens) for step in steps for rollout in step.rollouts),
            "reward": sum(step.metrics["reward"] for step in steps) / len(steps),
            "groups_learned": sum(step.metrics["groups_learned"] for step in steps),
        }

    return {}, run
