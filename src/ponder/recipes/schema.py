"""What a recipe and a suite may say; a key that is not here is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Weights = dict[str, Annotated[float, Field(gt=0)]]
"""Name of a domain -> its share of the problems."""


class Strict(BaseModel):
    """No unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class DomainConfig(BaseModel):
    """A domain: its kind, and the options of that kind, which the domain checks itself."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str
    """Key of `ponder.domains.DOMAINS`."""

    @property
    def options(self) -> dict[str, Any]:
        """Everything but the kind."""
        return dict(self.model_extra or {})


class ModelConfig(Strict):
    """The policy to begin with."""

    name: str
    """A folder, a name of `ponder models`, or a hub id."""
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """What it computes in; the learner keeps fp32 masters."""
    system: str | None = None
    """System message of every conversation; the template's own where it is left out."""
    rows: int = Field(256, ge=1)
    """Most completions written at once."""
    micro_tokens: int = Field(1536, ge=1)
    """Padded positions learned at once: bounds the memory."""


class ColdStartConfig(Strict):
    """Supervised learning before reinforcement."""

    domains: Weights = Field(min_length=1)
    """Shares of the examples."""
    steps: int = Field(ge=1)
    """Updates."""
    batch: int = Field(32, ge=1)
    """Examples a step."""
    worked: float = Field(0.3, ge=0, le=1)
    """Share of examples with worked thinking."""
    learning_rate: float = Field(1e-4, gt=0)
    """Peak."""
    warmup: int = Field(5, ge=1)
    """Steps to the peak."""


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
    max_tokens: int = Field(ge=1)
    """Most tokens of a completion."""
    learning_rate: float = Field(2e-5, gt=0)
    """After the warm-up."""
    warmup: int = Field(2, ge=1)
    """Steps to the full learning rate."""
    normalise: Literal["none", "batch"] = "batch"
    """Divide advantages by nothing, or by the batch's deviation."""
    token_cost: float = Field(0.0, ge=0)
    """Paid less for each token of a right answer."""
    gold_pays: bool = False
    """Whether the domains' verifiers are ground truth, and pay: their verdicts are then recorded as gold too."""
    max_not_judged: float = Field(0.1, ge=0, le=1)
    """Share of verifier failures in a step at which the stage stops."""

    @model_validator(mode="after")
    def _baseline(self) -> Self:
        if self.group_size < 2:
            raise ValueError("group_size: a group needs at least 2 rollouts for a baseline")
        return self


class MeasureConfig(Strict):
    """What is measured, before, between and after; None takes the suite's own value."""

    suite: str = "transfer"
    """Name of a shipped suite, or the path of one."""
    problems: int | None = Field(None, ge=2)
    """Problems a domain."""
    samples: int | None = Field(None, ge=1)
    """Completions of each."""


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
    seed: int = 0
    """Of the problems' stream."""


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
    domains: dict[str, DomainConfig] = {}
    """Domains besides those of the suite."""
    cold_start: ColdStartConfig | None = None
    """Supervised stage, if any."""
    rl: RLConfig | None = None
    """Reinforcement stage, if any."""
    measure: MeasureConfig | None = None
    """Measurements, if any."""
