"""Pictures of the report and the viewer for the documentation: `make pictures RUN=FOLDER` (a browser is needed).

Each is what somebody sees who opens the page: a laptop, a phone, and the first sheet of paper.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ponder.report.page import found, page
from ponder.runs.folder import Run
from viewer.browser import Browser, browser
from viewer.made import served

MOST = 300_000
"""Bytes of a picture."""
LAPTOP, PHONE, PAPER = (1200, 1000), (390, 844), (794, 1123)
"""Pixels; paper is A4 at 96 an inch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a page is looked at."""

    size: tuple[int, int]
    """Of the window."""
    dark: bool = False
    """Whether its reader likes it dark."""
    printed: bool = False
    """Whether it is on paper."""
    at: str = ""
    """Text of the heading that stands at the top; the page's beginning where it is left out."""


REPORT = {
    "report": View(size=(1200, 1500)),
    "report-phone": View(size=PHONE, dark=True),
    "report-print": View(size=PAPER, printed=True),
    "report-thinking": View(size=(1200, 620), at="Thinking on harder problems"),
}
VIEWER = {"viewer": View(size=LAPTOP), "viewer-phone": View(size=PHONE)}
ROLLOUT = {"rollout": View(size=LAPTOP), "rollout-phone": View(size=PHONE, dark=True)}
"""Name of a picture -> how it is taken."""

TO_HEADING = """[...document.querySelectorAll('h2')].find(each => each.textContent === {text!r})?.scrollIntoView()"""


def take(window: Browser, address: str, views: dict[str, View], out: Path) -> None:
    """Look at a page in each of these ways, and keep what is seen."""
    for name, view in views.items():
        window.size(*view.size, dark=view.dark)
        window.call("Emulation.setEmulatedMedia", media="print" if view.printed else "screen", features=_taste(view))
        window.open(address)
        if view.at:
            window.do(TO_HEADING.format(text=view.at))
        if view.printed:
            window.do("document.body.style.padding = '15mm'")  # what a printer leaves free
        path = out / f"{name}.png"
        window.picture(path)
        assert path.stat().st_size < MOST, f"{path}: {path.stat().st_size} bytes"
        print(path)


def _taste(view: View) -> list[dict[str, str]]:
    return [{"name": "prefers-color-scheme", "value": "dark" if view.dark else "light"}]


def main(run: Path, out: Path) -> None:
    """All pictures of a run."""
    out.mkdir(parents=True, exist_ok=True)
    opened = Run.open(run)
    with tempfile.TemporaryDirectory() as folder, browser() as window, served(run) as server:
        report = Path(folder) / "report.html"
        report.write_text(page(opened, found(opened)), encoding="utf-8")
        take(window, report.as_uri(), REPORT, out)
        take(window, server.address, VIEWER, out)
        window.open(f"{server.address}?checkpoint=reinforce&domain=lamps&thinking=10-&reward=high")
        take(window, f"{window.do('document.querySelector(`a.rollout`).href')}&think=1", ROLLOUT, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
