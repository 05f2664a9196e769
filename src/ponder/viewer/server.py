"""The site over HTTP, for this machine and for whoever knows its address: loopback, a token, nothing but reading."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ponder.types import PonderError
from ponder.viewer.frame import POLICY
from ponder.viewer.index import Index
from ponder.viewer.opened import opened
from ponder.viewer.site import Answer, Site

LOOPBACK = "127.0.0.1"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer, refusals included."""
PATIENCE = 30
"""Seconds until a connection that says nothing is closed."""


class Server(ThreadingHTTPServer):
    """Serves one site on a port of the loopback address."""

    daemon_threads = True
    allow_reuse_address = True
    site: Site

    def __init__(self, port: int) -> None:
        """Bind the port, 0 for any that is free; `PonderError` where that cannot be had."""
        self.token = secrets.token_urlsafe(18)
        try:
            super().__init__((LOOPBACK, port), Handler)
        except OverflowError:
            raise PonderError(f"port = {port}: a number up to 65535, or 0 for any that is free") from None
        except OSError as error:
            why = (error.strerror or "refused").lower()
            raise PonderError(f"port = {port}: {why}: give another --port, or leave it out for a free one") from None

    @property
    def address(self) -> str:
        """Where the site is, the token included."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away while it is answered is no event; anything else is a bug, and is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


@contextmanager
def serving(path: Path, port: int = 0) -> Iterator[Server]:
    """A server of the run in this folder, which follows the run while it is open."""
    run = opened(path)
    with Server(port) as server, Index(run) as index:
        server.site = Site(run, index, f"/{server.token}")
        index.follow()
        yield server


class Handler(BaseHTTPRequestHandler):
    """Checks who asks and how, and hands the rest to the site."""

    server_version, sys_version = "ponder", ""
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Answer, or refuse."""
        self._send(self._answer())

    do_HEAD = do_GET

    @property
    def _own(self) -> Server:
        assert isinstance(self.server, Server), "a handler is made by its server"
        return self.server

    def _refuse_method(self) -> None:
        self._send(_refusal(405, "This server only reads."), {"Allow": "GET, HEAD"})

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _refuse_method

    def _answer(self) -> Answer:
        port = self._own.server_port
        if self.headers.get_all("Host") not in ([f"{LOOPBACK}:{port}"], [f"localhost:{port}"]):
            return _refusal(421, "This server has another name.")
        path, _, query = self.path.partition("?")
        empty, _, rest = path.partition("/")
        token, slash, rest = rest.partition("/")
        if empty or not secrets.compare_digest(token.encode(), self._own.token.encode()):
            return _refusal(403, "The token in the address is not this server's.")
        return self._own.site.answer(f"{slash}{rest}", query)

    def _send(self, answer: Answer, more: dict[str, str] | None = None) -> None:
        self.send_response(answer.status)
        length = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body))}
        for name, value in (HEADERS | length | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what cannot be understood, without repeating any of it."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = getattr(self, "request_version", "") or "HTTP/1.0"
        self._send(_refusal(code, "This cannot be answered."))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: addresses hold the token."""


def _refusal(status: int, why: str) -> Answer:
    return Answer(status=status, kind="text/plain; charset=utf-8", body=f"{why}\n".encode())
