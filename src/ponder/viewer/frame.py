"""What is around every page: head, opening, warnings, keys; no script and no style stands in the page itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from ponder.report.text import escape

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every answer: nothing but this server's own files."""

KEYS = {
    "j k": "next and previous, in a list or from rollout to rollout",
    "← →": "previous and next rollout, or page",
    "t": "thinking, folded or not",
    "c": "colour by how sure the policy was",
    "u": "back up to the list",
    "/": "search",
}
"""Key -> what it does."""


def document(title: str, body: str, *, base: str, count: int, reading: bool) -> str:
    """A whole page; `count` rollouts were known when it was made, while more were being read or not."""
    keys = "".join(f"<dt><kbd>{key}</kbd></dt><dd>{told}</dd>" for key, told in KEYS.items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title, limit=200)}</title>"
        f'<link rel="stylesheet" href="{base}/style.css"><link rel="icon" href="{base}/icon.svg" type="image/svg+xml">'
        f'<script src="{base}/viewer.js" defer></script></head>'
        f'<body data-base="{base}" data-count="{count}" data-reading="{int(reading)}">'
        f'<a class="skip" href="#content">Skip to the content</a><main class="viewer">{body}'
        f'<footer><details class="keys"><summary>Keys</summary><dl>{keys}</dl></details></footer></main>'
        '<p id="news" role="status" hidden><span></span> <a href="">Show</a></p></body></html>\n'
    )


def notices(warnings: Sequence[str]) -> str:
    """What could not be read or understood, a line each; many are folded."""
    if not warnings:
        return ""
    lines = "".join(f"<li>{escape(each, limit=400)}</li>" for each in warnings[:100])
    more = f"<li>… and {len(warnings) - 100} more</li>" if len(warnings) > 100 else ""
    if len(warnings) <= 3:
        return f'<ul class="notices">{lines}</ul>'
    return f'<details class="notices"><summary>{len(warnings)} warnings</summary><ul>{lines}{more}</ul></details>'


def resource(name: str) -> bytes:
    """One of the viewer's own files; its style goes on from the report's."""
    own = files("ponder.viewer").joinpath(name).read_bytes()
    return files("ponder.report").joinpath("style.css").read_bytes() + own if name == "style.css" else own
