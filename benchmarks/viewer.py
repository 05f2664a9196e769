"""`python -m benchmarks.viewer`: how long the viewer's pages take on a large run, and the memory they take.

A run of that many rollouts is made (once for a folder), `ponder show` is started on it, and pages are fetched as a
browser would. The first page is asked for as soon as the address is printed, while the run is still being read.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.large_run import make

PAGES = {
    "the list": "",
    "the list again": "",
    "domain and gold": "domain=cups&gold=fooled",
    "steps and reward, furthest from gold first": "step=100-300&reward=low&sort=disputed",
    "outcome, longest first": "outcome=truncated&sort=longest",
    "page 10,000 of the most thinking": "sort=thinks-most&page=10000",
    "text that is rare": "text=check again 4 hence 5 multiply by 6",
    "text that is frequent, longest first": "text=hence 7&sort=longest",
    "the same text, and a domain": "text=hence 7&sort=longest&domain=robot",
}
"""What is asked for -> the query."""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.viewer", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=1_000_000)
    parser.add_argument("--a-step", type=int, default=1000, help="rollouts of a step, which is a file")
    parser.add_argument("--folder", type=Path, help="of the run; kept, and used again where it is there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary) / "large"
        if not (folder / "manifest.json").exists():
            make(folder, asked.rollouts, a_step=asked.a_step)
        measure(folder)


def measure(folder: Path) -> None:
    """Start the viewer on a run and fetch its pages."""
    began = time.monotonic()
    with shown(folder) as (process, address):
        pid = process.pid
        tell("from the command to its address", time.monotonic() - began, used(pid))
        page = fetch("first page, asked for at once", address, pid)
        tell("from the command to the first page", time.monotonic() - began, used(pid))
        while json.loads(get(f"{address}pulse"))["reading"]:
            time.sleep(0.05)
        tell("from the command until all is read", time.monotonic() - began, used(pid))
        for name, query in PAGES.items():
            page = fetch(name, f"{address}?{query.replace(' ', '+')}", pid)
        link = re.search(r'href="([^"]*/rollout/[^"]*)"', page)
        assert link, "the last list is empty"
        site = "/".join(address.split("/")[:3])
        fetch("a rollout of that list", site + link[1].replace("&amp;", "&"), pid)
        print(f"{'most memory':<46} {peak(process.pid):.0f} MB")


@contextmanager
def shown(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The viewer as a process of its own, and its address."""
    command = [sys.executable, "-u", "-c", "from ponder.cli.main import run; run()", "show", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def fetch(name: str, address: str, pid: int) -> str:
    """A page, how long it took, and how much of that the viewer's process worked."""
    began, before = time.monotonic(), used(pid)
    page = get(address)
    count = re.search(r'class="count">([^<]*)<', page)
    on = re.search(r"([\d,]+ of [\d,]+ files) are searched", page)
    tell(name, time.monotonic() - began, used(pid) - before, *(each[1] for each in (count, on) if each))
    return page


def get(address: str) -> str:
    """What a server answers."""
    with urllib.request.urlopen(address) as answer:
        return answer.read().decode()


def tell(name: str, seconds: float, worked: float, *more: str) -> None:
    """A line of the table."""
    print(f"{name:<46} {seconds:5.2f} s, processor {worked:5.2f} s  {', '.join(more)}", flush=True)


def used(pid: int) -> float:
    """Seconds of the processor that a process has used, as Linux tells."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid: int) -> float:
    """Megabytes that a process held at most, as Linux tells."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found, "this system does not tell the memory of a process"
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
