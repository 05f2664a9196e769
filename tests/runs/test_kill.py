"""A run killed at any instant opens, holds what was flushed, and resumes to the same bytes."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts

STEPS = 20
WRITER = """
import os, signal, sys
from pathlib import Path
from ponder.runs.files import write_atomic
from ponder.runs.folder import Run

kill_at = int(sys.argv[2])
calls = 0

def deadly(real):
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call

for name in ("mkdir", "replace", "fsync", "truncate", "unlink", "rmdir"):
    setattr(os, name, deadly(getattr(os, name)))

with Run.create(Path(sys.argv[1]), {"recipe": {"steps": 4}}, resume=True) as run:
    checkpoint, warnings = run.latest_checkpoint()
    assert not warnings, warnings
    run.cut_back(checkpoint)
    done = checkpoint.state["step"] if checkpoint else 0
    back = checkpoint is not None and checkpoint.marks["rollouts"].get("rl", -1) >= done
    for step in () if back else range(done, 4):
        run.log_metrics("rl", step, {"reward": step / 7})
        run.log_timing("rl", step, {"pid": os.getpid()})
        write_atomic(run.rollouts_file("rl", step), f"rollouts of {step}")
        with run.checkpoint(step + 1, {"step": step + 1}) as folder:
            (folder / "model").write_text("w" * step)
        run.keep(2, protected=(2,))
    if len(sys.argv) > 3 and not back:
        run.return_to(run.newest_checkpoint(lambda number: number == 2))
"""
REAL_WRITER = f"""
import sys, time
from pathlib import Path
from ponder.runs.folder import Run
from ponder.runs.table import write_rollouts
from ponder.types import Cell, Completion, Message, Outcome, Problem, Rollout, Verdict

def rollout(step, sample):
    problem = Problem(id=f"d/{{step}}", domain="d", split="train", messages=(Message(role="user", content="1 + 1"),),
                      reference="2")
    done = Completion(prompt=(1,), tokens=(sample,) * 50, logprobs=(-0.5,) * 50, policy_version=step, thinking=None,
                      thinking_tokens=0, answer="2", outcome=Outcome.ANSWERED)
    return Rollout(stage="rl", step=step, sample=sample, cell=Cell(checkpoint="rl", domain="d", split="train"),
                   problem=problem, completion=done, verdicts=(Verdict(verifier="exact", value=1.0),))

with Run.create(Path(sys.argv[1]), {{"recipe": {{"steps": {STEPS}}}}}, resume=True) as run:
    checkpoint, warnings = run.latest_checkpoint(hashes=True)
    assert not warnings, warnings
    run.cut_back(checkpoint)
    for step in range(checkpoint.state["step"] if checkpoint else 0, {STEPS}):
        write_rollouts(run.rollouts_file("rl", step), [rollout(step, s) for s in range(96)], run="first")
        print("rollouts", step, flush=True)
        run.log_metrics("rl", step, {{"reward": step / 7}})
        print("metrics", step, flush=True)
        time.sleep(0.004)
        if step % 2:
            with run.checkpoint(step + 1, {{"step": step + 1}}) as folder:
                (folder / "model").write_bytes(b"w" * 1_000_000)
            print("checkpoint", step + 1, flush=True)
"""


def content(path: Path) -> dict[str, bytes]:
    """Every file of a run but those that depend on the clock."""
    files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in files.items() if name != "timings.jsonl"}


def write(path: Path, kill_at: int, *how: str) -> int:
    return subprocess.run([sys.executable, "-c", WRITER, path, str(kill_at), *how], timeout=60).returncode


@pytest.mark.parametrize("how", [(), ("back",)])
def test_killed_at_every_call_that_changes_the_disk(tmp_path: Path, how: tuple[str, ...]):
    """Killed at its first such call, resumed and killed at the second, and so on until it is through."""
    assert write(tmp_path / "whole", 0, *how) == 0
    path, kill_at = tmp_path / "run", 1
    while (code := write(path, kill_at, *how)) != 0:
        assert code == -signal.SIGKILL
        kill_at += 1
    assert content(path) == content(tmp_path / "whole")
    assert Run.open(path).manifest["status"] == "done"
    assert kill_at > 20, "the writer was killed in few places"


def check_flushed(path: Path, said: list[list[str]]) -> None:
    if not said:
        return
    run = Run.open(path)
    logged = {record["step"] for record in run.metrics()}
    for what, number in ((words[0], int(words[1])) for words in said):
        if what == "metrics":
            assert number in logged
        elif what == "rollouts":
            assert len(read_rollouts(run.rollouts_file("rl", number))) == 96
        else:
            checkpoint, warnings = run.latest_checkpoint(hashes=True)
            assert checkpoint is not None and checkpoint.number >= number and not warnings


def kill_after(path: Path, seconds: float | None) -> tuple[int, list[list[str]]]:
    """Run the writer, kill it `seconds` after its first word; its exit code and what it said."""
    with subprocess.Popen([sys.executable, "-c", REAL_WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        first = writer.stdout.readline()
        if seconds is not None:
            time.sleep(seconds)
            writer.kill()
        said = (first + writer.stdout.read()).splitlines(keepends=True)
    return writer.returncode, [line.split() for line in said if line.endswith("\n")]


def test_killed_at_random_instants(tmp_path: Path):
    assert kill_after(tmp_path / "whole", None)[0] == 0
    draw = random.Random(5)
    path = tmp_path / "killed"
    for _ in range(8):
        code, said = kill_after(path, draw.uniform(0.0, 0.03))
        assert code in (0, -signal.SIGKILL)
        check_flushed(path, said)
    assert kill_after(path, None)[0] == 0
    assert content(path) == content(tmp_path / "whole")
