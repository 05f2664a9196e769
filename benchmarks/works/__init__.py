"""What is measured: each work by name, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.context import Context
from benchmarks.store import Outcome
from benchmarks.works.gap import gap
from benchmarks.works.growth import growth
from benchmarks.works.maths import maths
from benchmarks.works.sampling import lab, sampling_64, sampling_256
from benchmarks.works.steps import learner, step_natural, step_smollm2, step_tiny

WORKS: dict[str, Callable[[Context], Outcome]] = {
    "maths": maths,
    "lab": lab,
    "sampling_64": sampling_64,
    "gap": gap,
    "sampling_256": sampling_256,
    "learner": learner,
    "step_tiny": step_tiny,
    "step_smollm2": step_smollm2,
    "step_natural": step_natural,
    "growth": growth,
}
"""`gap` reads what `sampling_64` wrote."""
