"""How a contestant talks with the harness: one JSON object a line, over stdin and stdout; standard library only.

The first line is the job. The contestant loads what it needs and answers `{"ready": {...}}`. Every line after that asks
for one repeat, which is answered with its seconds, tokens and peak memory. The end of the input ends the process.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Run = Callable[[Mapping[str, Any]], dict[str, Any]]
"""One repeat: request -> at least `tokens`; `seconds` where they are not those of the whole call."""
Prepare = Callable[[dict[str, Any]], tuple[dict[str, Any], Run]]
"""Job -> what the harness should know of the contestant, and its repeat."""

RESET_PEAK = "5"
"""Written to `clear_refs`, sets the peak of resident memory to what is resident now (proc_pid_clear_refs(5))."""
REWARD_RANGE = 2**32
"""A CRC has 32 bits."""


class Channel:
    """The two ends of a conversation; whatever else is printed goes to stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def receive(self) -> dict[str, Any] | None:
        """The next request; None at the end."""
        line = sys.stdin.readline()
        return json.loads(line) if line.strip() else None

    def send(self, message: Mapping[str, Any]) -> None:
        """One line out."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


def serve(prepare: Prepare) -> None:
    """Prepare once, then run until nobody asks any more."""
    channel = Channel()
    job = channel.receive()
    if job is None:
        return
    if "cores" in job and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job["cores"]])
    known, run = prepare(job)
    channel.send({"ready": known})
    while (request := channel.receive()) is not None:
        channel.send(measured(run, request))


def measured(run: Run, request: Mapping[str, Any]) -> dict[str, Any]:
    """One repeat with its seconds and peak memory; texts it hands over go to the file that is asked for."""
    kind = reset_peak()
    began = time.perf_counter()
    result = run(request)
    result.setdefault("seconds", time.perf_counter() - began)
    result |= {"peak_bytes": peak_bytes(), "peak_of": kind}
    texts = result.pop("texts", None)
    if texts is not None and request.get("texts"):
        Path(request["texts"]).write_text(json.dumps(texts))
    return result


def reset_peak() -> str:
    """Forget the peak so far where the system can; says of what the next peak is: `work` or `process`."""
    try:
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    except OSError:
        return "process"
    return "work"


def peak_bytes() -> int:
    """Largest resident memory since the last reset."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def versions(*packages: str) -> dict[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def fake_reward(tokens: Sequence[int]) -> float:
    """A number in [0, 1) that the tokens alone decide: rewards of a group always differ, whoever computes them."""
    return zlib.crc32(",".join(map(str, tokens)).encode()) / REWARD_RANGE
