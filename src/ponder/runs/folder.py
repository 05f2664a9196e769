"""The run folder: one writer, whole files, and a way back to the last checkpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TextIO

from ponder.runs import checkpoints, lock, manifests
from ponder.runs.checkpoints import Checkpoint
from ponder.runs.files import clean, discard, flush, is_temporary, make_folder, refusals, replacing
from ponder.runs.lines import append_line, read_lines
from ponder.runs.result import Number, read_result, write_result
from ponder.types import PonderError

METRICS = "metrics.jsonl"
TIMINGS = "timings.jsonl"


class RunStatus(StrEnum):
    """What became of a run."""

    RUNNING = "running"
    """Being written, or killed."""
    DONE = "done"
    """Ended as planned."""
    INTERRUPTED = "interrupted"
    """Stopped by its user."""
    FAILED = "failed"
    """Stopped by an error."""


class Run:
    """A folder holding everything one command made.

    As a context manager it is closed at the end; one that was created also gets its status: done, interrupted
    (Ctrl-C) or failed.
    """

    def __init__(
        self, path: Path, manifest: dict[str, Any], lock_file: TextIO | None = None, *, created: bool = False
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._lock = lock_file
        self._created = created

    @classmethod
    def create(cls, path: Path, manifest: Mapping[str, Any], *, resume: bool = False) -> Self:
        """Start a run in a new or empty folder, for writing.

        With `resume`, continue the run that is there (if any); its recipe, seeds and data must be the same.
        """
        _refuse_foreign(path)
        file = lock.acquire(make_folder(path))
        try:
            clean(path)
            return cls(path, manifests.start(path, manifest, resume=resume), file, created=True)
        except BaseException:
            lock.release(file)
            raise

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Self:
        """The run in this folder: for reading, even while it is being written; or for writing, alone."""
        manifest = manifests.read(path)
        if not write:
            return cls(path, manifest)
        file = lock.acquire(path)
        clean(path)
        return cls(path, manifest, file)

    def close(self) -> None:
        """Let another process write this run."""
        if self._lock:
            lock.release(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._created:
                self._end(kind)
        finally:
            self.close()

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.resolve().name

    def set_status(self, status: RunStatus) -> None:
        """Write to the manifest what became of the run."""
        self._assert_writer()
        self.manifest = self.manifest | {"status": status.value}
        manifests.write(self.path, self.manifest)

    def log_metrics(self, stage: str, step: int, values: Mapping[str, Any]) -> None:
        """Append a step to `metrics.jsonl`; nothing in it may depend on the clock."""
        self._log(METRICS, stage, step, values)

    def log_timing(self, stage: str, step: int, values: Mapping[str, Any]) -> None:
        """Append to `timings.jsonl`, which may depend on the clock; after a resume a step can be there twice."""
        self._log(TIMINGS, stage, step, values)

    def metrics(self) -> list[dict[str, Any]]:
        """Every step logged, in order: `stage`, `step` and its values."""
        return read_lines(self.path / METRICS)

    def timings(self) -> list[dict[str, Any]]:
        """Every timing logged, in order: `stage`, `step` and its values."""
        return read_lines(self.path / TIMINGS)

    def rollouts_file(self, stage: str, step: int) -> Path:
        """Where the rollouts of a training step belong; steps of a stage are written in growing order."""
        return self.path / "rollouts" / f"{_file_name(stage)}-{step:06d}.parquet"

    def measured_file(self, name: str) -> Path:
        """Where the rollouts of a measurement belong."""
        return self.path / "measured" / f"{_file_name(name)}.parquet"

    @contextmanager
    def checkpoint(self, number: int, state: Mapping[str, Any]) -> Iterator[Path]:
        """A folder to write a checkpoint to; it becomes `checkpoints/NNNNNN` when the block ends.

        `state` is what the stages need to continue: JSON values, returned as `Checkpoint.state`.
        """
        self._assert_writer()
        with replacing(self.checkpoint_path(number), folder=True) as folder:
            yield folder
            flush(self.path / METRICS)
            checkpoints.seal(folder, state, self._marks())

    def checkpoint_path(self, number: int) -> Path:
        """Where a checkpoint lies, whether it is there or not."""
        return checkpoints.folder_of(self.path / "checkpoints", number)

    def latest_checkpoint(self, *, hashes: bool = False) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint to go on from, and a warning to show for each that was passed over.

        With `hashes`, everything that was written before it is read too: it must be there and whole.
        """
        unmet = self._unmet if hashes else lambda marks: None
        return checkpoints.latest(self.path / "checkpoints", hashes=hashes, unmet=unmet)

    def newest_checkpoint(self, wanted: Callable[[int], bool]) -> Checkpoint | None:
        """The newest whole checkpoint whose number is wanted."""
        return checkpoints.newest(self.path / "checkpoints", wanted)

    def keep(self, n: int, protected: Collection[int] = ()) -> None:
        """Remove all checkpoints but the newest `n` and the protected ones."""
        self._assert_writer()
        checkpoints.keep(self.path / "checkpoints", n, protected)

    def cut_back(self, checkpoint: Checkpoint | None) -> None:
        """Remove metrics, rollouts and checkpoints later than this checkpoint; all of them for None."""
        self._assert_writer()
        marks = checkpoint.marks if checkpoint else {"metrics_bytes": 0, "rollouts": {}}
        checkpoints.cut_after(self.path / "checkpoints", checkpoint.number if checkpoint else -1)
        for stage, step, path in self._rollouts():
            if step > marks["rollouts"].get(stage, -1):
                discard(path)
        self._cut_metrics(marks["metrics_bytes"])

    def return_to(self, checkpoint: Checkpoint) -> None:
        """Make an earlier checkpoint the newest; metrics and rollouts since stay, and `cut_back` to it leaves them.

        Killed within, the run stands at a checkpoint as it was made.
        """
        self._assert_writer()
        checkpoints.cut_after(self.path / "checkpoints", checkpoint.number)
        flush(self.path / METRICS)
        checkpoints.remark(checkpoint.path, self._marks())

    def write_result(self, numbers: Mapping[str, Number]) -> None:
        """Add numbers to those in `result.json`; one of the same name is replaced."""
        self._assert_writer()
        write_result(self.path, numbers)

    def result(self) -> dict[str, Number]:
        """The numbers in `result.json`."""
        return read_result(self.path)

    def _assert_writer(self) -> None:
        assert self._lock, f"{self.path} was opened for reading: Run.open(path, write=True) writes"

    def _end(self, kind: type[BaseException] | None) -> None:
        if kind is None:
            return self.set_status(RunStatus.DONE)
        with suppress(PonderError):  # What stopped the run matters more than what stops this note of it.
            self.set_status(RunStatus.INTERRUPTED if issubclass(kind, KeyboardInterrupt) else RunStatus.FAILED)

    def _log(self, file: str, stage: str, step: int, values: Mapping[str, Any]) -> None:
        self._assert_writer()
        assert not {"stage", "step"} & values.keys(), "stage and step are given apart from the values"
        append_line(self.path / file, {"stage": stage, "step": step, **values})

    def _marks(self) -> dict[str, Any]:
        metrics = self.path / METRICS
        last: dict[str, int] = {}
        for stage, step, _ in self._rollouts():
            last[stage] = max(step, last.get(stage, -1))
        return {"metrics_bytes": metrics.stat().st_size if metrics.exists() else 0, "rollouts": last}

    def _unmet(self, marks: Mapping[str, Any]) -> str | None:
        """What is not there any more of that which a checkpoint with these marks goes on from."""
        from ponder.runs.table import damage  # pyarrow takes a second to import, and only a resumed run gets here

        path, size = self.path / METRICS, marks["metrics_bytes"]
        logged = path.read_bytes()[:size] if path.exists() else b""
        if len(logged) < size or b"\0" in logged:
            return f"{METRICS} has lost lines from before it"
        steps = [(stage, step) for stage, last in marks["rollouts"].items() for step in range(last + 1)]
        lost = (file for stage, step in steps if damage(file := self.rollouts_file(stage, step), pages=True))
        return next((f"{file.name} from before it is damaged or missing" for file in lost), None)

    def _rollouts(self) -> list[tuple[str, int, Path]]:
        found = ((re.fullmatch(r"(.+)-(\d{6,})", path.stem), path) for path in self.path.glob("rollouts/*.parquet"))
        return sorted((match.group(1), int(match.group(2)), path) for match, path in found if match)

    def _cut_metrics(self, size: int) -> None:
        path = self.path / METRICS
        there = path.stat().st_size if path.exists() else 0
        if there < size:
            raise PonderError(f"{path}: {there} bytes, but the checkpoint was made at {size}: copy the whole run again")
        if there > size:
            with refusals(path):
                os.truncate(path, size)


def _file_name(name: str) -> str:
    assert name and "/" not in name and not name.startswith("."), f"{name!r} cannot name a file"
    return name


def _refuse_foreign(path: Path) -> None:
    """A folder with anything but a run in it is not ponder's to write to."""
    ours = {manifests.NAME, lock.NAME}
    there = list(path.iterdir()) if path.is_dir() else []
    if there and not any(entry.name in ours or is_temporary(entry) for entry in there):
        raise PonderError(f"{path}: holds files that are not of a run: give another --out")
