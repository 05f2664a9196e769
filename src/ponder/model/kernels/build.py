"""The kernels' C++ made into a library, once a machine: sources and compiler decide its name in the cache."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ponder.model.folders import cache_root

HERE = Path(__file__).parent
SOURCES = ("linear.cpp", "attend.cpp", "block.cpp", "tree.cpp", "rows.cpp", "draw.cpp")
HEADERS = ("simd.h", "panels.h", "amx.h", "sight.h")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-fopenmp")
SWITCH = "PONDER_KERNELS"
"""Environment variable; 0 keeps to plain PyTorch."""
SIGNATURES = {
    "pack": "pp iii",
    "linear": "pppp iiiii",
    "norm": "ppp ii f i",
    "norm_grad": "ppppp ii f i",
    "gated": "ppp ii",
    "gated_grad": "ppppp ii",
    "rotate": "ppp iiii",
    "collect": "pp ii",
    "attend": "pppp pp i p i f iiiii",
    "block": "pppp pp p i p f ii",
    "tree": "ppppppp iiiiii f i",
    "tree_grad": "ppppppppppp iiiiii f i",
    "likelihood": "pp f ii pp i",
    "likelihood_grad": "pppp f iii",
    "draw": "ppp f ii pp i",
}
"""Of each kernel, for either storage: p an address, i a whole number, f a number."""
KINDS = {"p": ctypes.c_void_p, "i": ctypes.c_int64, "f": ctypes.c_float}
LINKED = ((), ("-fopenmp",))
"""First with the threads that PyTorch has loaded: two pools of them would fight for the cores."""


@functools.cache
def library() -> ctypes.CDLL | None:
    """The kernels, built if need be; None where they cannot be, for the reason that `reason` gives."""
    return _attempt()[0]


def reason() -> str:
    """Why there are no kernels, in one line; empty where there are."""
    return _attempt()[1]


@functools.cache
def _attempt() -> tuple[ctypes.CDLL | None, str]:
    if os.environ.get(SWITCH) == "0":
        return None, f"{SWITCH}=0"
    compiler = os.environ.get("CXX") or next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if not compiler:
        return None, "no C++ compiler; install g++ or set CXX"
    try:
        return _load(compiler, cache_root() / "kernels"), ""
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        why = next((line for line in said if "error:" in line), said[0] if said else error.returncode)
        return None, f"{compiler} cannot build them ({why})"
    except OSError as error:
        return None, f"they cannot be loaded ({error})"


def _load(compiler: str, folder: Path) -> ctypes.CDLL:
    """The library in `folder`, built by whichever way of linking loads."""
    stem = _name(compiler)
    for number, linked in enumerate(LINKED):
        path = folder / f"{stem}-{number}.so"
        if not path.is_file():
            build(compiler, path, linked)
        try:
            return _typed(ctypes.CDLL(str(path)))
        except OSError:
            if linked == LINKED[-1]:
                raise
    raise AssertionError("one way of linking is the last")


def _typed(found: ctypes.CDLL) -> ctypes.CDLL:
    """Tell what the kernels are called with."""
    for name, letters in SIGNATURES.items():
        for suffix in ("", "_float", "_bf16", "_wide"):
            if function := getattr(found, f"ponder_{name}{suffix}", None):
                function.argtypes, function.restype = [KINDS[letter] for letter in letters.replace(" ", "")], None
    return found


def build(compiler: str, path: Path, linked: tuple[str, ...]) -> None:
    """Compile the sources side by side and link them; the library appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as place, ThreadPoolExecutor() as pool:
        objects = [str(Path(place, source).with_suffix(".o")) for source in SOURCES]
        compiled = [
            [*FLAGS, "-c", str(HERE / source), "-o", made] for source, made in zip(SOURCES, objects, strict=True)
        ]
        list(pool.map(lambda given: _run(compiler, *given), compiled))
        whole = Path(place, path.name)
        _run(compiler, "-shared", *objects, *linked, "-o", str(whole))
        whole.replace(path)


def _run(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout


def _name(compiler: str) -> str:
    """A hash of all that the library depends on: the processor too, since it is built for this one."""
    said = _run(compiler, "--version")
    texts = [(HERE / name).read_bytes() for name in (*SOURCES, *HEADERS)]
    return hashlib.sha256(b"\0".join([*texts, " ".join(FLAGS).encode(), said, _processor()])).hexdigest()[:24]


def _processor() -> bytes:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor().encode()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})).encode()
