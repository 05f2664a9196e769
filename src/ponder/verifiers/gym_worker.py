"""What `ponder.verifiers.gym` runs in its workers: the only importer of reasoning-gym among the verifiers."""

from __future__ import annotations

import functools
import pickle
import warnings
from collections.abc import Mapping
from typing import Any

import reasoning_gym

FULL = 1.0 - 1e-9
"""Marks from which an answer counts as right."""

warnings.simplefilter("ignore")


def score(payload: tuple[str, Mapping[str, Any], str, Mapping[str, Any]]) -> tuple[float, str]:
    """1 for full marks of (task, config, answer, entry) by the task's own scorer, else 0; and the marks in words."""
    task, config, answer, entry = payload
    marks = _dataset(task, pickle.dumps(sorted(config.items()))).score_answer(answer, dict(entry))
    return float(marks >= FULL), f"{task} gives {marks:.3g} of 1"


@functools.lru_cache(maxsize=64)
def _dataset(task: str, config: bytes) -> Any:
    return reasoning_gym.create_dataset(task, **{"seed": 0, **dict(pickle.loads(config))})
