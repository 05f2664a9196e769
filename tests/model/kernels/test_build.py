from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from ponder.model.kernels.build import FLAGS, SWITCH, build, library, reason

TESTS = Path(__file__).parents[1]
ASK = "from ponder.model.kernels.build import library, reason; print(library() is None, reason())"


def asked(**environment: str) -> str:
    """What a new process says of its kernels."""
    out = subprocess.run(
        [sys.executable, "-c", ASK], env={**os.environ, **environment}, check=True, capture_output=True, text=True
    )
    return out.stdout.strip()


def test_without_a_compiler_there_is_one_line_and_no_library(tmp_path: Path):
    assert asked(PATH=str(tmp_path), CXX="") == "True no C++ compiler; install g++ or set CXX"
    assert asked(**{SWITCH: "0"}) == f"True {SWITCH}=0"


def test_a_compiler_that_fails_is_named(tmp_path: Path):
    broken = tmp_path / "broken"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] || { echo "it is broken" >&2; exit 1; }\n')
    broken.chmod(0o755)
    line = asked(CXX=str(broken), PONDER_CACHE=str(tmp_path))
    assert line == f"True {broken} cannot build them (it is broken)"
    assert "cannot be loaded" in asked(CXX="/no/such/compiler", PONDER_CACHE=str(tmp_path))


@pytest.mark.slow
def test_a_new_cache_is_filled_once_and_whole(tmp_path: Path):
    if library() is None:
        pytest.skip(f"no kernels here: {reason()}")
    assert asked(PONDER_CACHE=str(tmp_path)) == "False"
    (made,) = (tmp_path / "kernels").iterdir()
    before = made.stat().st_mtime_ns
    assert asked(PONDER_CACHE=str(tmp_path)) == "False" and made.stat().st_mtime_ns == before
    assert ctypes.CDLL(str(made)).ponder_panel() > 0


@pytest.mark.slow
@pytest.mark.parametrize("width", [4, 16])
def test_vectors_of_other_processors_compute_the_same(tmp_path: Path, width: int):
    """Processors that do not multiply bf16 themselves among them."""
    if library() is None:
        pytest.skip(f"no kernels here: {reason()}")
    wrapper = tmp_path / "compiler"
    without = "-mno-avx512bf16 -mno-amx-bf16" if platform.machine() == "x86_64" else ""
    wrapper.write_text(f'#!/bin/sh\nexec c++ -DWIDTH={width} {without} -Wno-psabi "$@"\n')
    wrapper.chmod(0o755)
    environment = {**os.environ, "CXX": str(wrapper), "PONDER_CACHE": str(tmp_path)}
    tests = [str(TESTS / "kernels" / "test_kernels.py"), str(TESTS / "test_functions.py")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *tests], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "skipped" not in done.stdout


def test_an_unfinished_build_leaves_nothing(tmp_path: Path):
    with pytest.raises((subprocess.CalledProcessError, OSError)):
        build("false", tmp_path / "kernels" / "x.so", ())
    assert not list((tmp_path / "kernels").iterdir())
    assert "-fopenmp" in FLAGS
