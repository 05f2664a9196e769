"""reasoning-gym behind one door: entries from seeds, with what its tasks need to be repeatable and exact."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import random
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from reasoning_gym.composite import DatasetSpec
from reasoning_gym.dataset import ProceduralDataset
from reasoning_gym.factory import DATASETS

from ponder.domains.gym.references import REFERENCES
from ponder.options import nearest
from ponder.types import PonderError

Entry = dict[str, Any]

DEPENDS_ON_HASHING = frozenset(
    {
        "codeio",
        "intermediate_integration",
        "isomorphic_strings",
        "knight_swap",
        "polynomial_multiplication",
        "ransom_note",
        "word_ladder",
    }
)
"""Tasks whose question or reference follows the order of a Python set."""

KEPT = frozenset({"arc_agi", "figlet_font", "group_anagrams", "rush_hour", "word_ladder"})
"""Tasks that read a large file when built and keep nothing of their seed but the attribute: built once, reseeded."""

SIZE = 5
"""Items of a data set of which the first is taken: `acre` mixes its three kinds 3 : 1 : 1 within one data set."""

FAILURES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What reasoning-gym raises where a configuration does not work out."""

PROBES = 3
"""Draws of which one has to succeed for a configuration to count as usable."""


class Source:
    """Entries of one task under one configuration."""

    def __init__(self, name: str, task: str, config: Mapping[str, Any]) -> None:
        """Raises PonderError, naming the domain's field, unless the task exists and its configuration gives an item."""
        if task not in DATASETS:
            raise PonderError(f"{name}.task = {task!r}: no such task in reasoning-gym; {nearest(task, DATASETS)}")
        self.task = task
        self.config = {field: self._value(name, field, value) for field, value in config.items()}
        self.tasks = {task, *(part.name for part in self.config.get("datasets", ()) if task == "composite")}
        self._check(name)
        self._kept: ProceduralDataset | None = None
        self.failure: str | None = None
        """What reasoning-gym said when it last failed at an item."""
        self._probe(name)

    @property
    def depends_on_hashing(self) -> bool:
        """Whether only a process with a fixed PYTHONHASHSEED makes the same items again."""
        return not self.tasks.isdisjoint(DEPENDS_ON_HASHING)

    def draw(self, seed: int) -> tuple[Entry, str] | None:
        """The entry of this seed and its reference; None where there is none that the task itself pays in full."""
        with _own_globals(seed):
            made = self._make(seed)
        if made is None:
            return None
        dataset, entry = made
        reference = self._reference(entry)
        if not reference or not reference.strip() or dataset.score_answer(reference, entry) != 1.0:
            return None
        return entry, reference

    def _make(self, seed: int) -> tuple[ProceduralDataset, Entry] | None:
        """A data set of this seed and its first item; None where reasoning-gym fails at it, as it does now and then."""
        try:
            dataset = self._kept or self._build(seed)
            dataset.seed = dataset.config.seed = seed
            return dataset, dataset[0]
        except FAILURES as error:
            self.failure = " ".join(str(error).split()) or type(error).__name__
            return None

    def _reference(self, entry: Entry) -> str | None:
        """The entry's answer, or one worked out from what the entry holds where the task leaves it open."""
        if entry["metadata"].get("input_data") == {}:
            return None  # codeio's stand-in for a program that failed
        if entry["answer"] is not None:
            return entry["answer"]
        solve = REFERENCES.get(entry["metadata"]["source_dataset"])
        return None if solve is None else solve(entry["metadata"])

    def _build(self, seed: int) -> ProceduralDataset:
        make, configure = DATASETS[self.task]
        return make(config=configure(**self.config, seed=seed, size=SIZE))  # pyright: ignore[reportCallIssue]

    def _value(self, name: str, field: str, value: Any) -> Any:
        """A value out of TOML in the type that the configuration declares by its default."""
        known = {f.name: f for f in dataclasses.fields(DATASETS[self.task][1]) if f.name not in ("seed", "size")}
        if field not in known:
            raise PonderError(
                f"{name}.config.{field} = {value!r}: {self.task} has no such field; {nearest(field, known)}"
            )
        if self.task == "composite":
            return [_part(name, part) for part in (value if isinstance(value, list) else [value])]
        default = getattr(DATASETS[self.task][1](), field)
        value = tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value
        if not _alike(value, default):
            raise PonderError(f"{name}.config.{field} = {value!r}: must be {type(default).__name__}, like {default!r}")
        return value

    def _check(self, name: str) -> None:
        """Have the task check its configuration, and name the field whose removal would mend it."""
        mistake = _mistake(self.task, self.config)
        if mistake is None:
            return
        guilty = [
            f for f in self.config if _mistake(self.task, {k: v for k, v in self.config.items() if k != f}) is None
        ]
        wrong = (
            f"{name}.config.{guilty[0]} = {self.config[guilty[0]]!r}" if guilty else f"{name}.config = {self.config!r}"
        )
        raise PonderError(f"{wrong}: {mistake}")

    def _probe(self, name: str) -> None:
        """Refuse a configuration that passes the task's own check and yet gives no item."""
        refusal = f"{self.task} gives no item whose answer is known"
        try:
            with _own_globals(0):
                dataset = self._build(0)
            self._kept = dataset if self.task in KEPT else None
            usable = any(self.draw(seed) for seed in range(PROBES))
            refusal = self.failure or refusal
        except FAILURES as error:
            refusal, usable = " ".join(str(error).split()) or refusal, False
        if not usable:
            raise PonderError(f"{name}.config = {self.config!r}: {refusal}")


def _part(name: str, part: Mapping[str, Any]) -> DatasetSpec:
    """One of the tasks that `composite` mixes, checked like a domain of its own."""
    if not isinstance(part, Mapping) or "name" not in part or not part.keys() <= {"name", "weight", "config"}:
        raise PonderError(f"{name}.config.datasets: {part!r}: must be a table with name, weight and config")
    inner = Source(f"{name}.config.datasets", part["name"], part.get("config", {}))
    return DatasetSpec(name=inner.task, weight=part.get("weight", 1.0), config=inner.config)


def _alike(value: Any, default: Any) -> bool:
    """Whether a value can stand where the default stands."""
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, bool | int | str | list | tuple):
        return type(value) is type(default)
    return True


def _mistake(task: str, config: Mapping[str, Any]) -> str | None:
    """What the task's own check says against a configuration."""
    try:
        settings = DATASETS[task][1](**config, size=SIZE)
        if hasattr(settings, "validate"):
            settings.validate()
    except FAILURES as error:
        return " ".join(str(error).split()) or f"{task} does not take it"
    return None


@contextlib.contextmanager
def _own_globals(seed: int) -> Iterator[None]:
    """Python's and NumPy's global generators seeded for one item and put back after it; nothing is printed or warned.

    `list_functions` and `codeio` draw from the first, `pool_matrix` from the second; `bf` and `codeio` print;
    `codeio` compiles what Python warns of, and `arc_agi` leaves its file open.
    """
    python, arrays = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
