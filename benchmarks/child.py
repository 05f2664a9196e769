"""A contestant as a child process: started once for a work, asked once a repeat, idle in between."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import watch
from benchmarks.contestants import PEERS, Contestant
from benchmarks.environments import ensure, last_line
from benchmarks.rounds import GoneError, Repeat

LIMIT = 3600.0
"""Seconds that a contestant may take to get ready, or for one repeat."""
OWN = ("seconds", "tokens", "peak_bytes", "peak_of")
"""What every repeat tells; the rest is extra."""


class Child:
    """One contestant at one work."""

    def __init__(self, contestant: Contestant, job: Mapping[str, Any], *, folder: Path, log: Path) -> None:
        """Starts it; raises GoneError if it cannot be installed or does not get ready."""
        self.name = contestant.name
        if contestant.environment:
            ensure(contestant.environment, folder)
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [str(contestant.python(folder)), str(PEERS / contestant.script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=variables(contestant, int(job["cores"])),
                bufsize=0,
            )
        seen = watch.Watch(self.process.pid)
        try:
            self.known: dict[str, Any] = self.ask(job)["ready"]
        except GoneError:
            self.stop()
            raise
        self.busy = seen.busy()

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send one line and wait for one; raises GoneError where none comes."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
        except BrokenPipeError:
            raise GoneError(self._why()) from None
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
        line = self.process.stdout.readline() if ready else b""
        if not line.endswith(b"\n"):
            raise GoneError(self._why() if ready else f"no answer within {LIMIT:.0f} s")
        return json.loads(line)

    def stop(self) -> None:
        """End it, whatever it does."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ticks(self) -> int:
        """Processor time it has used so far."""
        return watch.tree_ticks(self.process.pid)

    def _why(self) -> str:
        return last_line(self.log.read_text(errors="replace"))


class Seat:
    """A child among others: plays its repeat while they wait, and looks at what they do meanwhile."""

    def __init__(self, child: Child, others: Callable[[], list[Child]], request: Mapping[str, Any]) -> None:
        self.child, self.others, self.request = child, others, request

    def play(self, round: int) -> Repeat:
        """One repeat, watched."""
        others = self.others()
        idle = sum(other.ticks() for other in others)
        seen = watch.Watch(self.child.process.pid)
        told = self.child.ask({**self.request, "round": round})
        busy = seen.busy()
        idle = sum(other.ticks() for other in others) - idle
        return Repeat(
            round=round,
            seconds=told["seconds"],
            tokens=told["tokens"],
            peak_bytes=told["peak_bytes"],
            peak_of=told["peak_of"],
            busy=busy,
            idle_seconds=watch.seconds(max(0, idle)),
            extra={key: value for key, value in told.items() if key not in OWN},
        )


def variables(contestant: Contestant, cores: int) -> dict[str, str]:
    """The process environment: as many threads for everybody, and no network."""
    filled = {key: value.format(last=cores - 1) for key, value in contestant.variables.items()}
    same = {"OMP_NUM_THREADS": str(cores), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {**os.environ, **same, **filled}
