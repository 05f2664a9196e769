"""Answers of which it is known whether they are right: read from a file, or made from a domain."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ponder.domains.judging import Judging
from ponder.domains.kinds import KINDS
from ponder.domains.lab.family import Family
from ponder.domains.rows import READERS, Row, read_rows
from ponder.domains.splits import content_hash
from ponder.options import nearest
from ponder.types import Message, PonderError, Problem

COLUMNS = ("question", "answer", "label", "reference", "language", "difficulty", "kind", "pair_id")
"""What a file of labelled answers may have; the first three have to be there."""
LABELS: dict[str, bool] = {
    **dict.fromkeys(("true", "1", "1.0", "yes"), True),
    **dict.fromkeys(("false", "0", "0.0", "no"), False),
}
"""What a label may be, in any case."""
PROBLEMS = 400
"""Problems that are made from a domain, in each of its languages, unless it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """An answer that is known to be right or wrong."""

    problem: Problem
    """What was asked."""
    answer: str
    """What was answered."""
    right: bool
    """The label."""
    kind: str
    """`right`, or what is wrong with it."""
    sample: int = 0
    """Which of the answers to this problem it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What `--on` names."""

    name: str
    """Of the file, without its ending, or of the domain."""
    answers: tuple[Labelled, ...]
    """Right ones and wrong ones."""
    warnings: tuple[str, ...] = ()
    """What was left out."""
    path: Path | None = None
    """The file, if it is one."""


def find(on: str, *, problems: int | None = None, seed: int = 0) -> Found:
    """The labelled answers of a file, or made from the test split of a domain of that kind."""
    if on in KINDS:
        answers = _once(made(on, problems=problems or PROBLEMS, seed=seed))[0]
        return Found(name=on, answers=_both(on, answers))
    if Path(on).suffix.lower() not in (*READERS, ".gz") and not Path(on).exists():
        raise PonderError(
            f"--on = {on!r}: neither a file of labelled answers nor a kind of domain; {nearest(on, KINDS)}"
        )
    if problems is not None:
        raise PonderError(f"--problems = {problems}: a file is audited whole; leave it out")
    answers, dropped = _once(read_labelled(Path(on)))
    told = (f"{on}: {dropped} rows say what an earlier one says; each was taken once",) if dropped else ()
    return Found(name=Path(on).name.partition(".")[0], answers=_both(on, answers), warnings=told, path=Path(on))


def made(use: str, *, problems: int, seed: int = 0) -> list[Labelled]:
    """An answer to each of the first problems of a domain's test split, half of them right; in all its languages."""
    return [
        Labelled(
            problem=asked.facts["of"],
            answer=asked.facts["said"],
            right=asked.facts["kind"] == "right",
            kind=asked.facts["kind"],
        )
        for judging in _judgings(use)
        for asked in judging.problems("test", seed=seed, n=problems)
    ]


def _judgings(use: str) -> list[Judging]:
    kind = KINDS[use]
    parameters = inspect.signature(kind).parameters.values()
    if any(each.default is each.empty and each.name != "name" for each in parameters):
        raise PonderError(f"--on = {use!r}: this kind of domain needs options; give a file of labelled answers")
    if isinstance(kind, type) and issubclass(kind, Family):
        names = {language: use if language == "en" else f"{use}-{language}" for language in kind.words}
        return [Judging(name, of=use, options={"language": language}) for language, name in names.items()]
    return [Judging(use, of=use)]


def read_labelled(path: Path) -> list[Labelled]:
    """Every row of a JSONL, JSON, CSV, TSV or Parquet file with the columns `COLUMNS`."""
    return [_labelled(path, row) for row in read_rows("--on", path)]


def _labelled(path: Path, row: Row) -> Labelled:
    where, values = row
    _check_columns(f"--on = '{path}': {where}", values)
    right = _label(f"--on = '{path}': {where}", values["label"])
    question, reference = _text(values["question"]), _text(values.get("reference"))
    if not question:
        raise PonderError(f"--on = '{path}': {where}: question is empty; leave such rows out of the file")
    name, language = path.name.partition(".")[0], _text(values.get("language")) or "en"
    problem = Problem(
        id=f"{name}/test/{content_hash(f'{language} {question} {reference}')}",
        domain=name,
        split="test",
        messages=(Message(role="user", content=question),),
        reference=reference,
        language=language,
        difficulty=_difficulty(f"--on = '{path}': {where}", values.get("difficulty")),
        pair_id=_text(values.get("pair_id")) or None,
    )
    kind = _text(values.get("kind")) or ("right" if right else "wrong")
    return Labelled(problem=problem, answer=_text(values["answer"]), right=right, kind=kind)


def _check_columns(where: str, values: Mapping[str | int, Any]) -> None:
    for column in values:
        if column not in COLUMNS:
            raise PonderError(f"{where}: column {column!r}: no such column; {nearest(str(column), COLUMNS)}")
    for column in COLUMNS[:3]:
        if column not in values:
            raise PonderError(f"{where}: column {column!r} is missing; it has only {', '.join(map(str, values))}")


def _label(where: str, value: Any) -> bool:
    told = str(value).strip().casefold()
    if told not in LABELS:
        raise PonderError(f"{where}: label = {value!r}: give true or false, 1 or 0, yes or no")
    return LABELS[told]


def _difficulty(where: str, value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise PonderError(f"{where}: difficulty = {value!r}: must be a number") from None


def _text(value: Any) -> str:
    """A value as text that UTF-8 can hold."""
    return "" if value is None else str(value).encode(errors="replace").decode().strip()


def _once(answers: Sequence[Labelled]) -> tuple[list[Labelled], int]:
    """Each answer to a problem once, numbered within it, and how many were left out; opposite labels are refused."""
    seen: dict[tuple[str, str, str, str], Labelled] = {}
    turns: Counter[tuple[str, ...]] = Counter()
    for each in answers:
        asked = (each.problem.language, each.problem.question, each.problem.reference)
        first = seen.get((*asked, each.answer))
        if first and first.right != each.right:
            told = f"{each.answer[:40]!r} to {each.problem.question[:40]!r}"
            raise PonderError(f"{each.problem.domain}: {told} is labelled both right and wrong; keep one of the two")
        if not first:
            seen[*asked, each.answer] = replace(each, sample=turns[asked])
            turns[asked] += 1
    return list(seen.values()), len(answers) - len(seen)


def _both(on: str, answers: Sequence[Labelled]) -> tuple[Labelled, ...]:
    right = sum(each.right for each in answers)
    if right in (0, len(answers)):
        told = "right" if right else "wrong"
        raise PonderError(f"--on = {on!r}: all {len(answers)} answers are labelled {told}; an audit needs both kinds")
    return tuple(answers)
