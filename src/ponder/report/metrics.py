"""The metrics of a run: which are drawn, how they are written, and the ends of an axis; nothing heavy is imported."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Curve:
    """How a metric is drawn."""

    label: str
    """What it is."""
    form: str = ".3g"
    """Format of its values."""
    ceiling: float | None = None
    """Upper end of its axis; the largest value where None."""


CURVES = {
    "reward": Curve("reward", ".2f", 1),
    "gold": Curve("gold", ".2f", 1),
    "share_thinking": Curve("share that thinks", ".0%", 1),
    "thinking_tokens": Curve("thinking tokens", ".0f"),
    "answer_tokens": Curve("answer tokens", ".0f"),
    "truncated": Curve("truncated", ".0%", 1),
    "no_answer": Curve("no answer", ".0%", 1),
    "not_judged": Curve("not judged", ".0%", 1),
    "entropy": Curve("entropy, nats a token"),
    "surprise": Curve("surprise, nats a token"),
    "logprob_gap": Curve("logprob gap, nats", ".2g"),
    "loss": Curve("loss"),
    "grad_norm": Curve("gradient norm"),
    "learning_rate": Curve("learning rate", ".1e"),
}
"""Metric -> how it is drawn, in the order of the page."""

STAGES = {"cold_start": "Cold start", "distil": "Distillation", "reinforce": "Reinforcement learning"}

Metrics = Sequence[Mapping[str, Any]]


def by_stage(metrics: Metrics) -> dict[str, list[Mapping[str, Any]]]:
    """Stage -> its steps, in the order in which they were logged."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in metrics:
        found.setdefault(str(row["stage"]), []).append(row)
    return found


def number(value: Any) -> float:
    """A value of a metrics line; NaN for what is no number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def bounds(values: Sequence[float], ceiling: float | None) -> tuple[float, float]:
    """Ends of a curve's axis."""
    finite = [value for value in values if math.isfinite(value)]
    low = min(0.0, *finite)
    high = max(finite) if ceiling is None else max(ceiling, *finite)
    return low, high if high > low else low + 1


def mean(values: Sequence[float]) -> float:
    """Of those that are numbers; NaN where none is."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
