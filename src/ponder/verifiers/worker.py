"""The process behind `ponder.verifiers.workers`: `python -P -m ponder.verifiers.worker FD MODULE:FUNCTION SECONDS`.

It runs the function on one task after another in its main thread. Requests come pickled from the parent; replies go
back as JSON, so that nothing a hostile answer may have done here is ever unpickled there.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

MEMORY = 4 << 30
"""Bytes of address space; an answer that wants more gets a MemoryError."""
ORPHANED = 10.0
"""Seconds beyond its limit after which a task whose parent is gone ends the process, even inside C code."""

Handler = Callable[[Any], tuple[float, str]]
"""Payload -> (value in [0, 1], explanation)."""


def main() -> None:
    """Serve until the parent closes its end."""
    descriptor, name, limit = sys.argv[1:]
    parent = Connection(int(descriptor))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        handler = _resolve(name)
    except BaseException as problem:
        _send(parent, {"ready": False, "why": f"{type(problem).__name__}: {problem}"})
        raise
    _send(parent, {"ready": True})
    with contextlib.suppress(EOFError, OSError):
        _serve(parent, handler, float(limit))
    os._exit(0)


def _serve(parent: Connection, handler: Handler, limit: float) -> None:
    while True:
        for payload, probe in parent.recv():
            signal.setitimer(signal.ITIMER_REAL, limit + ORPHANED)
            reply = _reply(handler, payload, probe)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _send(parent, reply)


def _reply(handler: Handler, payload: Any, probe: Any) -> dict[str, Any]:
    """A payload on which the handler raises is at fault only if the handler digests the known-good probe."""
    try:
        value, why = handler(payload)
        return {"value": float(value), "why": why}
    except Exception as problem:
        raised = " ".join(f"{type(problem).__name__}: {problem}"[:200].split())
    try:
        healthy = probe is None or handler(probe)[0] == 1.0
    except Exception:
        healthy = False
    if healthy:
        return {"value": 0.0, "why": f"the answer cannot be digested ({raised})"}
    return {"value": None, "why": f"the verifier fails on the reference too ({raised})"}


def _resolve(name: str) -> Handler:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _send(parent: Connection, message: dict[str, Any]) -> None:
    parent.send_bytes(json.dumps(message).encode())


if __name__ == "__main__":
    main()
