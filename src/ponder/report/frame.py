"""What all pages of the report share: one file without network or scripts, sections that are left out where empty."""

from __future__ import annotations

from importlib.resources import files

from ponder.report.text import LIMIT, escape

TALL = 900
"""Characters of a text that may be higher than its frame, on a phone."""

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title><style>
{style}</style></head>
"""


def document(title: str, *body: str) -> str:
    """The whole page; the title is escaped here, the rest is HTML."""
    style = files("ponder.report").joinpath("style.css").read_text(encoding="utf-8")
    head = HEAD.format(title=escape(title, limit=200), style=style)
    return f"{head}<body><main>{''.join(body)}</main></body></html>\n"


def section(title: str, body: str, note: str = "", *, rollouts: str = "") -> str:
    """A heading and what is under it, with the command that shows its rollouts; nothing without a body."""
    if not body:
        return ""
    below = f'<p class="note">{note}</p>' if note else ""
    read = f'<p class="note">Its rollouts: <code>{escape(rollouts, limit=300)}</code></p>' if rollouts else ""
    return f"<section><h2>{title}</h2>{body}{below}{read}</section>"


def scrolling(table: str, *, name: str, kind: str = "") -> str:
    """A table that scrolls by itself where the page is narrow, by keyboard too; `name` is what it holds."""
    label = f'role="group" aria-label="{escape(name, limit=100)}"'
    return f'<div class="scroll" tabindex="0" {label}><table class="{kind}">{table}</table></div>'


def quoted(text: str, name: str, *, limit: int = LIMIT) -> str:
    """What a model or a data set says, inert, in its own direction; a long one scrolls by itself, by keyboard too."""
    tall = len(text) > TALL or text.count("\n") > TALL // 60
    kind = f' class="tall" tabindex="0" role="group" aria-label="{escape(name, limit=40)}"' if tall else ""
    return f'<pre dir="auto"{kind}>{escape(text, limit=limit)}</pre>'


def folded(summary: str, body: str) -> str:
    """The numbers of a picture: there when asked for, and on paper; nothing without a body."""
    return f'<details class="numbers"><summary>{summary}</summary>{body}</details>' if body else ""
