"""The stage that learns a spec, from what a recipe says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ponder import specs
from ponder.model.chat import Chat
from ponder.recipes import build
from ponder.recipes.distil_schema import DistilConfig
from ponder.recipes.judges import build_verifier
from ponder.recipes.policies import Policy
from ponder.recipes.schema import Recipe
from ponder.rollout import Check, Examiner, Roller
from ponder.specs import Spec
from ponder.stages.cold_start import ColdStart
from ponder.stages.distil import NAME, Distil, Harvest
from ponder.stages.kept import Kept
from ponder.stages.mixture import InOrder, Mixture
from ponder.types import Cell, Domain, Learner, Message, PonderError, Problem, Role
from ponder.verifiers.formed import Formed


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Puts a spec before problems."""

    spec: Spec
    """Which."""
    brief: bool
    """On one line before the question, or else as the system message."""
    categories: Mapping[str, tuple[str, ...]]
    """Domain -> the clauses that are shown whole; of a domain that is not there all are."""

    def __call__(self, problem: Problem) -> Problem:
        """The problem with the spec before it; a system message of its own stays, below the spec."""
        if self.brief:
            return problem.asking(f"{self.spec.brief()} {problem.messages[-1].content}")
        own = [message for message in problem.messages if message.role == "system"]
        rest = [message for message in problem.messages if message.role != "system"]
        told = "\n\n".join([self.text(problem.domain), *(message.content for message in own)])
        return replace(problem, messages=(Message(role="system", content=told), *rest))

    def text(self, domain: str) -> str:
        """What is shown of the spec with problems of a domain."""
        return self.spec.detailed(self.categories[domain]) if domain in self.categories else self.spec.text()


def shown_of(config: DistilConfig) -> Shown:
    """Raises PonderError for a spec that is not there, and for a clause that it has not."""
    spec = specs.load(config.spec, language=config.language)
    for domain, clauses in config.categories.items():
        for clause in clauses:
            try:
                spec.clause(clause)
            except PonderError as error:
                raise PonderError(f"distil.categories.{domain}: {error}") from None
    categories = {domain: tuple(clauses) for domain, clauses in config.categories.items()}
    return Shown(spec=spec, brief=config.shown == "brief", categories=categories)


def check_room(config: DistilConfig, chat: Chat, context: int, found: Mapping[str, Domain]) -> None:
    """Raise PonderError where a question of some domain with the spec before it leaves no room for an answer."""
    shown = shown_of(config)
    for name in config.domains:
        (problem,) = found[name].problems("train", seed=0, n=1)
        tokens = len(chat.prompt(shown(problem).messages)) + config.max_tokens
        if tokens > context:
            raise PonderError(
                f"distil.spec = {config.spec!r}: with a question of {name} and room for the answer it takes {tokens} "
                f"tokens of a context of {context}; shorten it, name distil.categories.{name}, or lower max_tokens"
            )


def build_distil(recipe: Recipe, policy: Policy, learner: Learner, found: Mapping[str, Domain], before: int) -> Distil:
    """The stage of a recipe that has one; `before`: updates made so far."""
    config = recipe.distil
    assert config, "the recipe has a stage that distils"
    shown, seed = shown_of(config), build.stage_seed(recipe, NAME)
    clauses = tuple(clause.id for clause in shown.spec.clauses)
    mixture = build.build_mixture(config, found, seed=seed)
    examiner = _examiner(recipe, clauses, found)

    def teach(kept: Mapping[str, Kept]) -> ColdStart:
        return _learning(config, policy, learner, {**found, **kept}, dict.fromkeys(kept, 1.0), seed)

    return Distil(
        roller=Roller(sampler=policy.sampler, chat=policy.chat, examiner=examiner, seed=recipe.seed, shown=shown),
        source=InOrder(mixture, config.problems).source,
        gather=config.asks,
        group=config.group_size,
        cell=Cell(checkpoint=NAME, domain="", split="", budget=config.max_tokens, temperature=config.temperature),
        harvest=Harvest(least=config.least),
        clauses=clauses,
        expected=asked_about(config, clauses) if config.cites else (),
        teach=teach,
        before=before,
        learning=config.steps,
        restated=config.restated,
    )


def asked_about(config: DistilConfig, clauses: tuple[str, ...]) -> tuple[str, ...]:
    """The clauses that are shown whole with some domain's problems: all of them where that is not said of each."""
    if any(name not in config.categories for name in config.domains):
        return clauses
    whole = {clause for name in config.domains for clause in config.categories[name]}
    return tuple(clause for clause in clauses if clause in whole)


def _examiner(recipe: Recipe, clauses: tuple[str, ...], found: Mapping[str, Domain]) -> Examiner:
    """The form and the judge filter; the domains' own verifiers tell how well, as gold."""
    config = recipe.distil
    assert config, "the recipe has a stage that distils"
    form = Check(verifier=Formed(clauses=clauses if config.cites else ()), roles=(Role.FILTER,))
    judge = Check(verifier=build_verifier(recipe, config.judged_by), roles=(Role.FILTER,), label=config.judged_by)
    return Examiner({name: [form, judge, build.own_check(found[name], (Role.GOLD,))] for name in config.domains})


def _learning(
    config: DistilConfig,
    policy: Policy,
    learner: Learner,
    domains: Mapping[str, Domain],
    kinds: Mapping[str, float],
    seed: int,
) -> ColdStart:
    """What was kept, each kind as often as the others, and worked thinking that is learned beside it."""
    beside = sum(config.beside.values())
    share = config.beside_share / (1 - config.beside_share) * sum(kinds.values()) / beside if beside else 0.0
    weights = {**kinds, **{name: weight * share for name, weight in config.beside.items()}}
    return ColdStart(
        learner=learner,
        chat=policy.chat,
        domains=domains,
        source=InOrder(Mixture(domains, weights, seed=seed), config.batch).source,
        steps=config.steps,
        worked=1.0 - config.at_once,
        blank=1.0,
        unseen=config.unseen,
        learning_rate=config.learning_rate,
        warmup=config.warmup,
        name=NAME,
    )
