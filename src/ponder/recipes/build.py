"""From configuration to the things that run: domains, verifiers, engine, stages, suite."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ponder import attacks, domains, verifiers
from ponder.engine.learner import LocalLearner
from ponder.engine.sampler import LocalSampler
from ponder.engine.scorer import LocalScorer
from ponder.measure.statistics.drift import Drift
from ponder.measure.suite import Suite, Variant
from ponder.measure.watching import Watch
from ponder.model.chat import Chat
from ponder.model.checkpoint import master_weights
from ponder.model.decoder import Decoder
from ponder.model.devices import device_of
from ponder.model.dtypes import DTYPES
from ponder.model.fresh import MAKING, Shape, make
from ponder.model.hub import cache_folder, once, resolve
from ponder.model.load import load_model, module_of
from ponder.model.lora import attach, freeze
from ponder.objectives import OBJECTIVES
from ponder.objectives.costs import Tariff
from ponder.recipes.cost_schema import CEILING, OFFSET, RATE, CostConfig
from ponder.recipes.distil_schema import DistilConfig
from ponder.recipes.judge_schema import WatchConfig
from ponder.recipes.judges import build_verifier
from ponder.recipes.load import load_suite
from ponder.recipes.policies import Policy
from ponder.recipes.schema import (
    ColdStartConfig,
    DomainConfig,
    MeasureConfig,
    ModelConfig,
    Recipe,
    RLConfig,
    SuiteConfig,
)
from ponder.recipes.tiers import Seen, tier_of
from ponder.rollout import Check, Examiner, Roller
from ponder.stages.cold_start import ColdStart
from ponder.stages.costing import Costing, Targets
from ponder.stages.curriculum import Curriculum
from ponder.stages.lessons import Teaching
from ponder.stages.mixture import InOrder, Mixture, epoch_steps, tempered
from ponder.stages.reinforce import Reinforce
from ponder.stages.watchman import Watchman
from ponder.types import Cell, Domain, Learner, LossChoice, Mode, PonderError, Role, Scorer, Verifier


def source_of(recipe: Recipe) -> Path:
    """The folder of the model that a recipe begins with; fetched, or made, where it must be."""
    fresh = recipe.model.fresh
    if fresh is None:
        return resolve(recipe.model.name)
    if recipe.cold_start is None:
        raise PonderError("model.fresh: an untrained model has to be taught first; add [cold_start]")
    texts = list(_texts(training_domains(recipe), recipe.cold_start.domains, fresh.examples))
    told = [str(MAKING), fresh.model_dump_json(), str(recipe.seed), *texts]
    name = f"fresh-{hashlib.sha256(chr(0).join(told).encode()).hexdigest()[:16]}"
    shape = Shape(**fresh.model_dump(include={"layers", "hidden", "heads", "inner", "context"}))
    return once(
        cache_folder() / name,
        lambda work: make(work / "model", shape, texts, vocabulary=fresh.vocabulary, seed=recipe.seed),
    )


def _texts(found: Mapping[str, Domain], names: Iterable[str], examples: int) -> Iterator[str]:
    """What these domains say: questions, thinking and answers."""
    for name in names:
        size = found[name].size("train")
        for problem in found[name].problems("train", seed=0, n=examples if size is None else min(size, examples)):
            yield from (problem.question, found[name].worked(problem) or "", problem.reference)


def build_policy(recipe: Recipe, folder: Path | None = None) -> Policy:
    """The policy of a recipe, or of a checkpoint folder in its place; its dtype has been settled."""
    config, source = recipe.model, folder or source_of(recipe)
    model = load_model(source, dtype=DTYPES[config.dtype], device=device_of(config.device))
    chat = Chat.load(source, system=config.system, thinking=config.thinking)
    sampler = LocalSampler(model, stop=chat.ends, rows=config.rows, decode=chat.text)
    return Policy(source=source, model=model, chat=chat, sampler=sampler)


def build_scorer(config: ModelConfig, folder: Path) -> Scorer:
    """Weights that are asked beside the policy and never change; its dtype has been settled."""
    frozen = load_model(folder, dtype=DTYPES[config.dtype], device=device_of(config.device))
    return LocalScorer(frozen, micro_tokens=config.micro_tokens)


def build_learner(policy: Policy, config: ModelConfig, *, seed: int) -> LocalLearner:
    """Who changes the policy's weights: all of them, all but some, or adapters beside them."""
    module, masters = module_of(policy.model), None
    if config.lora:
        lora = config.lora
        attach(module, rank=lora.rank, alpha=lora.alpha, targets=lora.targets, seed=seed)
    elif isinstance(policy.model, Decoder):
        masters = master_weights(policy.source)
    freeze(module, config.freeze)
    return LocalLearner(policy.model, masters=masters, micro_tokens=config.micro_tokens)


def build_domains(configs: Mapping[str, DomainConfig]) -> dict[str, Domain]:
    """Domains by name."""
    return {name: domains.build(name, config.use, config.options) for name, config in configs.items()}


def build_examiner(
    found: Iterable[Domain],
    *,
    gold_pays: bool = False,
    lenient: bool = False,
    payer: Verifier | None = None,
    watcher: Verifier | None = None,
) -> Examiner:
    """Each domain's own verifier; with `lenient` a twin of it, which also looks for the answer in prose, watches.

    `payer`: pays in its place, and it is gold; `watcher`: watches beside it.
    """
    others = [Check(verifier=payer)] if payer else []
    others += [Check(verifier=watcher, roles=(Role.WATCH,))] if watcher else []
    if payer:
        return Examiner({domain.name: [*others, own_check(domain, (Role.GOLD,))] for domain in found})
    return Examiner({domain.name: [*_checks(domain, gold_pays, lenient), *others] for domain in found})


def _checks(domain: Domain, gold_pays: bool, lenient: bool) -> list[Check]:
    own = own_check(domain, (Role.PAY, Role.GOLD) if gold_pays else (Role.PAY,))
    if not lenient:
        return [own]
    twin = verifiers.build(domain.verifier.name, dict(domain.verifier.options) | {"lenient": True})
    return [own, Check(verifier=twin, roles=(Role.WATCH,), label="lenient")]


def own_check(domain: Domain, roles: tuple[Role, ...]) -> Check:
    """A domain's own verifier."""
    return Check(verifier=verifiers.build(domain.verifier.name, dict(domain.verifier.options)), roles=roles)


def build_suite(asked: MeasureConfig, recipe: Recipe) -> Suite:
    """A suite, and the recipe's own domains unless it is alone; what training saw of each is told by the recipe."""
    config = load_suite(asked.suite)
    own = {} if config.alone else {name: each for name, each in recipe.domains.items() if _has_test_split(each)}
    configs = dict(config.domains) | own
    seen = Seen(recipe, all_domains(recipe))
    judged_by = asked.judged_by or config.judged_by
    if judged_by and judged_by not in recipe.verifiers:
        raise PonderError(f"judged_by = {judged_by!r}: the recipe has no such judge; add [verifiers.{judged_by}]")
    if config.moved and recipe.model.fresh:
        raise PonderError(
            f"{asked.suite}: moved: of a model that began untrained there is nothing to know; leave it out"
        )
    price = config.prices.get(recipe.model.name)
    if config.prices and not price:
        raise PonderError(
            f"{asked.suite}: prices: none of {recipe.model.name!r}, only of {', '.join(config.prices)}; add it"
        )
    return Suite(
        name=config.name,
        domains=build_domains(configs),
        tiers={name: tier_of(seen, domain) for name, domain in configs.items()},
        problems=asked.problems or config.problems,
        samples=asked.samples or config.samples,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        shots=config.shots,
        seed=config.seed,
        split=config.split,
        modes=tuple(config.modes),
        filler=config.filler,
        judged_by=judged_by,
        moved=config.moved,
        variants=tuple(_variants(config)),
        budgets=tuple(each.budget for each in config.budgets),
        price=(price.read, price.written) if price else None,
    )


def _variants(config: SuiteConfig) -> Iterator[Variant]:
    """Every attack of a suite at each of its strengths."""
    for name, each in config.attacks.items():
        attack = attacks.build(each.use, each.options, name=name)
        yield from (Variant(attack=attack, strength=strength) for strength in each.strength)


def asks_untouched(recipe: Recipe) -> bool:
    """Whether the model is measured as it came; of what is random there is nothing to know."""
    return recipe.model.fresh is None and (recipe.measure is None or recipe.measure.untouched)


def _has_test_split(config: DomainConfig) -> bool:
    """A file that is declared to be another split has none."""
    return config.options.get("split") in (None, "test")


def stage_seed(recipe: Recipe, stage: str) -> int:
    """A stage's own seed: a hash, so that no stage of one seed reads the problems of another seed's."""
    return int.from_bytes(hashlib.sha256(f"{recipe.seed}/{stage}".encode()).digest()[:4])


def all_domains(recipe: Recipe) -> dict[str, DomainConfig]:
    """The suite's domains and the recipe's own, which come first."""
    shared = load_suite(recipe.measure.suite).domains if recipe.measure else {}
    return dict(shared) | dict(recipe.domains)


def training_domains(recipe: Recipe) -> dict[str, Domain]:
    """The domains that some stage trains on; an unknown name is an error."""
    known = all_domains(recipe)
    asked = asked_domains(recipe)
    for section, names in asked.items():
        for name in names:
            if name not in known:
                raise PonderError(f"{section} has {name!r}: no such domain; there are {', '.join(known)}")
    wanted = {name for names in asked.values() for name in names}
    return build_domains({name: config for name, config in known.items() if name in wanted})


def asked_domains(recipe: Recipe) -> dict[str, Mapping[str, float]]:
    """Section of the recipe -> the domains that it names."""
    cold, distil, rl = recipe.cold_start, recipe.distil, recipe.rl
    found: dict[str, Mapping[str, float]] = {"cold_start.domains": cold.domains} if cold else {}
    found |= {"distil.domains": distil.domains, "distil.beside": distil.beside} if distil else {}
    return found | ({"rl.domains": rl.domains} if rl else {})


def build_mixture(
    config: ColdStartConfig | DistilConfig | RLConfig, found: Mapping[str, Domain], *, seed: int
) -> Mixture:
    """The problems of a stage, in the order in which they come."""
    return Mixture(found, config.domains, seed=seed, temperature=config.mixture_temperature)


def cold_start_steps(config: ColdStartConfig, mixture: Mixture) -> int:
    """Updates of the cold start, counted out where the recipe gives epochs."""
    if config.steps is not None:
        return config.steps
    assert config.epochs, "a cold start has steps or epochs"
    weights = tempered(config.domains, config.mixture_temperature)
    try:
        return epoch_steps(weights, mixture.sizes, epochs=config.epochs, batch=config.batch)
    except PonderError as error:
        raise PonderError(f"cold_start.{error}") from None


def build_cold_start(recipe: Recipe, policy: Policy, learner: Learner, found: Mapping[str, Domain]) -> ColdStart:
    """The supervised stage of a recipe that has one."""
    config = recipe.cold_start
    assert config, "the recipe has a cold start"
    mixture = build_mixture(config, found, seed=stage_seed(recipe, "cold_start"))
    return ColdStart(
        learner=learner,
        chat=policy.chat,
        domains=found,
        source=InOrder(mixture, config.batch).source,
        steps=cold_start_steps(config, mixture),
        worked=config.worked,
        blank=config.blank,
        learning_rate=config.learning_rate,
        warmup=config.warmup,
    )


def build_reinforce(
    recipe: Recipe, policy: Policy, learner: Learner, found: Mapping[str, Domain], before: int, reference: Scorer | None
) -> Reinforce:
    """The reinforcement stage of a recipe that has one; `before`: updates made so far."""
    config = recipe.rl
    assert config, "the recipe has reinforcement learning"
    watch = config.watch
    examiner = build_examiner(
        (found[name] for name in config.domains),
        gold_pays=config.gold_pays,
        payer=build_verifier(recipe, config.paid_by) if config.paid_by else None,
        watcher=build_verifier(recipe, watch.by) if watch and watch.by != "gold" else None,
    )
    mixture = build_mixture(config, found, seed=stage_seed(recipe, "reinforce"))
    roller = Roller(
        sampler=policy.sampler,
        chat=policy.chat,
        examiner=examiner,
        seed=recipe.seed,
        top_p=config.top_p,
        min_p=config.min_p,
        stop=tuple(config.stop),
    )
    pools = config.pools
    return Reinforce(
        learner=learner,
        roller=roller,
        feed=Curriculum(mixture, config.problems, **pools.model_dump()) if pools else InOrder(mixture, config.problems),
        steps=config.steps,
        group=config.group_size,
        cell=Cell(
            checkpoint="reinforce",
            domain="",
            split="",
            budget=config.max_tokens,
            think_at_least=config.think_at_least,
            think_at_most=config.think_at_most,
            mode=Mode.BUDGET if config.think_opened else Mode.FREE,
            temperature=config.temperature,
        ),
        learning_rate=config.learning_rate,
        warmup=config.warmup,
        teaching=teaching_of(config),
        max_not_judged=config.max_not_judged,
        before=before,
        reference=reference,
        watchman=Watchman(build_watch(watch), on_alarm=watch.on_alarm) if watch else None,
        costing=build_costing(config.cost, seed=recipe.seed) if config.cost else None,
    )


def build_watch(config: WatchConfig) -> Watch:
    """What is watched, and for what."""
    drift = Drift(level=config.level, tolerance=config.tolerance, opening=config.opening)
    return Watch(drift=drift, role=Role.GOLD if config.by == "gold" else Role.WATCH, share=config.share)


def build_costing(config: CostConfig, *, seed: int) -> Costing:
    """What thinking costs."""
    tariff = Tariff(
        price=config.price or 0.0,
        target=float(config.targets[0]) if config.targets else 0.0,
        slope=config.slope or 0.0,
        offset=OFFSET if config.offset is None else config.offset,
        limit=config.limit or 0.0,
    )
    moved = {"rate": config.rate or RATE, "ceiling": config.ceiling or CEILING}
    targets = Targets(lengths=config.targets, seed=seed) if config.told else None
    return Costing(config.use, tariff, hold=config.hold, targets=targets, **moved)


def teaching_of(config: RLConfig) -> Teaching:
    """How rollouts teach: the preset of the recipe's objective, with its own choices laid over it."""
    preset = OBJECTIVES[config.objective]
    loss = {
        "clip_low": preset.clip_low if config.clip_low is None else config.clip_low,
        "clip_high": preset.clip_high if config.clip_high is None else config.clip_high,
        "kl": config.kl,
        "kl_estimator": config.kl_estimator,
        "correction": config.correction,
        "correction_level": config.correction_level,
        "correction_cap": config.correction_cap,
    }
    return Teaching(
        normalise=config.normalise or preset.normalise,
        weighting=config.weighting or preset.weighting,
        loss=LossChoice(name=preset.loss, options=loss),
        cost=config.token_cost,
        overlong=config.overlong,
        drop_truncated=config.drop_truncated,
        minibatches=config.minibatches,
        epochs=config.epochs,
    )
