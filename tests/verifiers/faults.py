"""A handler for the pool's tests that fails in the ways that its payload asks for."""

import os
import pathlib
import signal
import time


def act(payload: str) -> tuple[float, str]:
    """`right`, `wrong`, or one of the faults; `once FILE FAULT` shows the fault only where FILE is not there yet.

    `note FILE FAULT` first writes the fault down in FILE.
    """
    what, _, rest = payload.partition(" ")
    if what == "note":
        file, _, rest = rest.partition(" ")
        with pathlib.Path(file).open("a") as notes:
            notes.write(f"{rest}\n")
        return act(rest)
    if what == "once":
        file, _, rest = rest.partition(" ")
        if pathlib.Path(file).exists():
            return 1.0, "right at last"
        pathlib.Path(file).touch()
        return act(rest)
    if what == "sleep":
        time.sleep(60)
    if what == "compute":
        _ = 9**9**9
    if what == "exit":
        os._exit(3)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raise":
        raise ValueError("no such answer")
    if what == "pid":
        return 1.0, str(os.getpid())
    return float(what == "right"), what
