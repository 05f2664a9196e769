"""Worker processes for checks that can hang, crash or misbehave in threads.

Each worker is a fresh interpreter at the other end of a socket: no fork of this process, no `__main__` guard needed,
no signal of the terminal reaches it. It has one task at a time, so that nothing waits behind a task that hangs. Whose
fault a lost task is, is found out by running it again in a fresh worker, after a probe that is known to be good; that
comes last.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Pipe, wait
from typing import Any, NamedTuple

from ponder.types import PonderError, Status

LIMIT = 5.0
"""Seconds that one task may take."""
START_LIMIT = 60.0
"""Seconds that a worker may take to import its handler."""
START_ATTEMPTS = 2
"""Starts that may fail, one after another, before a round gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call of the handler."""

    payload: Any
    """What the handler gets; it is pickled."""
    probe: Any = None
    """A payload that scores 1 if the handler is well; None where nobody knows one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of a task."""

    value: float | None
    """In [0, 1]; None where the workers failed."""
    explanation: str
    """The handler's words, or what went wrong."""
    status: Status = Status.JUDGED
    """JUDGED, TIMEOUT or ERROR."""


class _Lost(NamedTuple):
    """A task whose worker was lost."""

    status: Status
    why: str


class _Key(NamedTuple):
    """Names one call of the handler: a task's payload, or its probe."""

    task: int
    probe: bool


_Calls = deque[tuple[_Key, tuple[Any, Any]]]
"""A task's call; behind its probe where it is tried again."""
_Outcomes = dict[_Key, Reply | _Lost]


class _Worker:
    """One process, and the calls it has yet to answer."""

    def __init__(self, handler: str, limit: float, start_limit: float) -> None:
        self.connection, theirs = Pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ponder.verifiers.worker", str(theirs.fileno()), handler, str(limit)],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=_environment(),
        )
        theirs.close()
        self.limit = limit
        self.ready, self.fresh = False, True
        self.due: _Calls = deque()
        self.deadline = time.monotonic() + start_limit

    @property
    def idle(self) -> bool:
        """Whether it waits for calls."""
        return self.ready and not self.due

    def give(self, calls: _Calls) -> None:
        """Send calls; OSError if the process is gone."""
        self.connection.send([call for _, call in calls])
        self.due, self.fresh = calls, False
        self.deadline = time.monotonic() + self.limit

    def hear(self) -> dict[str, Any] | None:
        """Its next message, or None if it is late; EOFError or OSError if the process is gone."""
        if not self.connection.poll():
            return None
        self.deadline = time.monotonic() + self.limit
        return json.loads(self.connection.recv_bytes())

    def end(self) -> None:
        """Kill and reap it."""
        self.connection.close()
        self.process.kill()
        self.process.wait()


class Pool:
    """Workers that run one handler, started when first needed and ended by `close` or with this process."""

    def __init__(
        self, handler: str, *, limit: float = LIMIT, size: int | None = None, start_limit: float = START_LIMIT
    ) -> None:
        """`handler` is `module:function`, see `ponder.verifiers.worker`; `size` None: one worker a core, at most 4."""
        if not 0 < limit < float("inf"):
            raise PonderError(f"limit = {limit}: give the seconds that one answer may take, above 0")
        self.handler = handler
        self.limit = limit
        self.size = size or min(os.cpu_count() or 1, 4)
        self._start_limit = start_limit
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _end, self._workers)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all workers; the next `run` starts new ones."""
        _end(self._workers)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers alive now."""
        return tuple(worker.process.pid for worker in self._workers)

    def run(self, tasks: Sequence[Task]) -> list[Reply]:
        """One reply a task, in order. An interrupt ends the workers and goes on upwards."""
        with self._lock:
            try:
                return self._run(tasks)
            except BaseException:
                self.close()
                raise

    def _run(self, tasks: Sequence[Task]) -> list[Reply]:
        outcomes = _Round(tasks, self._workers, self._hire, self.size).run()
        return [_settled(task, outcomes) for task in range(len(tasks))]

    def _hire(self) -> _Worker:
        return _Worker(self.handler, self.limit, self._start_limit)


class _Round:
    """Runs tasks; those whose worker is lost are tried once more, in a fresh worker, when all others are under way."""

    def __init__(self, tasks: Sequence[Task], workers: list[_Worker], hire: Callable[[], _Worker], size: int) -> None:
        self.tasks, self.workers, self.hire, self.size = tasks, workers, hire, size
        self.first: deque[_Calls] = deque(deque([_call(task, i)]) for i, task in enumerate(tasks))
        self.again: deque[_Calls] = deque()
        self.outcomes: _Outcomes = {}
        self.failed_starts: list[_Lost] = []

    def run(self) -> _Outcomes:
        """What became of each call; of one that was tried twice, the second time."""
        while self.first or self.again or any(worker.due for worker in self.workers):
            self._staff()
            if all(worker.idle for worker in self.workers) and (self.first or self.again):
                self._give_up()
            for worker in self._stirring():
                self._attend(worker)
        return self.outcomes

    def _staff(self) -> None:
        """Calls to idle workers, and new workers for what is left."""
        for worker in [worker for worker in self.workers if worker.idle]:
            if self.first:
                self._give(worker, self.first)
            elif self.again and worker.fresh:
                self._give(worker, self.again)
        if len(self.failed_starts) >= START_ATTEMPTS:
            return
        wanted = len(self.first) + len(self.again) - sum(not worker.ready for worker in self.workers)
        if not self.first:  # whoever is idle now is not fresh, and in the way
            crowd = len(self.workers) + wanted - self.size
            for worker in [worker for worker in self.workers if worker.idle][: max(crowd, 0)]:
                self._dismiss(worker)
        self.workers.extend(self.hire() for _ in range(min(wanted, self.size - len(self.workers))))

    def _give(self, worker: _Worker, queue: deque[_Calls]) -> None:
        calls = queue.popleft()
        try:
            worker.give(calls)
        except OSError:
            queue.appendleft(calls)
            self._dismiss(worker)

    def _stirring(self) -> list[_Worker]:
        """Waits for workers that have something to say, are gone or are late."""
        active = [worker for worker in self.workers if worker.due or not worker.ready]
        patience = min((worker.deadline for worker in active), default=0.0) - time.monotonic()
        heard = wait([worker.connection for worker in active], max(patience, 0.0))
        return [worker for worker in active if worker.connection in heard or worker.deadline <= time.monotonic()]

    def _attend(self, worker: _Worker) -> None:
        try:
            message = worker.hear()
        except (EOFError, OSError):
            return self._lose(worker, _Lost(Status.ERROR, "a worker died of it"))
        if message is None:
            return self._lose(worker, _Lost(Status.TIMEOUT, f"no result within {worker.limit:g} s"))
        if worker.ready:
            return self._note(worker, message)
        if not message["ready"]:
            return self._lose(worker, _Lost(Status.ERROR, message["why"]))
        worker.ready = True
        self.failed_starts.clear()

    def _note(self, worker: _Worker, message: dict[str, Any]) -> None:
        key, _ = worker.due.popleft()
        status = Status.ERROR if message["value"] is None else Status.JUDGED
        self.outcomes[key] = Reply(value=message["value"], explanation=message["why"], status=status)

    def _lose(self, worker: _Worker, loss: _Lost) -> None:
        self._dismiss(worker)
        if not worker.ready:
            return self.failed_starts.append(loss)
        key, _ = worker.due.popleft()
        if key not in self.outcomes and not key.probe:
            self.again.append(_probed(self.tasks[key.task], key.task))
        self.outcomes[key] = loss

    def _give_up(self) -> None:
        """What is left has no value."""
        status, why = self.failed_starts[-1]
        failure = Reply(value=None, status=status, explanation=f"no worker can be started: {why}")
        self.outcomes.update({key: failure for calls in (*self.first, *self.again) for key, _ in calls})
        self.first.clear()
        self.again.clear()

    def _dismiss(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.end()


def _call(task: Task, index: int) -> tuple[_Key, tuple[Any, Any]]:
    return _Key(index, False), (task.payload, task.probe)


def _probed(task: Task, index: int) -> _Calls:
    """A lost task again, behind its probe."""
    probe = [] if task.probe is None else [(_Key(index, True), (task.probe, None))]
    return deque([*probe, _call(task, index)])


def _settled(task: int, outcomes: _Outcomes) -> Reply:
    """Whose fault it is: the answer's if the probe went well in the same fresh worker, else the verifier's."""
    probe = outcomes.get(_Key(task, True))
    if isinstance(probe, _Lost):
        return Reply(value=None, status=probe.status, explanation=f"the verifier fails on the reference: {probe.why}")
    if probe is not None and probe.value is None:
        return probe
    if probe is not None and probe.value != 1.0:
        return Reply(value=None, status=Status.ERROR, explanation=f"the reference is refused: {probe.explanation}")
    outcome = outcomes[_Key(task, False)]
    if isinstance(outcome, _Lost):
        return Reply(value=0.0, explanation=f"the answer cannot be digested: twice {outcome.why}")
    return outcome


def _end(workers: list[_Worker]) -> None:
    while workers:
        workers.pop().end()


def _environment() -> dict[str, str]:
    """Workers import from where this process does, and use one thread each."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@functools.cache
def shared(handler: str, limit: float) -> Pool:
    """The pool that all verifiers with this handler and limit use: processes are dear."""
    return Pool(handler, limit=limit)
