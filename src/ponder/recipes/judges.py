"""Generative verifiers of a recipe: from `[verifiers.NAME]` to what pays or watches."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ponder import specs, verifiers
from ponder.engine.respondent import LocalRespondent
from ponder.engine.sampler import LocalSampler
from ponder.engine.scorer import LocalScorer
from ponder.engine.server import Server
from ponder.model.chat import Chat
from ponder.model.checkpoint import read_config
from ponder.model.devices import device_of
from ponder.model.dtypes import DTYPES
from ponder.model.hub import resolve
from ponder.model.load import load_model
from ponder.recipes.judge_schema import JudgeConfig
from ponder.recipes.schema import ModelConfig, Recipe
from ponder.specs import Spec
from ponder.specs.asking import FORMS, Form
from ponder.types import Message, PonderError, Respondent, Verifier
from ponder.verifiers.ensemble import Ensemble
from ponder.verifiers.guard import Gated, RuleFirst
from ponder.verifiers.judge import Judge, RubricJudge

ITSELF = "policy"
"""As a judge's model: the policy that is measured, with the weights that it has."""


def build_verifier(recipe: Recipe, name: str, *, itself: Respondent | None = None) -> Verifier:
    """A verifier by the name of a section of the recipe, or of a kind that needs none.

    `itself`: the policy, for a judge that is it.
    """
    if name not in recipe.verifiers:
        return verifiers.build(name)
    config = recipe.verifiers[name]
    if config.members:
        members = tuple(build_verifier(recipe, member, itself=itself) for member in config.members)
        return Ensemble(members=members, combine=config.combine, name=name)
    return build_judge(name, config, recipe.model, itself=itself)


def is_itself(recipe: Recipe, name: str) -> bool:
    """Whether this verifier is, or asks, the policy with the weights it has."""
    config = recipe.verifiers.get(name)
    return config is not None and (config.model == ITSELF or any(is_itself(recipe, one) for one in config.members))


def check_verifiers(recipe: Recipe) -> None:
    """Find what is wrong with the recipe's judges before anything runs; no weights are loaded."""
    rl, distil = recipe.rl, recipe.distil
    for name in filter(None, [distil and distil.judged_by, rl and rl.paid_by, rl and rl.watch and rl.watch.by]):
        if is_itself(recipe, name):
            raise PonderError(
                f"verifiers.{name}.model: a policy cannot pay or watch itself, nor say what it learns; name another"
            )
    for name in recipe.verifiers:
        check_verifier(recipe, name)


def check_verifier(recipe: Recipe, name: str) -> None:
    """Find what is wrong with one of the recipe's judges; no weights are loaded."""
    config = recipe.verifiers[name]
    spec = _spec(config)
    if config.server is None and config.model != ITSELF and not config.members:
        source, chat = _spoken_to(name, config, recipe.model)
        rules = Message(role="user", content=_shown(spec, form_of(config)) if spec else "")
        _fits(name, len(chat.prompt([rules])) + config.max_tokens, source)


def sections(recipe: Recipe, name: str) -> tuple[str, ...]:
    """A verifier's section and those of its members."""
    return (name, *recipe.verifiers[name].members)


def specs_of(recipe: Recipe, name: str) -> dict[str, Spec]:
    """What a verifier and its members are shown, by section."""
    found = {each: _spec(recipe.verifiers[each]) for each in sections(recipe, name)}
    return {each: spec for each, spec in found.items() if spec}


def digests(known: Mapping[str, Spec]) -> dict[str, str]:
    """Hashes of specs, by what a manifest says of them."""
    return {f"spec of {name}": hashlib.sha256(spec.text().encode()).hexdigest() for name, spec in known.items()}


def specs_read(recipe: Recipe) -> dict[str, Spec]:
    """Every spec that a recipe reads, by section."""
    known = {name: spec for name, config in recipe.verifiers.items() if (spec := _spec(config))}
    distil = recipe.distil
    return known | ({"distil": specs.load(distil.spec, language=distil.language)} if distil else {})


def backwards(verifier: Verifier, known: Mapping[str, Spec]) -> Verifier | None:
    """The same verifier around the same weights, which is shown its specs from the last clause to the first.

    `known`: its `specs_of`. None where no order is shown: without a spec, with one clause, or with a rubric, which is
    asked criterion by criterion.
    """
    match verifier:
        case Gated():
            judge = backwards(verifier.verifier, known)
            return judge and replace(verifier, verifier=judge)
        case RuleFirst():
            judge = backwards(verifier.judge, known)
            return judge and replace(verifier, judge=judge)
        case Ensemble():
            turned = [backwards(member, known) for member in verifier.members]
            members = tuple(new or old for new, old in zip(turned, verifier.members, strict=True))
            return replace(verifier, members=members) if any(turned) else None
        case Judge() if verifier.name in known:
            spec, turned = known[verifier.name], known[verifier.name].backwards()
            return (
                replace(verifier, rules=_rules(turned, verifier.form), clauses=_ids(turned)) if turned != spec else None
            )
    return None


def _spec(config: JudgeConfig) -> Spec | None:
    return specs.load(config.spec, language=config.language) if config.spec else None


def _ids(spec: Spec) -> tuple[str, ...]:
    return tuple(clause.id for clause in spec.clauses)


def form_of(config: JudgeConfig) -> Form:
    """How it is asked."""
    return FORMS[config.form_name]


def _shown(spec: Spec, form: Form) -> str:
    """The most that is shown of a spec at once: all of it, or the longest criterion of a rubric."""
    return max((clause.text for clause in spec.clauses), key=len) if spec.is_rubric else _rules(spec, form)


def _rules(spec: Spec, form: Form) -> str:
    return spec.brief() if form.brief else spec.text()


def _fits(name: str, tokens: int, source: Path) -> None:
    context = read_config(source).get("max_position_embeddings")
    if context is not None and tokens > context:
        raise PonderError(
            f"verifiers.{name}.spec: {tokens} tokens with room for the verdict; the judge's context is {context} "
            "tokens; shorten the spec, lower max_tokens or take another model"
        )


def _spoken_to(name: str, config: JudgeConfig, policy: ModelConfig) -> tuple[Path, Chat]:
    """Folder of a judge's own model, and how it is spoken to."""
    if config.model is None and policy.fresh:
        raise PonderError(f"verifiers.{name}.model: an untrained policy cannot judge; name a model")
    source = resolve(config.model or policy.name)
    system = policy.system if config.model is None else config.system
    return source, Chat.load(source, system=system, thinking=config.thinking)


def build_judge(name: str, config: JudgeConfig, policy: ModelConfig, *, itself: Respondent | None = None) -> Verifier:
    """A judge with what guards it; where its model is not named, it is the one that the policy begins with."""
    spec = _spec(config)
    respondent = itself if config.model == ITSELF else build_respondent(name, config, policy)
    assert respondent, "who judges itself is given"
    judge: Verifier = _judge(name, config, spec, respondent)
    if config.rule:
        judge = RuleFirst(rule=verifiers.build(config.rule), judge=judge)
    return Gated(verifier=judge) if config.gate else judge


def build_respondent(name: str, config: JudgeConfig, policy: ModelConfig) -> Respondent:
    """Who is asked: a server, a model of its own, or a second copy of the policy's beginning."""
    if config.server:
        return Server(config.server.url, **config.server.model_dump(exclude={"url"}))
    source, chat = _spoken_to(name, config, policy)
    model = load_model(source, dtype=DTYPES[policy.dtype], device=device_of(policy.device))
    sampler = LocalSampler(model, stop=chat.ends, rows=policy.rows, decode=chat.text)
    scorer = LocalScorer(model, micro_tokens=policy.micro_tokens)
    called = config.model or policy.name
    return LocalRespondent(called, chat=chat, sampler=sampler, scorer=scorer, context=model.context)


def _judge(name: str, config: JudgeConfig, spec: Spec | None, respondent: Respondent) -> Judge | RubricJudge:
    form = form_of(config)
    judge = Judge(
        respondent=respondent,
        name=name,
        form=form,
        rules=_rules(spec, form) if spec else "",
        clauses=_ids(spec) if spec else (),
        think=config.think,
        think_at_most=config.think_at_most,
        votes=config.votes,
        combine=config.combine,
        read=config.read,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        reads_thinking=config.reads_thinking,
    )
    return RubricJudge(judge=judge, rubric=spec, dropout=config.dropout) if spec and spec.is_rubric else judge
