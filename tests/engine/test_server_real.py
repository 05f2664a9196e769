"""The server's client against a server that others wrote: `transformers serve`, killed and started again half way."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cli.command import ponder
from contracts.respondent import RespondentContract, talk
from ponder.engine.server import Server
from ponder.model.hub import resolve
from ponder.runs.table import read_rollouts
from ponder.types import Asking, Respondent, Status

pytestmark = pytest.mark.slow

SERVE = (sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve")
START = 180.0
"""Seconds that it may take to load the model."""
REPLIES = 200


class Served:
    """A server of SmolLM2 as a process of its own."""

    def __init__(self, folder: Path, said: Path) -> None:
        """`said`: file for what it prints."""
        self.folder, self.said, self.port = folder, said, free_port()
        self.process = self._begin()

    def _begin(self) -> subprocess.Popen[bytes]:
        place = ("--host", "127.0.0.1", "--port", str(self.port), "--device", "cpu")
        with self.said.open("ab") as said:
            return subprocess.Popen(
                [*SERVE, str(self.folder), *place],
                env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
                stdout=said,
                stderr=said,
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        self.process = self._begin()

    def client(self, **options: Any) -> Server:
        return Server(f"http://127.0.0.1:{self.port}/v1", **({"model": str(self.folder), "deadline": 60.0} | options))

    def wait(self) -> None:
        """Until it answers."""
        ends = time.monotonic() + START
        while why := self.client().check():
            assert self.process.poll() is None and time.monotonic() < ends, f"{why}: {self.said.read_text()[-2000:]}"
            time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    missing = [name for name in ("fastapi", "uvicorn", "openai") if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed; pip install 'transformers[serving]'")
    served = Served(resolve("smollm2-135m"), tmp_path_factory.mktemp("served") / "said.txt")
    try:
        served.wait()
        yield served
    finally:
        served.kill()


class TestServed(RespondentContract):
    """One request at a time: this server has one random state for all of them."""

    @pytest.fixture(autouse=True)
    def _served(self, served: Served) -> None:
        self.served = served

    def respondent(self) -> Respondent:
        return self.served.client(concurrency=1)

    def asking(self) -> list[Asking]:
        return [Asking(max_tokens=2, choices=("yes", "no")), Asking(max_tokens=3, temperature=1.0)]

    def failing(self) -> Respondent:
        return self.served.client(model="another")


def test_a_check_says_what_is_wrong(served: Served):
    assert served.client().check() == ""
    assert "another" in served.client(model="another").check()


def test_none_is_lost_where_it_is_killed_and_started_again(served: Served, tmp_path: Path):
    def trouble() -> None:
        while sum(1 for _ in kept.rglob("*.json")) < REPLIES // 2:
            time.sleep(0.05)
        served.kill()
        killed.set()
        time.sleep(1)
        served.start_again()

    kept, killed, asking = tmp_path / "kept", threading.Event(), Asking(max_tokens=3)
    talks = [talk(f"Say {number}.") for number in range(REPLIES)]
    streams = [str(number) for number in range(REPLIES)]
    server = served.client(cache=kept, concurrency=4, retries=12, pause=0.5)
    threading.Thread(target=trouble, daemon=True).start()
    replies = server.respond(talks, asking, streams)
    assert killed.is_set()
    assert [(reply.status, reply.reason) for reply in replies] == [(Status.JUDGED, "")] * REPLIES
    assert server.spending.written == sum(reply.tokens for reply in replies) >= REPLIES
    for number in range(0, REPLIES, 20):
        assert served.client().respond([talks[number]], asking, ["anew"])[0].answer == replies[number].answer
    served.kill()
    assert served.client(cache=kept, retries=0).respond(talks, asking, streams) == replies
    served.start_again()
    served.wait()


def test_a_suite_is_asked_of_it_with_its_budgets_counted(served: Served, tmp_path: Path):
    """This server neither holds budgets of thinking nor goes on from a turn: that is a status then, and never a 0."""
    suite = tmp_path / "few.toml"
    suite.write_text(
        'name = "few"\nproblems = 3\nmax_tokens = 24\nshots = 1\nalone = true\nbudgets = [8]\n'
        '[attacks.hurry]\nuse = "think_less"\n[domains.sums]\nuse = "coin"\n'
    )
    url, out = f"http://127.0.0.1:{served.port}/v1", tmp_path / "out"
    options = ("--set", f"model={served.folder}", "--set", "concurrency=1", "--suite", suite, "--out", out)
    result = ponder("measure", url, *options)
    assert result.exit_code == 0, result.output
    files = sorted((out / "measured").iterdir())
    assert len(files) == 5
    for path in files:
        for rollout in read_rollouts(path):
            if rollout.cell.mode == "budget":
                (verdict,) = rollout.verdicts
                assert rollout.paid is None and "continue_final_message" in verdict.explanation
            else:
                assert rollout.paid is not None and rollout.completion.written > 0
