"""What a recipe and a suite may say; a key that is not here is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ponder.model.lora import TARGETS
from ponder.objectives import ADVANTAGES, CORRECTIONS, OBJECTIVES, PENALTIES, WEIGHTINGS
from ponder.recipes.attack_schema import Attacks
from ponder.recipes.budget_schema import Budgets, check_fits
from ponder.recipes.cost_schema import CostConfig, check_cost
from ponder.recipes.distil_schema import DistilConfig
from ponder.recipes.judge_schema import TAKEN, JudgeConfig, WatchConfig
from ponder.recipes.strict import Strict, Temperature, Weights, one_of
from ponder.specs.asking import FORMS
from ponder.verifiers import VERIFIERS


class DomainConfig(BaseModel):
    """A domain: its kind, and the options of that kind, which the domain checks itself."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str
    """Key of `ponder.domains.DOMAINS`."""

    @property
    def options(self) -> dict[str, Any]:
        """Everything but the kind."""
        return dict(self.model_extra or {})


class LoraConfig(Strict):
    """Learn low-rank adapters and leave the weights as they are."""

    rank: int = Field(8, ge=1)
    """Rank of each adapter."""
    alpha: float = Field(16.0, gt=0)
    """An adapter counts alpha / rank."""
    targets: list[str] = Field(list(TARGETS), min_length=1)
    """Last names of the matrices that get one."""


class FreshConfig(Strict):
    """An untrained Llama, and a tokenizer made of what the cold start's domains say, in place of a model."""

    layers: int = Field(4, ge=1)
    """Blocks."""
    hidden: int = Field(192, ge=2)
    """Width."""
    heads: int = Field(4, ge=1)
    """Query heads, and as many of keys."""
    inner: int = Field(768, ge=1)
    """Width of the feed-forward."""
    context: int = Field(1024, ge=16)
    """Longest text, in tokens."""
    vocabulary: int = Field(2000, ge=1)
    """Most entries of the tokenizer."""
    examples: int = Field(300, ge=1)
    """Problems of each domain that the tokenizer is made of."""


class ModelConfig(Strict):
    """The policy to begin with."""

    name: str
    """A folder, a name of `ponder models`, or a hub id; with `fresh`, whatever it is to be called."""
    fresh: FreshConfig | None = None
    """Begin with an untrained model."""
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    """What it computes in; the learner keeps fp32 masters. `auto` is settled when a run begins, for good."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it computes; `auto` is a GPU where there is one, each time anew."""
    system: str | None = None
    """System message of every conversation; the template's own where it is left out."""
    thinking: str | None = None
    """How the model marks its thinking, a key of `ponder.model.formats.FORMATS`; the template tells where left out."""
    rows: int = Field(256, ge=1)
    """Most completions written at once."""
    micro_tokens: int = Field(1536, ge=1)
    """Padded positions learned at once: bounds the memory."""
    lora: LoraConfig | None = None
    """Learn adapters instead of the weights."""
    freeze: list[str] = Field([])
    """Parts of the names of weights that stay as they are, such as `embed_tokens`."""


class ColdStartConfig(Strict):
    """Supervised learning before reinforcement."""

    domains: Weights = Field(min_length=1)
    """Shares of the examples."""
    mixture_temperature: Temperature = 1.0
    """Shares become weight^(1 / temperature)."""
    steps: int | None = Field(None, ge=1)
    """Updates; or say `epochs`."""
    epochs: int | None = Field(None, ge=1)
    """Times that every example is learned from, for domains that have an end."""
    batch: int = Field(32, ge=1)
    """Examples a step."""
    worked: float = Field(0.3, ge=0, le=1)
    """Share of examples with worked thinking."""
    blank: float = Field(0.0, ge=0, le=1)
    """Share of the direct answers that stand behind an empty thinking block or dots, which are not learned from."""
    learning_rate: float = Field(1e-4, gt=0)
    """Peak."""
    warmup: int = Field(5, ge=1)
    """Steps to the peak."""

    @model_validator(mode="after")
    def _length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("steps: give either steps or epochs")
        return self


class PoolsConfig(Strict):
    """Asking by how often a problem was solved; see `ponder.stages.curriculum`."""

    retire_above: float = Field(0.9, gt=0, lt=1)
    """Success rate above which a problem is not asked again."""
    revisit: float = Field(0.5, ge=0, le=1)
    """Chance to look back at a problem asked before."""
    window: int = Field(256, ge=1)
    """How many of those asked last are looked back at."""


class RLConfig(Strict):
    """Reinforcement learning."""

    domains: Weights = Field(min_length=1)
    """Shares of the problems."""
    steps: int = Field(ge=1)
    """Updates."""
    problems: int = Field(16, ge=1)
    """Problems a step."""
    group_size: int = 8
    """Rollouts of each."""
    mixture_temperature: Temperature = 1.0
    """Shares become weight^(1 / temperature)."""
    pools: PoolsConfig | None = None
    """Ask what is solved sometimes; without it the mixture is asked in order."""
    max_tokens: int = Field(ge=1)
    """Most tokens of a completion."""
    temperature: float = Field(1.0, gt=0)
    """Of sampling, and of the policy that learns."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Share of the probability that is drawn from."""
    min_p: float = Field(0.0, ge=0, le=1)
    """Least share of the likeliest token's probability that is drawn."""
    stop: list[str] = Field([])
    """Texts that end a completion."""
    think_at_least: int = Field(0, ge=0)
    """Fewest tokens of thinking."""
    think_at_most: int | None = Field(None, ge=0)
    """Most tokens of thinking."""
    think_opened: bool = False
    """Whether the thinking block is opened in every prompt, so that the bounds hold for every rollout."""
    learning_rate: float = Field(2e-5, gt=0)
    """After the warm-up."""
    warmup: int = Field(2, ge=1)
    """Steps to the full learning rate."""
    objective: Annotated[str, one_of(OBJECTIVES)] = "reinforce"
    """A preset of the next five; what is written here besides is laid over it."""
    normalise: Annotated[str, one_of(ADVANTAGES)] | None = None
    """What advantages are divided by."""
    weighting: Annotated[str, one_of(WEIGHTINGS)] | None = None
    """What each token counts."""
    clip_low: float | None = Field(None, ge=0, le=1)
    """Least ratio to the policy that drew is 1 - this."""
    clip_high: float | None = Field(None, ge=0)
    """Largest ratio is 1 + this."""
    kl: float = Field(0.0, ge=0)
    """Weight of the divergence from the policy that the stage began with."""
    kl_estimator: Annotated[str, one_of(PENALTIES)] = "k3"
    """How it is estimated."""
    correction: Annotated[str, one_of(CORRECTIONS)] = "truncate"
    """What is done about tokens that sampler and learner find differently likely."""
    correction_level: Literal["token", "sequence"] = "token"
    """One importance weight for each token, or one for the whole completion."""
    correction_cap: float = Field(2.0, gt=1)
    """Largest importance weight."""
    minibatches: int = Field(1, ge=1)
    """Updates that a step's groups are spread over."""
    epochs: int = Field(1, ge=1)
    """Times that each group is learned from."""
    drop_truncated: bool = False
    """Leave truncated completions out of the loss."""
    overlong: int = Field(0, ge=0)
    """Tokens before `max_tokens` over which a completion loses up to 1."""
    token_cost: float = Field(0.0, ge=0)
    """Paid less for each token of a right answer."""
    cost: CostConfig | None = None
    """What thinking tokens cost; only what is learned from changes by it, not what is recorded as paid."""
    gold_pays: bool = False
    """Whether the domains' verifiers are ground truth, and pay: their verdicts are then recorded as gold too."""
    paid_by: str | None = None
    """Key of `[verifiers]` or of `ponder.verifiers.VERIFIERS`: who pays in place of the domains' own, which then only
    watch as gold."""
    watch: WatchConfig | None = None
    """Whether what pays is watched."""
    max_not_judged: float = Field(0.1, ge=0, le=1)
    """Share of verifier failures in a step at which the stage stops."""

    @model_validator(mode="after")
    def _baseline(self) -> Self:
        if self.group_size < 2:
            raise ValueError("group_size: a group needs at least 2 rollouts for a baseline")
        if self.paid_by and self.gold_pays:
            raise ValueError("paid_by: gold cannot pay where another pays; leave out gold_pays")
        if self.think_at_most is not None and self.think_at_most < self.think_at_least:
            raise ValueError(f"think_at_most: must be at least think_at_least = {self.think_at_least}")
        for key, bound in (("think_at_most", self.think_at_most), ("think_at_least", self.think_at_least)):
            if bound is not None and bound >= self.max_tokens:
                raise ValueError(f"{key}: leaves no room for an answer in max_tokens = {self.max_tokens}; lower it")
        if self.overlong and (self.normalise or OBJECTIVES[self.objective].normalise) == "mean":
            raise ValueError("overlong: what divides by the mean reward takes none below 0; leave it out")
        if self.overlong >= self.max_tokens:
            raise ValueError(f"overlong: must be less than max_tokens = {self.max_tokens}")
        if self.cost and self.token_cost:
            raise ValueError("token_cost: thinking is paid for once; leave out token_cost, or cost")
        if self.cost:
            normalise, most = self.normalise or OBJECTIVES[self.objective].normalise, self.think_at_most
            at_most = self.max_tokens if most is None else min(most, self.max_tokens)
            check_cost(self.cost, normalise=normalise, at_least=self.think_at_least, at_most=at_most)
        return self


class MeasureConfig(Strict):
    """What is measured, before, between and after; None takes the suite's own value."""

    suite: str = "transfer"
    """Name of a shipped suite, or the path of one."""
    problems: int | None = Field(None, ge=2)
    """Problems a domain."""
    samples: int | None = Field(None, ge=1)
    """Completions of each."""
    untouched: bool = True
    """Whether the model is asked as it comes, greedily, and after solved examples; an untrained one never is."""
    judged_by: str | None = None
    """A section of `[verifiers]` that watches what is said in mode `free`; see `ponder.measure.choosing`."""


class PriceConfig(Strict):
    """What a model's tokens cost, in money of any kind."""

    read: float = Field(ge=0)
    """A million tokens that it reads."""
    written: float = Field(ge=0)
    """A million tokens that it writes."""


class SuiteConfig(Strict):
    """A suite file."""

    name: str
    """As tables show it."""
    domains: dict[str, DomainConfig] = Field(min_length=1)
    """What is asked."""
    problems: int = Field(100, ge=2)
    """Problems a domain."""
    samples: int = Field(1, ge=1)
    """Completions of each."""
    max_tokens: int = Field(ge=1)
    """Most tokens of a completion."""
    temperature: float = Field(1.0, ge=0)
    """Of every condition but the untouched model's, which are greedy."""
    shots: int = Field(4, ge=1)
    """Solved examples of the few-shot condition."""
    alone: bool = False
    """Whether nothing else is asked: else the recipe's own domains are, beside the suite's."""
    modes: list[Literal["none", "filler", "forced", "corrupted", "translated"]] = Field([])
    """Ways of thinking that the model before and after reinforcement is asked in besides; see `ponder.types.Mode`."""
    filler: int = Field(32, ge=1)
    """Marks of the thinking in mode `filler`."""
    seed: int = 0
    """Of the problems' stream."""
    split: Literal["validation", "test"] = "test"
    """Where they are from; what is chosen by results is chosen on the first."""
    judged_by: str | None = None
    """A section of the recipe's `[verifiers]` that watches what is said in mode `free`."""
    moved: bool = False
    """Whether it is measured how far what is said in mode `free` is from the model that the run began with; see
    `ponder.measure.moved`."""
    budgets: Budgets = Field([])
    """Budgets of thinking that every checkpoint is asked under besides, the block opened for it; see
    `ponder.measure.budgets`."""
    prices: dict[str, PriceConfig] = Field({})
    """By model: for what a right answer costs; see `ponder.measure.bill`."""
    attacks: Attacks = Field({})
    """How the same problems are asked besides, in every condition but few-shot; see `ponder.measure.attacked`."""

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        if self.moved and self.temperature == 0:
            raise ValueError("moved: completions must be drawn to tell a divergence; give a temperature above 0")
        for each in self.budgets:
            check_fits(each, self.max_tokens)
        return self


class Recipe(Strict):
    """One run: a policy, what it is trained on, and how it is measured."""

    name: str
    """Name of the run's folder, unless `--out` says otherwise."""
    seed: int = 0
    """Of everything random."""
    minutes: float | None = Field(None, gt=0)
    """Bound on training, in minutes; the cold start gets at most half. Such a run is not repeatable to the bit."""
    checkpoint_every: int = Field(10, ge=1)
    """Steps between checkpoints."""
    model: ModelConfig
    """The policy."""
    spec: str | None = None
    """What the stage that learns a spec, and judges whose form shows one, are given where they name none themselves."""
    domains: dict[str, DomainConfig] = Field({})
    """Domains besides those of the suite."""
    verifiers: dict[str, JudgeConfig] = Field({})
    """Generative verifiers, by name."""
    cold_start: ColdStartConfig | None = None
    """Supervised stage, if any."""
    distil: DistilConfig | None = None
    """Stage that learns a spec from its own answers under it, if any."""
    rl: RLConfig | None = None
    """Reinforcement stage, if any."""
    measure: MeasureConfig | None = None
    """Measurements, if any."""

    @model_validator(mode="before")
    @classmethod
    def _one_spec(cls, values: Any) -> Any:
        """Put the recipe's spec where none is named."""
        if not isinstance(values, dict) or not isinstance(spec := values.get("spec"), str):
            return values
        given = dict(values)
        if isinstance(given.get("distil"), dict):
            given["distil"] = {"spec": spec, **given["distil"]}
        if isinstance(judges := given.get("verifiers"), dict):
            given["verifiers"] = {n: {"spec": spec, **one} if _shows_spec(one) else one for n, one in judges.items()}
        return given

    @model_validator(mode="after")
    def _known_verifiers(self) -> Self:
        judge = self.measure and self.measure.judged_by
        if judge and judge not in self.verifiers:
            raise ValueError(f"measure.judged_by = {judge!r}: must be a section of verifiers; add [verifiers.{judge}]")
        for name, config in self.verifiers.items():
            if name in TAKEN:
                raise ValueError(f"verifiers.{name}: is what verdicts of no judge are called; give it another name")
            for member in config.members:
                if member not in self.verifiers or self.verifiers[member].members:
                    raise ValueError(f"verifiers.{name}.members = {member!r}: must be another judge of verifiers")
        known = [*self.verifiers, *VERIFIERS]
        if self.distil and self.distil.judged_by not in known:
            raise ValueError(f"distil.judged_by = {self.distil.judged_by!r}: must be one of {', '.join(known)}")
        if not self.rl:
            return self
        if self.rl.paid_by and self.rl.paid_by not in known:
            raise ValueError(f"rl.paid_by = {self.rl.paid_by!r}: must be one of {', '.join(known)}")
        if self.rl.watch and self.rl.watch.by not in (watchers := ["gold", *self.verifiers]):
            raise ValueError(f"rl.watch.by = {self.rl.watch.by!r}: must be one of {', '.join(watchers)}")
        if self.rl.watch and not self.rl.paid_by:
            raise ValueError("rl.watch: where the domains' own verifiers pay there is nothing to watch; leave it out")
        return self

    @model_validator(mode="after")
    def _filtered_by_who_knows(self) -> Self:
        judge = self.verifiers.get(self.distil.judged_by) if self.distil else None
        if self.distil and judge:
            asked = [self.verifiers[member] for member in judge.members] or [judge]
            if not any(one.knows for one in asked):
                told = f"its form {asked[0].form_name!r} shows it neither the spec nor the right answer"
                raise ValueError(f"distil.judged_by = {self.distil.judged_by!r}: {told}; give another form")
        return self


def _shows_spec(judge: Any) -> bool:
    """Whether a section of verifiers is a judge whose form has a place for rules; one that names none gets such."""
    if not isinstance(judge, dict) or judge.get("members"):
        return False
    form = judge.get("form", "rules")
    return form in FORMS and "{rules}" in FORMS[form].ask
