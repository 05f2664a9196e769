"""What the project claims, and what its studies say of each: read from `results.json`, so that it cannot drift."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from ponder.recipes.load import parse, read_toml
from ponder.recipes.strict import Strict
from ponder.runs.result import Number
from ponder.studies.results import RESULTS
from ponder.types import PonderError

HELD, NOT_HELD, IN_PART, UNDECIDED, UNTESTED = "held", "not held", "held in part", "undecided", "not tested yet"
"""What may become of a claim."""
WORDS = (HELD, IN_PART, NOT_HELD, UNDECIDED, UNTESTED)
"""In the order in which they are counted."""

_OPPOSITE = {HELD: NOT_HELD, NOT_HELD: HELD, UNDECIDED: UNDECIDED}
_NAMED = re.compile(r"\{([\w-]+):([^{}:]+)(?::([+%]*))?\}")
"""`{SOURCE:NUMBER}`, `{SOURCE:NUMBER:+}` for one whose sign is told, `%` for a share in percent."""


class Rest(Strict):
    """A study's claim that one of the project's rests on."""

    study: str
    """Folder of the study, beside the file."""
    claim: str
    """The sentence that it decides."""
    against: bool = False
    """Whether it speaks against the project's claim where it holds, and for it where it does not."""


class Statement(Strict):
    """A claim of the project."""

    says: str
    """As a sentence."""
    rests: list[Rest] = Field([])
    """What decides it."""
    awaits: list[str] = Field([])
    """Studies that are to test it and have no results yet."""
    found: dict[str, str] = Field({})
    """What became of it -> what is told then, with numbers by name; another outcome needs another text."""
    seen: str = ""
    """What a single run showed, with numbers by name; it decides nothing."""


class Source(Strict):
    """Numbers that are not a study's."""

    file: str
    """A `result.json`, from the folder of this file."""
    command: str
    """What makes it."""


class Stated(Strict):
    """The file of claims."""

    about: str
    """What stands above them."""
    sources: dict[str, Source] = Field({})
    """By name."""
    claims: list[Statement] = Field(min_length=1)
    """In the order of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one study decided."""

    study: str
    """Its folder's name."""
    says: str
    """The study's own claim."""
    word: str
    """What the study says became of that."""
    against: bool
    """Whether it counts the other way round."""
    difference: Number
    """More less than, over seeds; n is 0 where it is not known."""

    @property
    def counts(self) -> str:
        """What it says of the project's claim."""
        return _OPPOSITE[self.word] if self.against else self.word


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One claim of the project, and what is known of it."""

    says: str
    """As a sentence."""
    word: str
    """One of `WORDS`."""
    found: str
    """What was found, with its numbers; may be empty."""
    seen: str
    """What a single run showed, with its numbers; may be empty."""
    evidence: tuple[Evidence, ...]
    """What it rests on."""
    awaits: tuple[str, ...]
    """Studies that have no results yet."""
    commands: tuple[str, ...]
    """What repeats all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that is told."""

    about: str
    """What stands above the claims."""
    claims: tuple[Told, ...]
    """In order."""
    others: tuple[Evidence, ...]
    """What else the same studies decided: none of it is left out."""


_Results = Mapping[str, Mapping[str, Any]]
"""Name of a study or source -> what its file holds."""


def read(path: Path) -> Page:
    """The claims in a TOML file, decided by the studies in the folders beside it.

    Raises PonderError for a file, a number or a study's claim that is not there.
    """
    stated = parse(Stated, read_toml(path), where=str(path))
    folder = path.parent
    results = {name: _json(folder / source.file) for name, source in stated.sources.items()}
    results |= {each.parent.name: _json(each) for each in sorted(folder.glob(f"*/{RESULTS}"))}
    told = tuple(
        _told(statement, stated, results, where=f"{path}: claims.{at}") for at, statement in enumerate(stated.claims)
    )
    used = {(each.study, each.says) for claim in told for each in claim.evidence}
    named = dict.fromkeys(each.study for claim in told for each in claim.evidence)
    others = (_evidence(name, record, results[name]) for name in named for record in results[name]["claims"])
    return Page(about=stated.about, claims=told, others=tuple(e for e in others if (e.study, e.says) not in used))


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"numbers": found["numbers"], "claims": found.get("claims", [])}
    except OSError as reason:
        raise PonderError(f"{path}: cannot be read: {reason.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PonderError(f"{path}: not the results of a study; run the study again") from None


def _told(statement: Statement, stated: Stated, results: _Results, *, where: str) -> Told:
    if wrong := next((word for word in statement.found if word not in WORDS), None):
        raise PonderError(f"{where}.found: {wrong!r} is no outcome; there are {', '.join(WORDS)}")
    evidence = tuple(_found(rest, results, where=where) for rest in statement.rests if rest.study in results)
    missing = [rest.study for rest in statement.rests if rest.study not in results]
    word = decided([each.counts for each in evidence])
    text, seen = statement.found.get(word, ""), statement.seen
    sources = [match[1] for match in _NAMED.finditer(text + seen)]
    commands = [_command(name, stated) for name in dict.fromkeys([*(e.study for e in evidence), *sources])]
    return Told(
        says=statement.says,
        word=word,
        found=_filled(text, results, where=f"{where}.found"),
        seen=_filled(seen, results, where=f"{where}.seen"),
        evidence=evidence,
        awaits=tuple(dict.fromkeys([*missing, *(name for name in statement.awaits if name not in results)])),
        commands=tuple(commands),
    )


def decided(words: Sequence[str]) -> str:
    """What becomes of a claim: all that it rests on must hold for `held`, and none of it for `not held`."""
    kinds = set(words)
    if not kinds:
        return UNTESTED
    if len(kinds) == 1:
        return kinds.pop()
    return IN_PART if HELD in kinds else UNDECIDED


def _found(rest: Rest, results: _Results, *, where: str) -> Evidence:
    records = {record["says"]: record for record in results[rest.study]["claims"]}
    if rest.claim not in records:
        raise PonderError(f"{where}.rests: study {rest.study} decides no claim {rest.claim!r}")
    return _evidence(rest.study, records[rest.claim], results[rest.study], against=rest.against)


def _evidence(study: str, record: Mapping[str, Any], result: Mapping[str, Any], *, against: bool = False) -> Evidence:
    value, low, high = (record.get(key) for key in ("value", "low", "high"))
    least = result["numbers"].get("seeds", {}).get("n", 0)  # of a study that did not yet say each claim's own
    number = Number(value, low, high, 0 if value is None else record.get("n", least))
    return Evidence(study=study, says=record["says"], word=record["word"], against=against, difference=number)


def _command(name: str, stated: Stated) -> str:
    known = stated.sources.get(name)
    return known.command if known else f"ponder study studies/{name}/{name}.toml"


def _filled(text: str, results: _Results, *, where: str) -> str:
    def number(match: re.Match[str]) -> str:
        source, name, form = match[1], match[2], match[3] or ""
        record = results.get(source, {}).get("numbers", {}).get(name)
        if record is None:
            raise PonderError(f"{where}: {source} has no number {name!r}")
        return shown(Number(record["value"], record["low"], record["high"], record["n"]), form)

    return " ".join(_NAMED.sub(number, text).split())


def shown(number: Number, form: str = "") -> str:
    """`.919 [.903, .935]`: as many digits as its interval is worth; `+` tells the sign and `%` makes percent."""
    if number.value is None:
        return "·"
    scale = 100 if "%" in form else 1
    bounds = [number.value, *(end for end in (number.low, number.high) if end is not None and number.n != 1)]
    digits = 0 if "%" in form else _digits([abs(bound) for bound in bounds], bounds)
    sign = "+" if "+" in form else ""
    value, *ends = (_short(format(bound * scale, f"{sign}.{digits}f")) for bound in bounds)
    unit = "%" if "%" in form and not sign else ""
    return f"{value}{unit} [{', '.join(ends)}]" if ends else f"{value}{unit}"


def _digits(sizes: Sequence[float], bounds: Sequence[float]) -> int:
    if max(sizes) >= 10:
        return 1
    return 3 if 0 < max(bounds) - min(bounds) < 0.05 else 2


def _short(text: str) -> str:
    """Without the 0 before the point, and without the sign of what is 0 as written."""
    bare = text.lstrip("+-")
    sign = "" if not bare.strip("0.") else text[: len(text) - len(bare)]
    return sign + (bare[1:] if bare.startswith("0.") else bare)
