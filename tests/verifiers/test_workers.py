import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.types import PonderError, Status
from ponder.verifiers.workers import Pool, Reply, Task, shared

RIGHT = Task(payload="right", probe="right")


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool("verifiers.faults:act", limit=0.5, size=2) as pool:
        yield pool


def run(pool: Pool, *payloads: str) -> list[Reply]:
    return pool.run([Task(payload=payload, probe="right") for payload in payloads])


def gone(pid: int) -> bool:
    """No such process, not even a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def ended(pid: int) -> bool:
    """Gone, or dead and left for whoever adopted it to reap."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return gone(pid)


def test_replies_come_in_order(pool: Pool):
    payloads = ["right", "wrong", "right", "wrong", "wrong"] * 20
    assert [reply.value for reply in run(pool, *payloads)] == [1.0, 0.0, 1.0, 0.0, 0.0] * 20
    assert pool.run([]) == []


def test_workers_are_started_when_needed_and_kept():
    with Pool("verifiers.faults:act", size=2) as pool:
        assert pool.pids == ()
        run(pool, "right")
        pids = pool.pids
        assert len(pids) == 1
        assert [int(reply.explanation) for reply in run(pool, "pid")] == list(pids)
    assert pool.pids == () and all(gone(pid) for pid in pids)
    assert [reply.value for reply in run(pool, "right")] == [1.0], "a closed pool starts again"
    pool.close()


@pytest.mark.parametrize("fault", ["sleep", "compute", "exit", "kill"])
def test_an_answer_that_a_fresh_worker_cannot_digest_is_wrong(pool: Pool, fault: str):
    replies = run(pool, "right", fault, "wrong", "right")
    assert [(reply.value, reply.status) for reply in replies] == [(v, Status.JUDGED) for v in (1.0, 0.0, 0.0, 1.0)]
    assert replies[1].explanation.startswith("the answer cannot be digested: twice")


def test_a_lost_answer_is_tried_again_last_and_no_other_twice(tmp_path: Path):
    notes = tmp_path / "notes"
    with Pool("verifiers.faults:act", limit=0.5, size=1) as pool:
        replies = run(pool, *[f"note {notes} {what}" for what in ("sleep", "right", "kill", "wrong", "right")])
    assert [reply.value for reply in replies] == [0.0, 1.0, 0.0, 0.0, 1.0]
    assert notes.read_text().split() == ["sleep", "right", "kill", "wrong", "right", "sleep", "kill"]


def test_workers_that_lost_nothing_stay(pool: Pool):
    before: set[str] = set()
    while len(before) < 2:
        before = {reply.explanation for reply in run(pool, *["pid"] * 20)}
    run(pool, "exit")
    assert len(before & set(map(str, pool.pids))) == 1


@pytest.mark.parametrize("fault", ["sleep", "kill"])
def test_an_answer_that_a_fresh_worker_digests_counts(pool: Pool, fault: str, tmp_path):
    replies = run(pool, f"once {tmp_path / 'seen'} {fault}", "right")
    assert replies == [Reply(value=1.0, explanation="right at last"), Reply(value=1.0, explanation="right")]


@pytest.mark.parametrize("fault", ["sleep", "exit", "raise"])
def test_a_verifier_that_fails_on_the_reference_has_failed(pool: Pool, fault: str):
    status = Status.TIMEOUT if fault == "sleep" else Status.ERROR
    replies = pool.run([Task(payload=fault, probe=fault), RIGHT])
    assert [(reply.value, reply.status) for reply in replies] == [(None, status), (1.0, Status.JUDGED)]


def test_a_verifier_that_refuses_the_reference_has_failed(pool: Pool):
    assert [(r.value, r.status) for r in pool.run([Task(payload="exit", probe="wrong")])] == [(None, Status.ERROR)]


def test_without_a_probe_a_fresh_worker_is_trusted(pool: Pool):
    assert [reply.value for reply in pool.run([Task(payload="exit"), Task(payload="raise")])] == [0.0, 0.0]


def test_an_exception_is_the_answers_fault_and_costs_no_worker(pool: Pool):
    run(pool, "right")
    pids = set(pool.pids)
    reply = run(pool, "raise")[0]
    assert reply.value == 0.0 and "ValueError: no such answer" in reply.explanation
    assert pids <= set(pool.pids)


def test_a_worker_killed_from_outside_is_replaced(pool: Pool):
    run(pool, "right", "right")
    for pid in pool.pids:
        os.kill(pid, signal.SIGKILL)
    assert [reply.value for reply in run(pool, "right", "wrong", "right")] == [1.0, 0.0, 1.0]


def test_lost_workers_leave_no_zombies(pool: Pool):
    run(pool, "right", "right")
    pids = pool.pids
    run(pool, "exit", "kill")
    assert all(gone(pid) for pid in pids)


def test_workers_that_cannot_start_are_the_verifiers_fault():
    with Pool("verifiers.broken:act", size=2) as pool:
        replies = run(pool, *["right"] * 40)
    assert {(reply.value, reply.status) for reply in replies} == {(None, Status.ERROR)}
    assert replies[0].explanation == "no worker can be started: RuntimeError: broken on purpose"


def test_workers_that_start_too_slowly_are_the_verifiers_fault():
    with Pool("verifiers.faults:act", start_limit=0.001, size=2) as pool:
        assert [(r.value, r.status) for r in run(pool, "right")] == [(None, Status.TIMEOUT)]


def test_many_lost_answers_are_told_apart(pool: Pool):
    replies = run(pool, *["right", "exit", "wrong", "kill"] * 3)
    assert [reply.value for reply in replies] == [1.0, 0.0, 0.0, 0.0] * 3


def test_pools_are_shared():
    assert shared("verifiers.faults:act", 5.0) is shared("verifiers.faults:act", 5.0)
    assert shared("verifiers.faults:act", 5.0) is not shared("verifiers.faults:act", 4.0)


@pytest.mark.parametrize("limit", [0, -1.0, float("inf"), float("nan")])
def test_a_limit_must_be_one(limit: float):
    with pytest.raises(PonderError, match="limit = "):
        Pool("verifiers.faults:act", limit=limit)


SCRIPT = """
import os, sys
from ponder.verifiers.workers import Pool, Task
pool = Pool("verifiers.faults:act", limit=30.0, size=2)
pool.run([Task(payload="right")] * 4)
print(*pool.pids, flush=True)
pool.run([Task(payload=sys.argv[1])])
"""


def script(payload: str) -> subprocess.Popen:
    """A user's script without a `__main__` guard."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", SCRIPT, payload]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def pids_of(process: subprocess.Popen) -> list[int]:
    assert process.stdout is not None
    return [int(pid) for pid in process.stdout.readline().split()]


def test_workers_end_with_the_script():
    process = script("right")
    pids = pids_of(process)
    _, errors = process.communicate()
    assert len(pids) == 2 and process.returncode == 0 and errors == ""
    assert all(gone(pid) for pid in pids)


def test_an_interrupt_ends_the_workers_quietly():
    process = script("sleep")
    pids = pids_of(process)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt")
    assert all(gone(pid) for pid in pids)


def test_idle_workers_end_when_their_parent_is_killed():
    process = script("sleep")
    pids = pids_of(process)
    time.sleep(0.2)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 5
    while not any(ended(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    busy = [pid for pid in pids if not ended(pid)]
    assert len(busy) <= 1, "one is still at its task, until its own alarm ends it"
    for pid in busy:
        os.kill(pid, signal.SIGKILL)
