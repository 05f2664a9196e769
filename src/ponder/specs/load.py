"""Specs by the names of those that ship with ponder, or by path."""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ponder.specs.files import read_file
from ponder.specs.parse import parse
from ponder.specs.records import Spec
from ponder.types import PonderError

_LANGUAGE = re.compile(r"[a-z]{2}")


def load(name: str | Path, *, language: str | None = None) -> Spec:
    """A spec or rubric by path, or by the name of one that ships with ponder.

    The language of a path is that of its name (`rules.ja.md`), or else English, unless `language` says otherwise.
    """
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise PonderError(f"language = {language!r}: must be an ISO 639-1 code such as 'ja'")
    if isinstance(name, Path) or "/" in name or name.endswith((".md", ".txt")):
        return _read(Path(name), language)
    known = _shipped()
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        remedy = f"did you mean {near[0]!r}?" if near else f"take one of {', '.join(known)} or a path"
        raise PonderError(f"spec = {name!r}: no such spec; {remedy}")
    language = language or "en"
    if language not in known[name]:
        raise PonderError(f"language = {language!r}: {name} is not written in it; take one of {', '.join(known[name])}")
    file = known[name][language]
    return parse(file.read_text(encoding="utf-8"), name=name, language=language, where=file.name)


def shipped() -> dict[str, tuple[str, ...]]:
    """Names of the specs that ship with ponder -> the languages each is written in."""
    return {name: tuple(files) for name, files in _shipped().items()}


def _shipped() -> dict[str, dict[str, Traversable]]:
    found: dict[str, dict[str, Traversable]] = {}
    files = (resources.files("ponder.specs") / "shipped").iterdir()
    for file in sorted(files, key=lambda file: file.name):
        if file.name.endswith(".md"):
            name, language, _ = file.name.split(".")
            found.setdefault(name, {})[language] = file
    return found


def _read(path: Path, language: str | None) -> Spec:
    name, dot, suffix = path.stem.rpartition(".")
    if not dot or not _LANGUAGE.fullmatch(suffix):
        name, suffix = path.stem, "en"
    return parse(read_file(path), name=name, language=language or suffix, where=str(path))
