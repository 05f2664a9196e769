"""A reasoning-gym task as a domain, with streams and splits of our own.

reasoning-gym seeds item i with seed + i, so its seeds 42 and 43 share 499 of 500 items. Here every draw gets a seed of
its own and is the first item of a data set of its own. reasoning-gym takes a second to import: it is loaded when a
Gym is built.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import Any

from ponder.domains.generated import Generated
from ponder.domains.items import Item
from ponder.domains.splits import check_split
from ponder.domains.worked import WORKED
from ponder.types import PonderError, Problem, VerifierChoice


class Gym(Generated):
    """`task` by its name in reasoning-gym, `config` as its configuration takes it.

    `suffix` goes below every question and changes neither items nor splits. `facts` holds `task`, `config` and `entry`
    for the verifier. Raises PonderError for an unknown task, a bad configuration, and a task without known answers.
    """

    def __init__(
        self,
        name: str,
        *,
        task: str,
        config: Mapping[str, Any] = MappingProxyType({}),
        language: str = "en",
        suffix: str = "",
    ) -> None:
        """`language` is that of the questions: all tasks are in English unless their configuration says otherwise."""
        key = f"gym {task} {json.dumps(dict(config), sort_keys=True, default=str)}"
        super().__init__(name, key=key, verifier=VerifierChoice(name="gym"), language=language, suffix=suffix)
        self.options = {"task": task, "config": dict(config), "language": language, "suffix": suffix}
        self.task = task
        self.source = importlib.import_module("ponder.domains.gym.source").Source(name, task, config)

    def make(self, rng: Random) -> Item | None:
        """The first item of a data set with a seed of its own."""
        found = self.source.draw(rng.getrandbits(31))
        if found is None:
            return None
        entry, reference = found
        facts = {"task": self.task, "config": self.source.config, "entry": entry}
        question, difficulty = entry["question"], _difficulty(entry["metadata"])
        return Item(question=question, reference=reference, difficulty=difficulty, facts=facts)

    def problems(self, split: str, *, seed: int, n: int, start: int = 0) -> list[Problem]:
        """Problems number `start` to `start + n - 1` of the stream (split, seed)."""
        check_split(split)
        if n > 0 and self.source.depends_on_hashing and sys.flags.hash_randomization:
            return self._in_a_child(split, seed, n, start)
        return super().problems(split, seed=seed, n=n, start=start)

    def worked(self, problem: Problem) -> str | None:
        """Thinking that leads to the reference, for the tasks in `WORKED`."""
        writer = WORKED.get(problem.facts["entry"]["metadata"]["source_dataset"])
        return None if writer is None else writer(problem)

    def _problem(self, split: str, seed: int, index: int) -> Problem:
        """Says what reasoning-gym failed at where a draw finds no item."""
        try:
            return super()._problem(split, seed, index)
        except PonderError as error:
            if self.source.failure is None:
                raise
            raise PonderError(f"{error} (reasoning-gym last failed with: {self.source.failure})") from None

    def _in_a_child(self, split: str, seed: int, n: int, start: int) -> list[Problem]:
        """The same problems from a process that hashes text the same way every time.

        Some tasks draw from Python sets, whose order changes with every process that has no PYTHONHASHSEED.
        """
        call = pickle.dumps((self.name, self.options, {"split": split, "seed": seed, "n": n, "start": start}))
        command = [sys.executable, "-m", "ponder.domains.gym.child"]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, input=call, stdout=subprocess.PIPE, env=environment, check=True)
        problems = pickle.loads(done.stdout)
        if isinstance(problems, PonderError):
            raise problems
        return problems


def _difficulty(metadata: Mapping[str, Any]) -> float | None:
    """What the entry says of its first knob that is a number, such as the number of terms."""
    knobs = metadata.get("difficulty")
    if isinstance(knobs, int | float):
        return float(knobs)
    values = (metadata.get(knob) for knob in knobs or ())
    return next((float(v) for v in values if isinstance(v, int | float)), None)
