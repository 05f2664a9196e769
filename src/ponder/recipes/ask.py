"""From a model's name and a question to a solver that has it: `ponder ask`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from ponder.engine.server import Server
from ponder.recipes import build
from ponder.recipes.judge_schema import JudgeConfig
from ponder.recipes.judges import ITSELF, build_judge
from ponder.recipes.load import parse
from ponder.recipes.measure import UNTOUCHED, Weights, find_subject, recipe_of
from ponder.recipes.policies import Policy
from ponder.recipes.record import settled
from ponder.recipes.schema import ModelConfig, Recipe
from ponder.recipes.strict import Strict, one_of
from ponder.rollout import Examiner, Roller
from ponder.runs import manifests
from ponder.runs.checkpoints import SEAL
from ponder.runs.folder import Run
from ponder.solve.solver import Solver, check_error
from ponder.solve.tries import PolicySource, RespondentSource, Source
from ponder.specs import load as load_spec
from ponder.streams import digest
from ponder.types import Asking, Cell, Domain, Message, Mode, PonderError, Problem, Respondent, Verifier
from ponder.verifiers.extract import Kind

DOMAIN = "ask"
"""Of questions that somebody asks."""
LONGEST = 1024
"""Tokens of a sample where no budget is given, if the context has room for them."""
ANSWER = 256
"""Tokens of a sample besides its budget of thinking, if the context has room for them."""
KINDS = ("text", "block", "number", "maths")
"""Of answers; a choice would have to be told among what."""
Count = Annotated[int, Field(ge=1)]
"""Of samples or tokens."""
LEAST = 16
"""Tokens that an answer needs at least."""


class AskConfig(Strict):
    """How a question is to be answered."""

    budget: Count | None = None
    """Most tokens of thinking of a sample."""
    samples: Count = 32
    """Most samples."""
    error: float = 0.05
    """Largest chance that votes agree on an answer that is not the model's commonest."""
    longest: Count | None = None
    """Most tokens of a sample; else what the budget and an answer take, if the context has room for it."""
    spend: Count | None = None
    """Most tokens that are written, all samples together."""
    temperature: Annotated[float, Field(ge=0)] = 1.0
    """Of the samples."""
    think: bool = False
    """Whether the thinking block is opened for the model."""
    verify: bool = False
    """Whether the model is asked if its answer is right, and may end the sampling by that."""
    spec: str | None = None
    """Spec that the answer is checked against, by the model itself."""
    kind: Annotated[str, one_of(KINDS)] = "text"
    """What the answer looks like."""
    system: str | None = None
    """System message."""
    seed: int = 0
    """First part of every sample's stream."""
    model: str | None = None
    """What an endpoint calls its model."""
    key: str | None = None
    """Name of the environment variable with an endpoint's key."""

    @property
    def most(self) -> int:
        """Most tokens of a sample where the context has room for them."""
        return self.longest or (LONGEST if self.budget is None else self.budget + ANSWER)

    @model_validator(mode="after")
    def _budget_fits(self) -> Self:
        if self.longest and self.budget and self.budget >= self.longest:
            raise ValueError("budget: leaves no token of `longest` for an answer; lower it")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and who solves it."""

    problem: Problem
    """What is asked."""
    solver: Solver
    """Who solves it."""
    policy: Policy | None = None
    """The model, where it is one of this process."""
    server: Server | None = None
    """Who has it, where it is not."""


def plan(target: str, question: str, config: AskConfig) -> Asked:
    """Everything that can be wrong is found before the first token; weights are loaded last."""
    problem = _problem(question)
    check_error(config.error)
    if config.temperature == 0 and config.samples > 1:
        raise PonderError("temperature = 0: all samples would be the same; give samples = 1, or a temperature above 0")
    if config.spec:
        load_spec(config.spec)
    if target.startswith(("http://", "https://")):
        return _of_endpoint(target, problem, config)
    if config.model or config.key:
        raise PonderError(f"model, key: of an endpoint; {target!r} is none, give one like http://127.0.0.1:8000/v1")
    return _of_policy(target, problem, config)


def find_weights(target: str) -> tuple[Recipe, Weights]:
    """The model of this name or folder, a checkpoint as its run speaks to it, or a run's newest checkpoint."""
    path = Path(target)
    home = path.absolute().parent.parent
    if (path / SEAL).is_file() and (home / manifests.NAME).is_file():
        return recipe_of(Run.open(home)), Weights(folder=path, version=int(path.name) if path.name.isdigit() else 0)
    if (path / "config.json").is_file():  # one that ponder made has its run's manifest beside it
        return parse(Recipe, {"name": path.resolve().name, "model": {"name": target}}, where=target), UNTOUCHED
    subject = find_subject(target)
    return subject.recipe, list(subject.weights.values())[-1]


def solver_of(target: str, config: AskConfig, domains: Sequence[Domain]) -> Solver:
    """A solver for problems of these domains; their own verifiers judge every try and have no part in the choice."""
    policy, recipe, weights = _policy(target, config)
    longest = room(0, policy.model.context, config)
    source = _source(policy, target, config, longest, weights.version, build.build_examiner(domains, lenient=True))
    return _solver(source, policy.respondent(), config, recipe.model, policy=policy)


def _policy(target: str, config: AskConfig) -> tuple[Policy, Recipe, Weights]:
    found, weights = find_weights(target)
    recipe = settled(found, Path(target))
    if config.system is not None:
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"system": config.system})})
    return build.build_policy(recipe, weights.folder), recipe, weights


def _source(
    policy: Policy, target: str, config: AskConfig, longest: int, version: int, examiner: Examiner
) -> PolicySource:
    cell = Cell(
        checkpoint=target,
        domain="",
        split="",
        mode=_mode(config),
        budget=longest,
        think_at_most=config.budget,
        temperature=config.temperature,
    )
    roller = Roller(sampler=policy.sampler, chat=policy.chat, examiner=examiner, seed=config.seed)
    return PolicySource(roller=roller, cell=cell, version=version)


def _mode(config: AskConfig) -> Mode:
    return Mode.FORCED if config.think else Mode.FREE


def _problem(question: str) -> Problem:
    if not question.strip():
        raise PonderError("question: is empty; ask something, or give - to read it from standard input")
    return Problem(
        id=f"{DOMAIN}/test/0/{digest(question).hex()[:16]}",
        domain=DOMAIN,
        split="test",
        messages=(Message(role="user", content=question),),
        reference="",
    )


def _of_policy(target: str, problem: Problem, config: AskConfig) -> Asked:
    policy, recipe, weights = _policy(target, config)
    longest = room(len(policy.chat.prompt(problem.messages, _mode(config))), policy.model.context, config)
    source = _source(policy, target, config, longest, weights.version, Examiner({DOMAIN: ()}))
    solver = _solver(source, policy.respondent(), config, recipe.model, policy=policy)
    return Asked(problem=problem, solver=solver, policy=policy)


def room(prompt: int, context: int, config: AskConfig) -> int:
    """Most tokens of a sample behind a prompt of so many; PonderError where thinking and answer have no room."""
    left = context - prompt
    if left < LEAST:
        raise PonderError(f"question: of {prompt} tokens; the model's context is {context} tokens; shorten it")
    if config.budget is not None and config.budget + LEAST > left:
        raise PonderError(
            f"budget = {config.budget}: with the question ({prompt} tokens) and {LEAST} for an answer it is above the "
            f"model's context of {context} tokens; give at most {left - LEAST}"
        )
    return min(config.most, left)


def _of_endpoint(url: str, problem: Problem, config: AskConfig) -> Asked:
    if not config.model:
        raise PonderError("model: an endpoint serves models by name; give the one that it knows, --set model=NAME")
    server = Server(url, model=config.model, key=config.key)
    why = server.check()
    if why:
        raise PonderError(why)
    asking = Asking(
        max_tokens=config.most,
        temperature=config.temperature,
        think=config.think,
    )
    if config.system is not None:
        said = (Message(role="system", content=config.system), *problem.messages)
        problem = Problem(id=problem.id, domain=DOMAIN, split="test", messages=said, reference="")
    source = RespondentSource(respondent=server, asking=asking, seed=config.seed)
    return Asked(
        problem=problem,
        solver=_solver(source, server, config, parse(ModelConfig, {"name": config.model}, where="ask")),
        server=server,
    )


def _solver(
    source: Source, respondent: Respondent, config: AskConfig, model: ModelConfig, *, policy: Policy | None = None
) -> Solver:
    verifier = (
        _judge("right", parse(JudgeConfig, {"model": ITSELF}, where="ask"), respondent, model)
        if config.verify
        else None
    )
    spec = None
    if config.spec:
        judge = parse(JudgeConfig, {"model": ITSELF, "spec": config.spec}, where="ask")
        _fits(judge, config.spec, policy)
        spec = _judge("spec", judge, respondent, model)
    return Solver(
        source=source,
        error=config.error,
        samples=config.samples,
        spend=config.spend,
        verifier=verifier,
        spec=spec,
        kind=Kind(config.kind),
    )


def _judge(name: str, judge: JudgeConfig, respondent: Respondent, model: ModelConfig) -> Verifier:
    return build_judge(name, judge, model, itself=respondent)


def _fits(judge: JudgeConfig, name: str, policy: Policy | None) -> None:
    """Refuse a spec that the model cannot read beside a question; what an endpoint reads is not known."""
    if policy is None:
        return
    tokens = len(policy.chat.prompt([Message(role="user", content=load_spec(name).text())])) + judge.max_tokens
    if tokens > policy.model.context:
        raise PonderError(
            f"spec = {name!r}: {tokens} tokens with room for the verdict; the model's context is "
            f"{policy.model.context} tokens; shorten the spec or take another model"
        )
