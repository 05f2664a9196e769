"""A run killed at random, cut short on disk or out of room goes on to the bytes of one that nobody touched."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.command import finish, start
from recipes.small import write_small
from recipes.test_resume import content

KILLS = 20
LIMITED = """
import resource, signal, sys
limit, deadly = int(sys.argv.pop(1)), sys.argv.pop(1) == "deadly"
signal.signal(signal.SIGXFSZ, signal.SIG_DFL if deadly else signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from ponder.cli.main import run
run()
"""
"""The command, which may make no file longer than so many bytes: it dies within the write, or is refused the rest."""


def limited(folder: Path, limit: int, how: str, *words: str | Path) -> tuple[int, str]:
    """Exit status and standard error of the command under a limit on the size of files."""
    command = [sys.executable, "-c", LIMITED, str(limit), how, *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


class Whole:
    """A recipe, and the run of it that nobody touched."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.recipe = folder, write_small(folder, model, cold=12, rl=12)
        began = time.monotonic()
        assert self.run("whole") == (0, "")
        self.seconds = time.monotonic() - began
        self.content = content(folder / "whole" / "run")

    def words(self, name: str) -> tuple[str | Path, ...]:
        return ("train", self.recipe, "--out", self.folder / name / "run", "--resume")

    def run(self, name: str) -> tuple[int, str]:
        return finish(start(self.folder, *self.words(name)))


@pytest.fixture(scope="module")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(tmp_path_factory.mktemp("kills"), tiny)


def killed_until_it_ends(whole: Whole, name: str, kill: Callable[[str], bool]) -> None:
    """Kill and resume `KILLS` times, beginning another run where one has ended; all of them end alike."""
    kills, number = 0, 0
    while kills < KILLS:
        if kill(f"{name}{number}"):
            kills += 1
        else:
            number += 1
    assert whole.run(f"{name}{number}")[0] == 0
    for each in range(number + 1):
        assert content(whole.folder / f"{name}{each}" / "run") == whole.content


@pytest.mark.slow
def test_killed_at_random_instants(whole: Whole):
    dice = random.Random(0)

    def kill(name: str) -> bool:
        process = start(whole.folder, *whole.words(name))
        try:
            process.wait(timeout=dice.uniform(0.3, 1.0) * whole.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        code, said = finish(process)
        assert code in (0, -signal.SIGKILL), said
        return code != 0

    killed_until_it_ends(whole, "instant", kill)


@pytest.mark.slow
def test_killed_at_random_bytes_of_what_it_writes(whole: Whole):
    dice = random.Random(1)

    def kill(name: str) -> bool:
        limit = int(10 ** dice.uniform(1.5, 5.6))
        code, said = limited(whole.folder, limit, "deadly", *whole.words(name))
        assert code in (0, -signal.SIGXFSZ), said
        return code != 0

    killed_until_it_ends(whole, "byte", kill)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [100, 3_000, 30_000, 150_000])
def test_a_disk_without_room_is_one_line_and_loses_nothing(whole: Whole, limit: int):
    name = f"full{limit}"
    code, said = limited(whole.folder, limit, "refused", *whole.words(name))
    assert code == 2 and "Traceback" not in said, said
    assert "cannot be written (file too large)" in said.splitlines()[-1]
    assert whole.run(name)[0] == 0
    assert content(whole.folder / name / "run") == whole.content


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut", "zeros", "gone"])
def test_a_checkpoint_that_is_damaged_is_passed_over_loudly(whole: Whole, harm: str):
    dice, name = random.Random(harm), f"checkpoint-{harm}"
    run = whole.folder / name / "run"
    process = start(whole.folder, *whole.words(name))
    while process.poll() is None and not (run / "checkpoints" / "000018").exists():
        time.sleep(0.005)
    process.kill()
    finish(process)
    newest = max((run / "checkpoints").glob("0*"))
    file = dice.choice(sorted(path for path in newest.rglob("*") if path.is_file()))
    damage(file, harm, dice)
    process = start(whole.folder, *whole.words(name), output=True)
    shown, said = process.communicate()
    assert process.returncode == 0, said
    assert f"{newest}: damaged, passed over" in " ".join((shown + said).split())
    assert content(run) == whole.content


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_file_spoiled_by_a_power_cut_is_made_again_or_named(whole: Whole, seed: int):
    dice, name = random.Random(seed), f"power{seed}"
    run = whole.folder / name / "run"
    process = start(whole.folder, *whole.words(name))
    while process.poll() is None and not (run / "rollouts" / f"reinforce-{seed:06d}.parquet").exists():
        time.sleep(0.005)
    process.kill()
    finish(process)
    files = [path for path in run.rglob("*") if path.is_file() and path.stat().st_size]
    file = sorted(files, key=lambda path: (path.stat().st_mtime, path))[-1 - dice.randrange(4)]
    harm = dice.choice(["cut", "zeros", "gone"])
    damage(file, harm, dice)
    code, said = whole.run(name)
    assert code in (0, 2) and "Traceback" not in said, said
    if code:
        assert str(file.name) in said or str(run) in said, said
    else:
        assert content(run) == whole.content, (file, harm)


def damage(file: Path, harm: str, dice: random.Random) -> None:
    size = file.stat().st_size
    if harm == "gone":
        file.unlink()
    else:
        kept = dice.randrange(size)
        file.write_bytes(file.read_bytes()[:kept] + (b"\0" * (size - kept) if harm == "zeros" else b""))


def test_limits_on_files_can_be_set_here():
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
