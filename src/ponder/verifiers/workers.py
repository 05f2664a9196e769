"""Worker processes for checks that can hang, crash or misbehave in threads.

Each worker is a fresh interpreter at the other end of a socket: no fork of this process, no `__main__` guard needed,
no signal of the terminal reaches it. Whose fault a lost task is, is found out by running it again alone in a fresh
worker, after a probe that is known to be good.
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
from collections.abc import Callable, Iterable, Sequence
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
BATCH = 16
"""Most tasks in one message to a worker."""


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


_Call = tuple[_Key, tuple[Any, Any]]
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
        self.ready = False
        self.due: deque[_Call] = deque()
        self.deadline = time.monotonic() + start_limit

    def give(self, batch: deque[_Call]) -> None:
        """Send a batch; OSError if the process is gone."""
        self.connection.send([call for _, call in batch])
        self.due = batch
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
        first = _Round(self._workers, self._hire, self.size).run(_batches(tasks, self.size))
        lost = [key.task for key, outcome in first.items() if isinstance(outcome, _Lost)]
        if lost:
            self.close()
        again = _Round(self._workers, self._hire, self.size, fresh=True).run(_probed(tasks, lost))
        return [_settled(task, first, again) for task in range(len(tasks))]

    def _hire(self) -> _Worker:
        return _Worker(self.handler, self.limit, self._start_limit)


class _Round:
    """Runs batches of calls; a call whose worker is lost is noted, and what was behind it goes to another worker."""

    def __init__(self, workers: list[_Worker], hire: Callable[[], _Worker], size: int, *, fresh: bool = False) -> None:
        """With `fresh`, each worker gets one batch only, and none after it has lost a call."""
        self.workers, self.hire, self.size, self.fresh = workers, hire, size, fresh
        self.queue: deque[deque[_Call]] = deque()
        self.outcomes: _Outcomes = {}
        self.failed_starts: list[_Lost] = []

    def run(self, batches: Iterable[deque[_Call]]) -> _Outcomes:
        """What became of each call."""
        self.queue.extend(batches)
        while self.queue or any(worker.due for worker in self.workers):
            self._staff()
            if not self.workers:
                self._give_up()
            for worker in self._stirring():
                self._attend(worker)
        return self.outcomes

    def _staff(self) -> None:
        """Batches to idle workers, and new workers for what is left."""
        for worker in [worker for worker in self.workers if worker.ready and not worker.due]:
            if self.queue:
                self._give(worker)
        starting = sum(not worker.ready for worker in self.workers)
        room = self.size - len(self.workers) if len(self.failed_starts) < START_ATTEMPTS else 0
        self.workers.extend(self.hire() for _ in range(min(room, len(self.queue) - starting)))

    def _give(self, worker: _Worker) -> None:
        batch = self.queue.popleft()
        try:
            worker.give(batch)
        except OSError:
            self.queue.appendleft(batch)
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
        if self.fresh and not worker.due:
            self._dismiss(worker)

    def _lose(self, worker: _Worker, loss: _Lost) -> None:
        self._dismiss(worker)
        if not worker.ready:
            return self.failed_starts.append(loss)
        key, _ = worker.due.popleft()
        self.outcomes[key] = loss
        if worker.due and not self.fresh:
            self.queue.append(worker.due)

    def _give_up(self) -> None:
        """No worker can be started: what is left has no value."""
        status, why = self.failed_starts[-1]
        failure = Reply(value=None, status=status, explanation=f"no worker can be started: {why}")
        self.outcomes.update({key: failure for batch in self.queue for key, _ in batch})
        self.queue.clear()

    def _dismiss(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.end()


def _batches(tasks: Sequence[Task], size: int) -> list[deque[_Call]]:
    """In strides, so that each worker has something to do and no message is long."""
    calls = [(_Key(i, False), (task.payload, task.probe)) for i, task in enumerate(tasks)]
    length = max(1, min(BATCH, -(-len(calls) // size)))
    return [deque(calls[start : start + length]) for start in range(0, len(calls), length)]


def _probed(tasks: Sequence[Task], lost: Sequence[int]) -> list[deque[_Call]]:
    """Each lost task again, in a batch of its own behind its probe."""
    return [deque([*_probe(tasks[i], i), (_Key(i, False), (tasks[i].payload, tasks[i].probe))]) for i in lost]


def _probe(task: Task, index: int) -> list[_Call]:
    return [] if task.probe is None else [(_Key(index, True), (task.probe, None))]


def _settled(task: int, first: _Outcomes, again: _Outcomes) -> Reply:
    """Whose fault it is: the answer's if the probe went well in the same fresh worker, else the verifier's."""
    probe = again.get(_Key(task, True))
    if isinstance(probe, _Lost):
        return Reply(value=None, status=probe.status, explanation=f"the verifier fails on the reference: {probe.why}")
    if probe is not None and probe.value is None:
        return probe
    if probe is not None and probe.value != 1.0:
        return Reply(value=None, status=Status.ERROR, explanation=f"the reference is refused: {probe.explanation}")
    outcome = again.get(_Key(task, False), first[_Key(task, False)])
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
