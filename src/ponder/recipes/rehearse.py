"""Finding out, before anything is written, whether a run has all the problems that it will need."""

from __future__ import annotations

from collections.abc import Mapping

from ponder.measure.suite import Suite, distinct, examples
from ponder.recipes.build import stage_seed
from ponder.recipes.schema import Recipe
from ponder.stages.cold_start import thinking_of
from ponder.stages.mixture import schedule
from ponder.types import Domain


def rehearse(recipe: Recipe, found: Mapping[str, Domain], suite: Suite | None) -> None:
    """Ask each domain for the last problem of each stage, and for all that the suite measures.

    Raises the PonderError that the run would otherwise meet on its way: a file with too few problems, a family too
    narrow for the suite, a domain without worked thinking in the cold start.
    """
    cold, rl = recipe.cold_start, recipe.rl
    if cold:
        _last_problems(found, cold.domains, cold.steps * cold.batch, seed=stage_seed(recipe, "cold_start"))
        for name in cold.domains if cold.worked else ():
            thinking_of(found[name], found[name].problems("train", seed=stage_seed(recipe, "cold_start"), n=1)[0])
    if rl:
        _last_problems(found, rl.domains, rl.steps * rl.problems, seed=stage_seed(recipe, "reinforce"))
    if suite:
        for domain in suite.domains.values():
            distinct(domain, suite.problems, seed=suite.seed)
            examples(domain, suite.shots, seed=suite.seed)


def _last_problems(found: Mapping[str, Domain], weights: Mapping[str, float], n: int, *, seed: int) -> None:
    names = schedule(weights, n)
    for name in weights:
        if name in names:
            found[name].problems("train", seed=seed, n=1, start=names.count(name) - 1)
