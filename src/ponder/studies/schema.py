"""What a study may say, and reading one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ponder.recipes.load import load_recipe, load_suite, parse, read_toml
from ponder.recipes.strict import Strict
from ponder.types import PonderError


class Arm(Strict):
    """One way to do it."""

    recipe: str | None = None
    """Path of its recipe, from the study's folder; the study's own where it is left out."""
    settings: list[str] = Field([], alias="set")
    """Laid over the recipe, as `--set` does."""
    also: list[str] = Field([])
    """Paths of suites that its runs are measured with besides their recipe's own, from the study's folder."""
    audits: dict[str, list[str]] = Field({})
    """Verifier of the recipe -> kinds of domain on whose answers it is audited after each run, as `ponder audit` does;
    one that is the policy is what the run ends with."""
    looks_at: str | None = None
    """Another arm whose runs this one looks at: it has none of its own."""
    told: bool = False
    """Whether what those runs tell of themselves, in `result.json`, is told of this arm too."""
    parameters: dict[str, str] = Field({}, alias="with")
    """Laid over the study's; what stands for `$name` in its queries."""


class Need(Strict):
    """A run that arms begin with, such as a verifier that is to pay: made before any of them, once."""

    recipe: str
    """Path of its recipe, from the study's folder."""
    out: str
    """Its run folder, as arms name it."""
    settings: list[str] = Field([], alias="set")
    """Laid over the recipe, as `--set` does."""


class Claim(Strict):
    """A comparison of two arms, and what counts as held; stated before anything is run."""

    says: str
    """The claim, as a sentence."""
    number: str
    """Key of `Study.numbers`."""
    more: str
    """The arm that is to have more of it."""
    than: str
    """The arm that is to have less."""
    against: str | None = None
    """Which of that arm's numbers; the same where it is left out."""
    least: float = Field(0.0, ge=0)
    """Smallest difference that would matter."""


class Share(Strict):
    """How much of what one arm comes to another one reaches."""

    number: str
    """Key of `Study.numbers`."""
    of: str
    """The arm whose share it is."""
    to: str
    """The arm that has the whole."""


class Figure(Strict):
    """Numbers of some arms with their intervals, drawn beside the study."""

    file: str = Field(pattern=r"^[\w-]+\.svg$")
    """Its name."""
    says: str
    """What it shows."""
    number: str
    """Which numbers: a name with a `{word}` or two of `Study.each` in it; of a figure with `against` one name."""
    along: str | None = None
    """The word whose values stand along the axis. Another one makes lines, and each arm a panel; else arms do."""
    against: str | None = None
    """In its place, another number that stands along the axis: each arm is a point."""
    arms: list[str] = Field(min_length=1)
    """Whose."""
    unit: str = ""
    """Of the vertical axis."""
    against_unit: str = ""
    """Of the other one, where a number stands along it."""

    @model_validator(mode="after")
    def _one_axis(self) -> Self:
        if (self.along is None) == (self.against is None):
            raise ValueError("along: give either along, a word of each, or against, a number")
        return self

    @property
    def word(self) -> str:
        """The word along its axis; empty where a number stands there."""
        return self.along or ""


class Study(Strict):
    """A study file."""

    name: str
    """For its folder and its title."""
    asks: str
    """The question."""
    recipe: str | None = None
    """Path of the recipe of every arm that names none, from the study's folder."""
    seeds: list[int] = Field(min_length=1)
    """Each is a run of every arm; `{seed}` in a setting stands for it."""
    models: list[str] = Field([])
    """Models to begin with, one seed after the other, each as often as it stands here; the recipe's own where there
    are none."""
    rotate: dict[str, list[bool | int | float | str]] = Field({})
    """Key of the recipe -> its values, one seed after the other."""
    needs: list[Need] = Field([])
    """Runs to be made first, where they are not there."""
    arms: dict[str, Arm] = Field(min_length=1)
    """By name."""
    parameters: dict[str, str] = Field({}, alias="with")
    """What stands for `$name` in the queries of every arm."""
    each: dict[str, list[str]] = Field({})
    """What `{word}` stands for in the name of a number and in its query: there is one number for each."""
    numbers: dict[str, str] = Field(min_length=1)
    """Name in the study's results -> name in `result.json` of a run, or a query that gives one number: SQL that begins
    with `select`, on the view `rollouts` of what the run measured."""
    baseline: str | None = None
    """The arm that the others' gains are counted from: numbers called `gain` are those of the arm less its."""
    shares: dict[str, Share] = Field({})
    """Name in the study's results -> ratio of two arms' means."""
    claims: list[Claim] = Field([])
    """What is to be decided."""
    figures: list[Figure] = Field([])
    """What is to be drawn."""

    @field_validator("numbers")
    @classmethod
    def _expanded(cls, numbers: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        """One for every value of the words in a name."""
        each = info.data.get("each", {})
        return {name: value for key, asked in numbers.items() for name, value in numbers_of(key, asked, each)}

    @model_validator(mode="after")
    def _known(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: each may stand there once")
        for claim in self.claims:
            for arm in (claim.more, claim.than):
                if arm not in self.arms:
                    raise ValueError(f"claims: no arm is called {arm!r}; there are {', '.join(self.arms)}")
            for number in (claim.number, claim.against or claim.number):
                if number not in self.numbers:
                    raise ValueError(f"claims: no number is called {number!r}; there are {', '.join(self.numbers)}")
        if missing := next((name for name, arm in self.own_arms.items() if not (arm.recipe or self.recipe)), None):
            raise ValueError(f"recipe: arm {missing!r} has none, and the study names none for all")
        for name, arm in self.arms.items():
            if arm.told and not arm.looks_at:
                raise ValueError(f"arms.{name}.told: its own runs tell of it anyway; leave it out, or say looks_at")
            own = any((arm.recipe, arm.settings, arm.also, arm.audits))
            if arm.looks_at and (own or arm.looks_at not in self.own_arms):
                raise ValueError(
                    f"arms.{name}.looks_at: must name an arm that has runs of its own, and come without recipe, "
                    f"settings, suites and audits; there are {', '.join(self.own_arms)}"
                )
        if self.baseline is not None and self.baseline not in self.arms:
            raise ValueError(f"baseline: no arm is called {self.baseline!r}; there are {', '.join(self.arms)}")
        return self

    @model_validator(mode="after")
    def _rotated(self) -> Self:
        if empty := next((key for key, values in self.rotate.items() if not values), None):
            raise ValueError(f"rotate.{empty}: names no value; give a list of one or more, or leave it out")
        if self.models and "model.name" in self.rotate:
            raise ValueError("rotate.model.name: models says it already; leave out one")
        return self

    @model_validator(mode="after")
    def _shared(self) -> Self:
        for name, share in self.shares.items():
            if {share.of, share.to} - self.arms.keys() or share.number not in self.numbers:
                raise ValueError(f"shares.{name}: of and to must be arms, and number one of numbers")
        return self

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        for at, figure in enumerate(self.figures):
            if missing := next((arm for arm in figure.arms if arm not in self.arms), None):
                raise ValueError(f"figures.{at}.arms: no arm is called {missing!r}; there are {', '.join(self.arms)}")
            if figure.against is None:
                self._check_words(at, figure)
            elif missing := next((n for n in (figure.number, figure.against) if n not in self.numbers), None):
                known = ", ".join(self.numbers)
                raise ValueError(f"figures.{at}.against: no number is called {missing!r}; there are {known}")
        return self

    def _check_words(self, at: int, figure: Figure) -> None:
        words = words_of(figure.number, self.each)
        if figure.along not in words:
            raise ValueError(f"figures.{at}.along: must be a word of each that number = {figure.number!r} has in it")
        if len(words) > 2:
            raise ValueError(f"figures.{at}.number: may have two words of each in it, one of them along")

    @property
    def own_arms(self) -> dict[str, Arm]:
        """Those that are run."""
        return {name: arm for name, arm in self.arms.items() if not arm.looks_at}

    @property
    def beginnings(self) -> list[str]:
        """The models that seeds take turns with, in their order; each may stand there more than once."""
        return self.models or [str(name) for name in self.rotate.get("model.name", [])]

    def model_of(self, seed: int) -> str | None:
        """Which of `beginnings` goes to a seed, by its place among the seeds."""
        names = self.beginnings
        return names[self.seeds.index(seed) % len(names)] if names else None

    def settings(self, arm: str, seed: int) -> list[str]:
        """What is laid over the recipe in a run of this arm and seed."""
        given = [setting.replace("{seed}", str(seed)) for setting in self.arms[arm].settings]
        at = self.seeds.index(seed)
        model = [f"model.name={self.model_of(seed)}"] if self.models else []
        turned = [f"{key}={_toml(values[at % len(values)])}" for key, values in self.rotate.items()]
        return [f"seed={seed}", *model, *turned, *given]


def _toml(value: bool | int | float | str) -> str:
    """Such that a text stays one, whatever it says."""
    return json.dumps(value, ensure_ascii=False)


def words_of(name: str, each: Mapping[str, list[str]]) -> list[str]:
    """The words of `each` that stand in a name, in the order of `each`."""
    return [word for word in each if f"{{{word}}}" in name]


def numbers_of(name: str, asked: str, each: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    """A number for every value of the words in its name, and what is asked for it."""
    words = words_of(name, each)
    for values in product(*(each[word] for word in words)):
        filled = name, asked
        for word, value in zip(words, values, strict=True):
            filled = filled[0].replace(f"{{{word}}}", value), filled[1].replace(f"{{{word}}}", value)
        yield filled


def load_study(path: Path) -> Study:
    """The study in a TOML file; every recipe that it will run is read, so that what is wrong is said at once."""
    study = parse(Study, read_toml(path), where=str(path))
    for need in study.needs:
        load_recipe(path.parent / need.recipe, need.settings)
    for name in study.own_arms:
        recipe = recipe_of(study, path, name)
        try:
            for seed in study.seeds[: max(map(len, study.rotate.values()), default=1)]:
                load_recipe(recipe, study.settings(name, seed))
            for suite in study.arms[name].also:
                load_suite(str(path.parent / suite))
        except PonderError as error:
            raise PonderError(f"{path}: arms.{name}: {error}") from None
    return study


def recipe_of(study: Study, path: Path, arm: str) -> Path:
    """The recipe of an arm."""
    named = study.arms[arm].recipe or study.recipe
    assert named, "every arm has a recipe"
    return path.parent / named
