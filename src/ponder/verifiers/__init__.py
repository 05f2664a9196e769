"""Verifiers: who checks an answer. Nothing heavy is imported before a worker needs it."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ponder.types import PonderError, Verifier
from ponder.verifiers.controls import Chance, Format
from ponder.verifiers.gym import GymScore
from ponder.verifiers.maths import Maths
from ponder.verifiers.text import Choice, Exact, Number

VERIFIERS: dict[str, Callable[..., Verifier]] = {
    "exact": Exact,
    "number": Number,
    "choice": Choice,
    "maths": Maths,
    "gym": GymScore,
    "chance": Chance,
    "format": Format,
}
"""Verifiers by the name a domain asks for."""


def build(name: str, options: Mapping[str, Any] | None = None) -> Verifier:
    """The verifier of that name with those options; PonderError for an unknown name, option or type of value."""
    if name not in VERIFIERS:
        raise PonderError(f"verifier = {name!r}: there is none of that name{_nearest(name, VERIFIERS)}")
    known = {n: p for n, p in inspect.signature(VERIFIERS[name]).parameters.items() if n != "pool"}
    for option, value in (options or {}).items():
        if option not in known:
            raise PonderError(f"{name}.{option} = {value!r}: there is no such option{_nearest(option, known)}")
        _check(f"{name}.{option}", value, known[option].default)
    return VERIFIERS[name](**_frozen(options or {}))


def _check(field: str, value: Any, default: Any) -> None:
    """A value must be of its default's type; a whole number will do for a float, a list for a tuple."""
    allowed = {bool: (bool,), float: (float, int), tuple: (tuple, list)}[type(default)]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        wanted = {bool: "true or false", float: "a number", tuple: "a list of texts"}[type(default)]
        raise PonderError(f"{field} = {value!r}: give {wanted}")


def _frozen(options: Mapping[str, Any]) -> dict[str, Any]:
    return {option: tuple(value) if isinstance(value, list) else value for option, value in options.items()}


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
