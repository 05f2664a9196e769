"""Whether this machine has what ponder needs; each finding that is not well says what to do."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ponder import verifiers
from ponder.cli.models import is_cached
from ponder.cli.screen import people, print_json, say, visible
from ponder.model import hub, kernels
from ponder.model.devices import device_of
from ponder.model.dtypes import DTYPES, fastest
from ponder.runs.machine import machine
from ponder.types import Message, Problem, Submission

MEMORY_GB, DISK_GB = 8, 5
"""What the quickstart needs."""
SIDE = 768
"""Of the square matrices that are multiplied."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    ok: bool
    """Whether all is well."""
    text: str
    """What there is."""
    remedy: str = ""
    """What to do where it is not well."""


def doctor(*, as_json: bool) -> None:
    """Run every check, and print a line for each as it comes."""
    console = people(as_json=as_json)
    found: dict[str, Finding] = {}
    for name, check in CHECKS.items():
        finding = found[name] = check()
        told = finding.text if finding.ok else f"{finding.text}: {finding.remedy}"
        say(console, f"{'ok     ' if finding.ok else 'warning'} {name}: {visible(told)}")
    if as_json:
        print_json({"ok": all(finding.ok for finding in found.values()), "checks": _records(found)})


def _records(found: Mapping[str, Finding]) -> dict[str, dict[str, Any]]:
    return {name: asdict(f) | {"remedy": "" if f.ok else f.remedy} for name, f in found.items()}


def check_python() -> Finding:
    """Python 3.11 or newer."""
    return Finding(sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")


def check_torch() -> Finding:
    """Which torch, and how many threads it uses of the cores there are."""
    threads, cores = torch.get_num_threads(), machine()["cores"]
    text = f"{torch.__version__}, {threads} threads on {cores} cores"
    return Finding(threads <= cores, text, f"set OMP_NUM_THREADS={cores}")


def check_device() -> Finding:
    """Where `auto` computes."""
    return Finding(True, machine()["gpu"] or f"{machine()['cpu']}; torch finds no GPU")


def check_dtype() -> Finding:
    """Which dtype `auto` is here, and whether it is as fast as the other."""
    device = device_of("auto")
    speeds = {name: _gigaflops(dtype, device) for name, dtype in DTYPES.items()}
    chosen, best = fastest(device), max(speeds, key=lambda name: speeds[name])
    text = f"auto is {chosen} here; {', '.join(f'{name} {speed:.0f} GFLOP/s' for name, speed in speeds.items())}"
    return Finding(speeds[chosen] >= 0.8 * speeds[best], text, f"use --set model.dtype={best}, which is faster")


def check_kernels() -> Finding:
    """Whether the kernels can be built and loaded."""
    why = kernels.reason()
    return Finding(not why, why or "built for this processor", "without them plain PyTorch computes, which is slower")


def _gigaflops(dtype: torch.dtype, device: torch.device) -> float:
    """The best of five products."""
    matrix = torch.ones(SIDE, SIDE, dtype=dtype, device=device)
    return max(2 * SIDE**3 / _seconds(lambda: (matrix @ matrix)[0, 0].item()) / 1e9 for _ in range(5))


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def check_memory() -> Finding:
    """Memory that is free, or all there is where the system does not tell."""
    try:
        told = Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]
        free = int(told) * 1024 / 1e9
    except (OSError, IndexError):
        free = machine()["memory_gb"]
    return Finding(free >= MEMORY_GB, f"{free:.1f} GB free", f"the quickstart needs {MEMORY_GB} GB; close something")


def check_disk() -> Finding:
    """Space for runs in this folder."""
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return Finding(free >= DISK_GB, f"{free:.0f} GB free here", f"runs need {DISK_GB} GB; give --out on another disk")


def check_cache() -> Finding:
    """Whether models can be kept."""
    folder = hub.cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Finding(True, f"{folder} can be written")
    except OSError as error:
        return Finding(False, f"{folder}: {error.strerror}", "set PONDER_CACHE to a folder you can write")


def check_models() -> Finding:
    """Whether the known models are there."""
    missing = [name for name in hub.KNOWN if not is_cached(name)]
    if missing:
        return Finding(False, f"{', '.join(missing)} not fetched", f"ponder models pull {missing[0]}")
    return Finding(True, f"{', '.join(hub.KNOWN)} in the cache")


def check_workers() -> Finding:
    """Whether worker processes start and can do algebra, which no shortcut answers."""
    problem = Problem(
        id="doctor", domain="doctor", split="test", messages=(Message(role="user", content="x/2?"),), reference="0.5x"
    )
    verdict = verifiers.build("maths").verify([Submission(problem=problem, answer="\\frac{x}{2}")])[0]
    text = f"maths finds x/2 {'equal' if verdict.value else 'not equal'} to 0.5x"
    return Finding(verdict.value == 1.0, text, f"{verdict.explanation}; reinstall math-verify")


CHECKS: dict[str, Callable[[], Finding]] = {
    "python": check_python,
    "torch": check_torch,
    "device": check_device,
    "dtype": check_dtype,
    "kernels": check_kernels,
    "memory": check_memory,
    "disk": check_disk,
    "cache": check_cache,
    "models": check_models,
    "workers": check_workers,
}
"""In the order they run."""
