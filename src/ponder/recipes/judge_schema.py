"""What a recipe may say of generative verifiers, and of who watches them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ponder.recipes.strict import Strict, one_of
from ponder.specs.asking import FORMS
from ponder.stages.watchman import OnAlarm
from ponder.verifiers import VERIFIERS
from ponder.verifiers.ensemble import COMBINED

TAKEN = ("lenient", "moved")
"""Names of verdicts that watch and are no judge's."""


class ServerConfig(Strict):
    """A model behind an OpenAI-compatible endpoint; see `ponder.engine.server.Server`."""

    url: str
    """Up to `/v1`."""
    model: str
    """What the server calls it."""
    key: str | None = None
    """Name of the environment variable that holds the key; the key itself is written nowhere."""
    concurrency: int = Field(16, ge=1)
    """Requests at a time."""
    deadline: float = Field(120.0, gt=0)
    """Seconds for one."""
    retries: int = Field(5, ge=0)
    """Of one request."""
    budget_tokens: int | None = Field(None, ge=1)
    """Tokens that may be spent in all."""
    cache: str | None = None
    """Folder that keeps replies."""


class JudgeConfig(Strict):
    """A generative verifier: who is asked, what about, and how far it is trusted."""

    spec: str | None = None
    """Spec or rubric: the name of a shipped one, or a path."""
    language: str | None = None
    """Of a shipped spec."""
    form: Annotated[str, one_of(FORMS)] | None = None
    """Key of `ponder.specs.asking.FORMS`; by default `rules` with a spec, `thinking` where it also reads the thinking,
    else `alone`."""
    model: str | None = None
    """Folder, name or hub id of a model; the one that the policy begins with where neither it nor a server is named.

    `policy` is the policy with the weights it has, which may watch what is measured and nothing else.
    """
    system: str | None = None
    """System message of that model."""
    thinking: str | None = None
    """How it marks its thinking, where its template does not tell."""
    server: ServerConfig | None = None
    """Asked in place of a local model."""
    think: bool = False
    """Whether it thinks before its verdict."""
    think_at_most: int | None = Field(None, ge=0)
    """Most tokens of its thinking."""
    votes: int = Field(1, ge=1)
    """Times that it is asked."""
    combine: Annotated[str, one_of(COMBINED)] = "mean"
    """What becomes of several votes, or members."""
    members: list[str] = Field([])
    """Other sections, all of which are asked in its place."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of a rubric's criteria that a problem is not asked about."""
    read: Literal["chance", "score"] = "chance"
    """The chance of yes, or a written score."""
    temperature: float = Field(0.0, ge=0)
    """Above 0 for several votes."""
    max_tokens: int = Field(512, ge=1)
    """Of a vote."""
    reads_thinking: bool = False
    """Whether it sees the policy's thinking."""
    gate: bool = True
    """Whether answers that are none are paid 0 without asking."""
    rule: Annotated[str, one_of(VERIFIERS)] | None = None
    """Key of `ponder.verifiers.VERIFIERS`: what it pays 0 the judge is not asked about."""

    @property
    def form_name(self) -> str:
        """The form that it is asked in."""
        with_spec = "thinking" if self.reads_thinking else "rules"
        return self.form or (with_spec if self.spec else "alone")

    @property
    def knows(self) -> bool:
        """Whether it is shown what decides: a spec, or the right answer."""
        return any(place in FORMS[self.form_name].ask for place in ("{rules}", "{reference}"))

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.members and (self.server or self.model or self.spec or self.form or self.rule):
            raise ValueError("members: an ensemble is its members; leave out spec, form, rule, model and server")
        shows = self.form and "{rules}" in FORMS[self.form].ask
        if self.form and bool(self.spec) != shows:
            told = "shows a spec; give one" if shows else "shows no spec; leave out form or spec"
            raise ValueError(f"form: {told}")
        if self.form and "{thinking}" in FORMS[self.form].ask and not self.reads_thinking:
            raise ValueError("form: shows the thinking; add reads_thinking = true, or take another form")
        if self.reads_thinking and "{thinking}" not in FORMS[self.form_name].ask:
            raise ValueError('reads_thinking: its form has no place for it; give a spec and form = "thinking"')
        if self.think_at_most is not None and not self.think:
            raise ValueError("think_at_most: it does not think; add think = true, or leave it out")
        if self.think_at_most is not None and self.think_at_most >= self.max_tokens:
            raise ValueError(f"think_at_most: leaves no room for a verdict in max_tokens = {self.max_tokens}; lower it")
        if self.server and self.model:
            raise ValueError("server: a judge is a server's or a local model; leave out one")
        if self.votes > 1 and self.temperature == 0:
            raise ValueError("temperature: several votes without one are all the same; give it 1.0")
        return self


class WatchConfig(Strict):
    """A test, valid whenever it is looked at, of whether what pays has drifted from what watches."""

    by: str = "gold"
    """`gold`, the domains' own verifiers, or a section of `[verifiers]` that never pays."""
    share: float = Field(1.0, gt=0, le=1)
    """Of the rollouts that are watched."""
    level: float = Field(0.05, gt=0, lt=1)
    """Largest chance of a false alarm over the whole stage."""
    tolerance: float = Field(0.05, ge=0, lt=2)
    """How far the mean gap may rise above the opening's."""
    opening: int = Field(16, ge=2)
    """Steps that say what the gap was."""
    on_alarm: OnAlarm = "stop"
    """`stop`: an error, with a checkpoint of the step before; `roll_back`: the stage ends with the policy of the last
    good checkpoint, and the run goes on."""
