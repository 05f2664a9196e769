"""A file of questions and answers as a domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ponder.domains.items import Item, to_problem
from ponder.domains.rows import Row, read_rows
from ponder.domains.splits import SPLITS, check_split, content_hash, split_of
from ponder.options import nearest
from ponder.streams import digest
from ponder.types import PonderError, Problem, VerifierChoice

FIELDS = ("question", "answer", "choices", "difficulty")
"""What a field map can name; `question` and `answer` have to be there."""


class File:
    """Items of a JSONL, JSON, CSV, TSV or Parquet file, gzipped or not, each content once.

    `fields` maps question, answer, choices and difficulty to the file's fields: by name, or by column number where a
    CSV or TSV has no header. `answer_after` keeps of the answer what follows this mark. `split` declares the whole file
    one split; without it the content of each item decides. `pair` names a set of parallel files: row i of each becomes
    pair `PAIR/i`, and they agree on splits and order. `records` is the key of a JSON object's list.
    `suffix` is asked below every question, on a line of its own, and decides nothing about splits.
    Raises PonderError for what is wrong with the file or the options.
    """

    def __init__(
        self,
        name: str,
        *,
        path: str | Path,
        fields: Mapping[str, str | int] = MappingProxyType({"question": "question", "answer": "answer"}),
        verifier: str = "exact",
        verifier_options: Mapping[str, Any] = MappingProxyType({}),
        language: str = "en",
        split: str | None = None,
        answer_after: str | None = None,
        pair: str | None = None,
        records: str | None = None,
        suffix: str = "",
    ) -> None:
        """The file is read here, once."""
        self.name = name
        self.verifier = VerifierChoice(name=verifier, options=dict(verifier_options))
        self.language = language
        self._fields = _checked_fields(name, fields)
        self._answer_after = answer_after
        self._pair = pair
        self._suffix = suffix
        if split is not None:
            check_split(split)
        header = not all(isinstance(field, int) for field in fields.values())
        self._path = Path(path)
        rows = read_rows(f"{name}.path", self._path, header=header, records=records)
        self._items = _split_up((self._item(number, row) for number, row in enumerate(rows)), split)
        self._orders: dict[tuple[str, int], list[Item]] = {}

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        """Problems number `start` to `start + n - 1` of the split's items in the order that the seed gives them."""
        check_split(split)
        size = len(self._items[split])
        if start + n > size:
            asked = f"{n} problems from number {start} of split {split!r}"
            raise PonderError(f"{self.name}: {asked} asked for and {size} there; ask for fewer")
        chosen = enumerate(self._order(split, seed)[start : start + n], start=start)
        return [self._problem(item, split, (seed, index)) for index, item in chosen]

    def size(self, split: str) -> int:
        """Items of the split."""
        check_split(split)
        return len(self._items[split])

    def worked(self, problem: Problem) -> str | None:
        """None: nobody has written it."""
        return None

    def _order(self, split: str, seed: int) -> list[Item]:
        """The split's items in the order that the seed gives them; worked out once."""
        if (split, seed) not in self._orders:
            order = sorted(self._items[split], key=lambda item: digest("file", split, seed, _identity(item)))
            self._orders[split, seed] = order
        return self._orders[split, seed]

    def _problem(self, item: Item, split: str, place: tuple[int, int]) -> Problem:
        return to_problem(item, domain=self.name, split=split, place=place, language=self.language, suffix=self._suffix)

    def _item(self, number: int, row: Row) -> Item:
        """One row as an item."""
        question, answer = self._value(row, "question"), self._answer(row)
        facts: dict[str, Any] = {}
        if "choices" in self._fields:
            facts["choices"] = choices = self._choices(row)
            question, answer = _lettered(question, choices), self._letter(row, answer, choices)
        pair_id = None if self._pair is None else f"{self._pair}/{number}"
        difficulty = self._difficulty(row)
        return Item(question=question, reference=answer, difficulty=difficulty, pair_id=pair_id, facts=facts)

    def _raw(self, row: Row, use: str) -> Any:
        where, values = row
        field = self._fields[use]
        if field not in values:
            there = ", ".join(map(str, values))
            raise PonderError(f"{self.name}.fields.{use} = {field!r}: {where} of {self._path} has only {there}")
        return values[field]

    def _value(self, row: Row, use: str) -> str:
        value = self._raw(row, use)
        # Half a surrogate pair, which JSON can hold, is no text that a tokenizer takes.
        text = "" if value is None else str(value).encode(errors="replace").decode().strip()
        if not text:
            raise self._bad(row, use, "is empty; leave such rows out of the file")
        return text

    def _answer(self, row: Row) -> str:
        answer = self._value(row, "answer")
        if self._answer_after is None:
            return answer
        _, mark, final = answer.rpartition(self._answer_after)
        if not mark or not final.strip():
            raise self._bad(row, "answer", f"has nothing after answer_after = {self._answer_after!r}")
        return final.strip()

    def _choices(self, row: Row) -> list[str]:
        choices = self._raw(row, "choices")
        if not isinstance(choices, list) or not 2 <= len(choices) <= 26:
            raise self._bad(row, "choices", "must be a list of 2 to 26 choices")
        return [str(choice) for choice in choices]

    def _letter(self, row: Row, answer: str, choices: list[str]) -> str:
        """The letter of the right choice, which the file gives as text, as a letter or as a number from 0."""
        letters = [chr(ord("A") + k) for k in range(len(choices))]
        for names in (choices, letters, [str(k) for k in range(len(choices))]):
            if answer in names:
                return letters[names.index(answer)]
        raise self._bad(row, "answer", f"{answer!r} is none of the choices, their letters or their numbers from 0")

    def _difficulty(self, row: Row) -> float | None:
        if "difficulty" not in self._fields:
            return None
        try:
            return float(self._raw(row, "difficulty"))
        except (TypeError, ValueError):
            raise self._bad(row, "difficulty", "must be a number") from None

    def _bad(self, row: Row, use: str, remedy: str) -> PonderError:
        return PonderError(f"{self.name}.fields.{use} = {self._fields[use]!r}: {row[0]} of {self._path} {remedy}")


def _checked_fields(name: str, fields: Mapping[str, str | int]) -> dict[str, str | int]:
    for use, field in fields.items():
        if use not in FIELDS:
            raise PonderError(f"{name}.fields.{use} = {field!r}: no such field; {nearest(use, FIELDS)}")
        if not isinstance(field, str | int) or isinstance(field, bool):
            raise PonderError(f"{name}.fields.{use} = {field!r}: must be a field's name or a column's number")
    for use in FIELDS[:2]:
        if use not in fields:
            raise PonderError(f"{name}.fields.{use} is missing: name the field of the file that holds the {use}")
    return dict(fields)


def _split_up(items: Iterable[Item], split: str | None) -> dict[str, list[Item]]:
    """Each content once, by split; all languages of a pair stand in one."""
    pools: dict[str, list[Item]] = {name: [] for name in SPLITS}
    seen: set[str] = set()
    for item in items:
        content = content_hash(item.question)
        if content not in seen:
            seen.add(content)
            pools[split or split_of(item.pair_id or item.question)].append(item)
    return pools


def _identity(item: Item) -> str:
    """What decides an item's place: the same for all languages of a pair."""
    return item.pair_id or content_hash(item.question)


def _lettered(question: str, choices: list[str]) -> str:
    """The question with its choices below it."""
    return "\n".join([question, *(f"{chr(ord('A') + k)}. {choice}" for k, choice in enumerate(choices))])
