import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from ponder.runs import lock
from ponder.types import PonderError

HOLD = """
import os, sys, time
from pathlib import Path
from ponder.runs import lock
file = lock.acquire(Path(sys.argv[1]))
if os.fork() == 0:
    print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_a_second_writer_is_told_who_writes(tmp_path: Path):
    file = lock.acquire(tmp_path)
    with pytest.raises(PonderError) as raised:
        lock.acquire(tmp_path)
    expected = f"{tmp_path}: process {os.getpid()} is writing this run: wait for it, or give another --out"
    assert str(raised.value) == expected
    lock.release(file)
    lock.release(lock.acquire(tmp_path))
    assert (tmp_path / lock.NAME).read_bytes() == b""


def test_a_killed_writer_holds_nothing_even_if_its_worker_lives_on(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        worker = int(holder.stdout.readline())
        try:
            with pytest.raises(PonderError, match=f"process {holder.pid} is writing"):
                lock.acquire(tmp_path)
            holder.kill()
            holder.wait()
            os.kill(worker, 0)
            lock.release(lock.acquire(tmp_path))
        finally:
            holder.kill()
            os.kill(worker, signal.SIGKILL)


def test_turns_with_a_file_wait_for_each_other_and_leave_it_as_it_is(tmp_path: Path):
    file = tmp_path / "study.toml"
    file.write_text("name")
    told: list[str] = []

    def other() -> None:
        with lock.in_turn(file):
            told.append("other")

    with lock.in_turn(file):
        thread = Thread(target=other)
        thread.start()
        thread.join(0.2)
        told.append("first")
    thread.join(10)
    assert told == ["first", "other"]
    assert file.read_text() == "name" and list(tmp_path.iterdir()) == [file]
