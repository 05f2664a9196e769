"""The verb that writes what the project claims, and what became of it."""

from __future__ import annotations

from pathlib import Path

from ponder.cli.screen import people, print_json, say
from ponder.report.claims import html, markdown, summary
from ponder.runs.files import write_atomic
from ponder.studies.claims import read

FILES = {"claims.md": markdown, "claims.html": html}
"""Name of a file -> what it says."""


def claims(path: Path, out: Path, *, as_json: bool) -> None:
    """Write both pages into a folder."""
    console, page = people(as_json=as_json), read(path)
    for name, told in FILES.items():
        write_atomic(out / name, told(page))
        say(console, str(out / name))
    say(console, summary(page.claims))
    if as_json:
        print_json({"claims": {claim.says: claim.word for claim in page.claims}})
