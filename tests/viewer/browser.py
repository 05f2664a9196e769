"""A real browser that tests drive: Chromium without a window, spoken to through a pipe in its own protocol."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WAIT = 60
"""Seconds that one thing may take, on a machine that is busy."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)

STARTER = """
import fcntl, os, sys
to, back = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(to, 3)
os.dup2(back, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the pipe where the browser looks for it, and becomes the browser."""


class Browser:
    """One page; what it printed, threw and asked for is kept."""

    def __init__(self, to: int, back: int) -> None:
        self.to, self.back, self.rest = to, back, b""
        self.numbers = itertools.count(1)
        self.session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Do one thing and wait for its result."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        os.write(self.to, json.dumps(message | ({"sessionId": self.session} if self.session else {})).encode() + b"\0")
        while True:
            told = self._hear()
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]
            self.events.append(told)

    def open(self, address: str) -> None:
        """Go to a page and wait until it is there."""
        self._and_wait(lambda: self.call("Page.navigate", url=address))

    def press(self, key: str) -> None:
        """Press and let go of a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def go(self, script: str) -> None:
        """Run a script that leads to another page, and wait until that is there."""
        self._and_wait(lambda: self.do(script))

    def follow(self, key: str) -> None:
        """Press a key that leads to another page, and wait until that is there."""
        self._and_wait(lambda: self.press(key))

    def do(self, script: str) -> Any:
        """Value of an expression in the page."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """The window's size, and its colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path) -> None:
        """A screenshot."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """What the console holds: errors, warnings, exceptions, violations of the policy."""
        found = [each["params"] for each in self.events if each.get("method") in COMPLAINTS]
        return [json.dumps(each)[:600] for each in found]

    def asked_for(self) -> set[str]:
        """Every address that was requested."""
        sent = (each["params"] for each in self.events if each.get("method") == "Network.requestWillBeSent")
        return {each["request"]["url"] for each in sent}

    def _and_wait(self, act: Any) -> None:
        before = self._loads()
        act()
        end = time.monotonic() + WAIT
        while self._loads() == before:
            assert time.monotonic() < end, "the page did not load"
            self.events.append(self._hear())

    def _loads(self) -> int:
        return sum(each.get("method") == "Page.loadEventFired" for each in self.events)

    def _hear(self) -> dict[str, Any]:
        end = time.monotonic() + WAIT
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.back], [], [], max(0, end - time.monotonic()))
            assert ready, "the browser says nothing"
            heard = os.read(self.back, 1 << 20)
            assert heard, "the browser has ended"
            self.rest += heard
        line, _, self.rest = self.rest.partition(b"\0")
        return json.loads(line)


COMPLAINTS = {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser, ended afterwards; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser here: install one of {', '.join(NAMES)}")
    down, up = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        flags = [*FLAGS, f"--user-data-dir={folder}", "about:blank"]
        process = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(down[0]), str(up[1]), program, *flags],
            pass_fds=(down[0], up[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(down[0])
        os.close(up[1])
        try:
            yield Browser(down[1], up[0])
        finally:
            os.close(down[1])
            os.close(up[0])
            process.terminate()
            process.wait(WAIT)
