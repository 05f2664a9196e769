"""Checks of what a recipe says of a thing by its kind and options: a refusal is one line: option, value, remedy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ponder.types import PonderError


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy: the known word that is spelt most alike, or all of them where none is."""
    choices = sorted(known)
    found = get_close_matches(word, choices, n=1, cutoff=0.5)
    return f"the nearest is {found[0]!r}" if found else f"known are {', '.join(choices)}"


def span(field: str, value: int | tuple[int, int], *, least: int, most: int) -> tuple[int, int]:
    """A whole number or a pair [low, high] as a pair within [least, most]."""
    low, high = (value, value) if isinstance(value, int) else value
    if not least <= low <= high <= most:
        raise PonderError(f"{field} = {value!r}: must be a number or [low, high] with {least} <= low <= high <= {most}")
    return low, high


def check_options(name: str, kind: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse an option that `kind` does not take, one of the wrong type, and the lack of one that it needs."""
    parameters = {k: p for k, p in inspect.signature(kind).parameters.items() if k != "name"}
    hints = get_type_hints(kind.__init__ if inspect.isclass(kind) else kind)
    for option, value in options.items():
        if option not in parameters:
            raise PonderError(f"{name}.{option} = {value!r}: no such option; {nearest(option, parameters)}")
        if not _fits(value, hints[option]):
            raise PonderError(f"{name}.{option} = {value!r}: must be {_describe(hints[option])}")
    for option, parameter in parameters.items():
        if parameter.default is parameter.empty and option not in options:
            raise PonderError(f"{name}.{option} is missing: give {_describe(hints[option])}")


def _fits(value: object, hint: Any) -> bool:
    """Whether a value out of TOML can stand for this type: a list for a tuple, a whole number for a float."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is tuple:
        return isinstance(value, list | tuple) and len(value) == len(arguments) and all(map(_fits, value, arguments))
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return isinstance(value, origin or hint)


def _describe(hint: Any) -> str:
    """A type in a user's words."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_describe(a) for a in arguments if a is not type(None))
    if origin is tuple:
        return f"a list of {len(arguments)} numbers"
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return words.get(hint, "a table" if origin is not None else f"a {hint.__name__.lower()}")
