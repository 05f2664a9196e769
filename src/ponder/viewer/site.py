"""An address -> what is answered: pages, the viewer's own files, and a pulse for pages that wait for more."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import unquote

import duckdb
from tokenizers import Tokenizer

from ponder.report.text import escape
from ponder.viewer import lookup, tokens
from ponder.viewer.asked import Asked
from ponder.viewer.detail import Detail, detail
from ponder.viewer.frame import document, resource
from ponder.viewer.index import Index
from ponder.viewer.listing import Listed, listing
from ponder.viewer.opened import Opened
from ponder.viewer.search import Searches
from ponder.viewer.words import Links

HTML = "text/html; charset=utf-8"
FILES = {
    "/style.css": "text/css; charset=utf-8",
    "/viewer.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
}
"""The viewer's own files: all there are."""
CHANGED = (duckdb.IOException, duckdb.InvalidInputException, duckdb.CatalogException)
"""Errors of a run that changes while it is read; any other one is a bug."""
WAIT = 0.8
"""Seconds that a page waits for the first rollouts to be read."""
_ROLLOUT = re.compile(r"/rollout/(training|measured)/([^/]{1,600})/(\d{1,12})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back."""

    status: int
    """Of HTTP."""
    kind: str
    """Media type."""
    body: bytes
    """The content."""


class Site:
    """The pages of one run."""

    def __init__(self, run: Opened, index: Index, base: str) -> None:
        """`base`: path that every address begins with."""
        self.run, self.index, self.links = run, index, Links(base=base)
        self.searches = Searches(index)
        self._counted: tuple[int, dict[str, list[tuple[str, int]]]] = (-1, {})

    def answer(self, path: str, query: str) -> Answer:
        """The answer to a path within the site; it only looks up names that it knows, and opens nothing by a path."""
        if path in FILES:
            return Answer(status=200, kind=FILES[path], body=resource(path[1:]))
        self.index.first.wait(WAIT)
        try:
            return self._answer(path, query)
        except CHANGED:  # a file has gone, or was written anew, while it was read
            return self._page(503, "Not now", self._sorry("The run has changed just now. Load this page again."))

    def _answer(self, path: str, query: str) -> Answer:
        if path == "/pulse":
            return self._pulse()
        asked, reasons = Asked.parse(query)
        if path in ("", "/"):
            return self._list(asked, reasons)
        if found := _ROLLOUT.fullmatch(path):
            return self._rollout(found[1], unquote(found[2]), int(found[3]), asked)
        return self.missing("There is no such page.")

    def missing(self, why: str) -> Answer:
        """An answer that says why there is nothing."""
        return self._page(404, "Not here", self._sorry(why))

    def _sorry(self, why: str) -> str:
        return (
            f'<header id="content"><h1>{escape(why)}</h1><p><a href="{self.links.base}/">All rollouts</a></p></header>'
        )

    def _pulse(self) -> Answer:
        told = {"count": self.index.count, "reading": self.index.reading, "status": self.run.status}
        return Answer(status=200, kind="application/json", body=json.dumps(told).encode())

    def _list(self, asked: Asked, reasons: list[str]) -> Answer:
        searched, table = self._search(asked)
        count = self.index.count
        warnings = [*reasons, *self.run.warnings, *self.run.metrics()[1], *self.index.warnings]
        listed = Listed(
            asked=asked,
            rows=lookup.page(self.index, asked, table),
            tally=lookup.tally(self.index, asked, table),
            choices=self._choices(count),
            warnings=warnings,
            searched=searched,
            reading=self.index.reading,
        )
        return self._page(200, f"{self.run.name}: rollouts", listing(self.run, self.links, listed, count))

    def _rollout(self, kind: str, name: str, number: int, asked: Asked) -> Answer:
        path = self.index.path(kind, name)
        row = path and lookup.light(self.index, path, number)
        if not path or not row:
            reading = " It may not be read yet: load this page again." if self.index.reading else ""
            return self.missing(f"There is no such rollout in this run.{reading}")
        whole = lookup.whole(self.index, path, number)
        if not whole:
            return self.missing(f"{path.name} is damaged or gone: this rollout cannot be read.")
        _, table = self._search(asked, brief=True)
        before, after, at = lookup.neighbours(self.index, asked, row, table)
        one = Detail(
            run=self.run.name,
            asked=asked,
            row=row,
            whole=whole,
            before=before,
            after=after,
            at=at,
            total=lookup.tally(self.index, asked, table)["n"],
            siblings=lookup.siblings(self.index, row),
            kin=lookup.kin(self.index, row),
            words=self._words() if asked.colour == "1" else None,
        )
        return self._page(200, f"{row['domain']}: {self.run.name}", detail(one, self.links))

    def _words(self) -> Tokenizer | None:
        return tokens.tokenizer(self.run)

    def _search(self, asked: Asked, *, brief: bool = False) -> tuple[tuple[int, int] | None, str]:
        """How many files were searched of how many, and the table of what was found; `brief`: so far, if any was."""
        if not asked.text:
            return None, ""
        search = self.searches.of(asked.text)
        searched = None if brief and search.done else search.go_on()
        return searched, search.table

    def _choices(self, count: int) -> dict[str, list[tuple[str, int]]]:
        """Counted anew only when there are other rollouts."""
        if self._counted[0] != count:
            self._counted = (count, lookup.choices(self.index))
        return self._counted[1]

    def _page(self, status: int, title: str, body: str) -> Answer:
        count, reading = self.index.count, self.index.reading
        whole = document(title, body, base=self.links.base, count=count, reading=reading)
        return Answer(status=status, kind=HTML, body=whole.encode("utf-8", "replace"))
