"""A run's pages for a browser on this machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from rich.console import Console

from ponder.cli.screen import people, say, visible
from ponder.types import PonderError
from ponder.viewer.server import serving


def show(run: Path, *, port: int) -> None:
    """Serve a run's pages until Ctrl-C."""
    console = people(as_json=False)
    if port < 0:
        raise PonderError(f"port = {port}: a number up to 65535, or 0 for any that is free")
    with suppress(KeyboardInterrupt):
        _serve(console, run, port)


def _serve(console: Console, run: Path, port: int) -> None:
    with serving(run, port) as server:
        for warning in server.site.run.warnings:
            say(console, f"warning: {visible(warning)}", style="yellow")
        say(console, server.address, style="bold")
        say(console, "Open it in a browser on this machine; whoever has the address can read the run. Ctrl-C ends it.")
        server.serve_forever()
