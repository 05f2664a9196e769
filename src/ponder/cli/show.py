"""A run's pages for a browser on this machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from rich.console import Console

from ponder.cli.screen import people, say, visible
from ponder.types import PonderError
from ponder.viewer.asked import Asked
from ponder.viewer.server import serving


def show(run: Path, *, port: int, at: str = "") -> None:
    """Serve a run's pages until Ctrl-C; `at`: the query string of the page that is told."""
    console = people(as_json=False)
    asked, mistakes = Asked.parse(at)
    if mistakes or (at and not asked.link()):
        raise PonderError(
            f"at = {at}: {mistakes[0] if mistakes else 'nothing that a page can show'}; as in its address"
        )
    if port < 0:
        raise PonderError(f"port = {port}: a number up to 65535, or 0 for any that is free")
    with suppress(KeyboardInterrupt):
        _serve(console, run, port, asked)


def _serve(console: Console, run: Path, port: int, asked: Asked) -> None:
    with serving(run, port) as server:
        for warning in server.site.run.warnings:
            say(console, f"warning: {visible(warning)}", style="yellow")
        say(console, f"{server.address}{asked.link()}", style="bold")
        say(console, "Open it in a browser on this machine; whoever has the address can read the run. Ctrl-C ends it.")
        server.serve_forever()
