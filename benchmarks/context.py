"""What every work needs to know of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.child import Child
from benchmarks.cold_start import cold_started
from benchmarks.contestants import CONTESTANTS
from benchmarks.half_gguf import half_gguf
from benchmarks.models import SIZES, random_llama
from benchmarks.rounds import TRIES
from ponder.model.hub import resolve

MODEL = "smollm2-135m"

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Context:
    """One run of the benchmark."""

    folder: Path
    """Environments, models, logs and texts: nothing that is kept under version control."""
    quick: bool
    """Tiny sizes: to see that everything runs, not how fast."""
    repeats: int
    """Rounds after the warm-up."""
    cores: int
    """Cores, and threads, of every contestant."""
    say: Callable[[str], None]
    """Tells the user."""

    def pick(self, full: Value, quick: Value) -> Value:
        """One value or the other, by how the run is meant."""
        return quick if self.quick else full

    def child(self, name: str, job: Mapping[str, Any], work: str) -> Child:
        """A contestant that is ready for the job; raises GoneError where it does not get so far."""
        log = self.folder / "logs" / f"{work}-{name}.log"
        return Child(CONTESTANTS[name], {"cores": self.cores, **job}, folder=self.folder, log=log)

    def texts(self, work: str, name: str) -> Path:
        """Where a contestant leaves what it wrote."""
        path = self.folder / ("quick-texts" if self.quick else "texts") / f"{work}-{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def tries(self) -> int:
        """Times that a repeat is run at most, until it is quiet."""
        return self.pick(TRIES, 1)

    @cached_property
    def gflops(self) -> dict[str, float]:
        """By dtype, what a matrix product reaches on this machine now."""
        child = self.child("floor", {"kind": "dtypes", "least": self.pick(2.0, 0.2)}, "dtypes")
        try:
            return child.ask({"round": 0})["gflops"]
        finally:
            child.stop()

    @property
    def dtype(self) -> str:
        """The faster one, which everybody computes in."""
        return max(self.gflops, key=lambda name: self.gflops[name])

    @cached_property
    def model(self) -> Path:
        """Folder of the real model."""
        return resolve(MODEL)

    @cached_property
    def gguf(self) -> Path:
        """The same as a GGUF file."""
        return half_gguf(self.folder / f"{MODEL}-f16.gguf")

    def random_model(self, name: str) -> Path:
        """Folder of a random model, by a key of `models.SIZES`."""
        return random_llama(self.folder / "models" / name, SIZES[name])

    @property
    def settings(self) -> list[str]:
        """Laid over the quickstart's recipe: only what it computes in."""
        return [f'model.dtype="{self.dtype}"']

    @cached_property
    def cold_started(self) -> Path:
        """The quickstart's model after its cold start; made once."""
        return cold_started(self.folder, [*self.settings, *self.pick([], ["cold_start.steps=2"])])
