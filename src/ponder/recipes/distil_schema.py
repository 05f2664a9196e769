"""What a recipe may say of the stage that learns a spec."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ponder.recipes.strict import Strict, Temperature, Weights


class DistilConfig(Strict):
    """Answers under a spec, filtered by a judge that holds it, and learned without it."""

    spec: str
    """Name of a shipped spec, or a path: the one line that decides what is learned."""
    language: str | None = None
    """Of a shipped spec."""
    shown: Literal["system", "brief"] = "system"
    """As the system message, or on one line before the question, for models with a short context."""
    categories: dict[str, list[str]] = Field({})
    """Domain -> clauses that its problems are about: those are shown whole, and the others by their titles."""
    domains: Weights = Field(min_length=1)
    """Shares of what is asked."""
    mixture_temperature: Temperature = 1.0
    """Shares become weight^(1 / temperature)."""
    asks: int = Field(ge=1)
    """Steps that ask; the weights stay what they are."""
    problems: int = Field(16, ge=1)
    """Problems in each of them."""
    group_size: int = Field(4, ge=1)
    """Rollouts of each."""
    max_tokens: int = Field(ge=1)
    """Most tokens of a completion."""
    temperature: float = Field(1.0, gt=0)
    """Of sampling."""
    judged_by: str
    """Key of `[verifiers]`: who decides what is kept; one with several votes and `combine = "minimum"` is strict."""
    least: float = Field(0.5, gt=0, le=1)
    """Smallest value that is kept."""
    cites: bool = True
    """Whether thinking has to name a clause of the spec."""
    restated: str | None = None
    """Line that is put before the thinking that is learned, with the question for `{question}`: `It says: {question}`.
    A request that has to be read out of another writing first is then thought about after the same words."""
    unseen: float = Field(0.0, ge=0, lt=1)
    """Share of that thinking which is learned after the line alone, without the question above it: what is learned of
    the spec then hangs on what the thinking says, and not on how the question is written."""
    steps: int = Field(ge=1)
    """Updates on what was kept."""
    batch: int = Field(16, ge=1)
    """Examples in each of them."""
    at_once: float = Field(0.0, ge=0, lt=1)
    """Share of the learning that goes to the same answers behind an empty thinking block, or dots: a policy that only
    learned to think cannot be asked to answer without."""
    beside: Weights = Field({})
    """Domains whose worked thinking is learned beside it, so that nothing is unlearned."""
    beside_share: float = Field(0.25, gt=0, lt=1)
    """Their share of the examples."""
    learning_rate: float = Field(1e-4, gt=0)
    """Peak."""
    warmup: int = Field(5, ge=1)
    """Steps to the peak."""

    @field_validator("restated")
    @classmethod
    def _tells_the_question(cls, restated: str | None) -> str | None:
        if restated is not None and "{question}" not in restated:
            raise ValueError("must have {question} in it")
        return restated

    @model_validator(mode="after")
    def _said_if_unseen(self) -> Self:
        if self.unseen and not self.restated:
            raise ValueError('unseen: thinking without its question has to say it; give restated = "{question}"')
        return self

    @model_validator(mode="after")
    def _categories(self) -> Self:
        for domain, clauses in self.categories.items():
            if domain not in self.domains:
                raise ValueError(f"categories.{domain}: is no domain of distil.domains")
            if not clauses:
                raise ValueError(f"categories.{domain}: names no clause; give ids of the spec, or leave it out")
        if self.categories and self.shown == "brief":
            raise ValueError("categories: on one line all clauses are shown; leave out categories, or shown")
        return self
