"""Reading recipes and suites; what is wrong with one is said in a line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ponder.recipes.schema import Recipe, SuiteConfig
from ponder.types import PonderError

Config = TypeVar("Config", bound=BaseModel)

EXTENDS = "extends"
"""Key of a recipe or a suite that names the file it is laid over."""
WITHOUT = "without"
"""Key beside it: what is taken out of that file first, such as `rl.domains.chains`."""
REASONS = {
    "model_type": "must be a section with keys of its own",
    "dict_type": "must be a section with keys of its own",
    "too_short": "name at least one",
}
"""Kind of fault -> what to say of it, where pydantic's own words are for programmers."""


def load_recipe(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """The recipe in a TOML file, laid over those that it extends, with `key.of.it=value` settings laid over it."""
    values, where = read_layers(path)
    for setting in settings:
        lay_over(values, setting)
    return parse(Recipe, values, where=where)


def load_suite(name: str) -> SuiteConfig:
    """A suite by path, or by the name of one that ships with ponder."""
    if name.endswith(".toml") or "/" in name:
        values, where = read_layers(Path(name))
        return parse(SuiteConfig, values, where=where)
    shipped = shipped_suites()
    if name not in shipped:
        raise PonderError(f"suite = {name!r}: no such suite; take one of {', '.join(sorted(shipped))} or a path")
    return parse(SuiteConfig, read_layers(shipped[name])[0], where=name)


def shipped_suites() -> dict[str, Path]:
    """The suites that ship with ponder, by name."""
    folder = Path(str(resources.files("ponder.measure"))) / "suites"
    return {file.stem: file for file in folder.glob("*.toml")}


def parse(kind: type[Config], values: Mapping[str, Any], *, where: str) -> Config:
    """Check values against a schema; the first fault is the error."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise PonderError(f"{where}: {_line(kind, error.errors()[0])}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says; raises PonderError for one that cannot be read."""
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        near = difflib.get_close_matches(path.stem, [file.stem for file in path.parent.glob("*.toml")], n=1, cutoff=0.4)
        hint = f"; did you mean {path.with_stem(near[0])}?" if near else "; give the path of a TOML file"
        raise PonderError(f"{path}: no such file{hint}") from None
    except tomllib.TOMLDecodeError as error:
        raise PonderError(f"{path}: not TOML: {error}") from None
    except (OSError, ValueError) as error:
        raise PonderError(f"{path}: cannot be read as text ({error}); give a TOML file") from None


def read_layers(path: Path) -> tuple[dict[str, Any], str]:
    """What a TOML file says, laid over what its `extends` names: a file, from its folder on, or a suite that ships.

    A section is laid over key by key, unless it names something else to `use`; anything else, lists included, takes the
    other's place; what `without` lists is taken out first. Besides, whose words they are: the files, in order.
    """
    layers, files = [read_toml(path)], [path]
    while (base := layers[-1].pop(EXTENDS, None)) is not None:
        here = files[-1]
        if not isinstance(base, str):
            raise PonderError(f"{here}: {EXTENDS} = {_clipped(base)}: must be the path of a TOML file")
        there = shipped_suites().get(base, here.parent / base)
        layers.append(read_toml(there))
        if there.resolve() in [file.resolve() for file in files]:
            raise PonderError(f"{here}: {EXTENDS} = {base!r}: goes round in a circle; name one that does not end here")
        files.append(there)
    values = layers.pop()
    for layer, file in zip(reversed(layers), reversed(files[:-1]), strict=True):
        for key in layer.pop(WITHOUT, []):
            _take_out(values, key, file)
        _lay_section_over(values, layer)
    return values, " over ".join(map(str, files))


def _take_out(values: dict[str, Any], key: Any, file: Path) -> None:
    *parents, last = str(key).split(".")
    for parent in parents:
        values = under if isinstance(under := values.get(parent), dict) else {}
    if last not in values:
        raise PonderError(f"{file}: {WITHOUT}: {key!r} is not in what it {EXTENDS}; list keys like rl.domains.NAME")
    del values[last]


def _lay_section_over(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        under = values.get(key)
        if isinstance(under, dict) and isinstance(value, dict) and value.get("use") in (None, under.get("use")):
            _lay_section_over(under, value)
        else:
            values[key] = value


def lay_over(values: dict[str, Any], setting: str) -> None:
    """Put `key.of.it=value` into nested values; raises PonderError for a setting that is none."""
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise PonderError(f"--set {setting}: write it as key=value, for example rl.steps=5")
    *parents, last = key.strip().split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise PonderError(f"--set {setting}: {parent!r} is a value, not a section")
    values[last] = _value(text.strip())


def _value(text: str) -> Any:
    """A TOML value where it is one, else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _line(kind: type[BaseModel], error: ErrorDetails) -> str:
    """`field = value: what is wrong and what to do`."""
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(error["loc"][-1]), _keys(kind, error["loc"][:-1]), n=1, cutoff=0.3)
        return f"{field}: unknown key{f'; did you mean {near[0]!r}?' if near else ''}"
    if error["type"] == "missing":
        return f"{field}: missing; add it"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error" and isinstance(error["input"], dict):
        name, _, reason = message.partition(": ")
        place = ".".join(part for part in (field, name) if part)
        return f"{place} = {error['input'][name]!r}: {reason}" if name in error["input"] else f"{place}: {reason}"
    reason = REASONS.get(error["type"], f"{message[0].lower()}{message[1:]}")
    return f"{field} = {_clipped(error['input'])}: {reason}"


def _clipped(value: Any, most: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"


def _keys(kind: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys that the section at `path` may have; places in lists and names of users have none."""
    for part in path:
        if part not in kind.model_fields:
            continue
        annotation = kind.model_fields[str(part)].annotation
        inner = [a for a in (annotation, *getattr(annotation, "__args__", ())) if isinstance(a, type)]
        kind = next(a for a in inner if issubclass(a, BaseModel))
    return list(kind.model_fields)
