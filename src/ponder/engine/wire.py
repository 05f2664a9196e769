"""One exchange with a server over HTTP: one deadline for all of it, and one line for whatever goes wrong.

It follows no redirects, so that a key goes nowhere but to the address it was given for, and asks no proxy.
"""

from __future__ import annotations

import json
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from urllib.parse import urlsplit

from ponder.types import PonderError, Status

CONNECT = 10.0
"""Seconds that a connection may take to be made."""
PATIENCE = 300.0
"""Seconds that a server may ask to be left alone; who asks for more is asked no more."""
AGAIN = (408, 409, 429)
"""Statuses below 500 that are worth another try."""
Heard = Callable[[bytes], bool]
"""Is told a line; whether there is more to hear."""


class Trouble(Exception):
    """Why there is no reply."""

    def __init__(
        self,
        reason: str,
        *,
        status: Status = Status.ERROR,
        again: float = math.inf,
        code: int = 0,
        wait: float = 0.0,
    ) -> None:
        """`again`: how many more tries it is worth; `code`: HTTP's, 0 where none came; `wait`: seconds before a try."""
        super().__init__(reason)
        self.reason, self.status, self.again, self.code, self.wait = flat(reason), status, again, code, wait


class Wire:
    """Posts to one address from many threads, until it is hung up."""

    def __init__(self, url: str, deadline: float) -> None:
        """`url`: checked by `check_url`; `deadline`: seconds for one exchange, its connection included."""
        parts = urlsplit(url)
        self.host, self.port, self.secure = parts.hostname or "", parts.port, parts.scheme == "https"
        self.path, self.deadline = parts.path.rstrip("/"), deadline
        self.ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def post(self, path: str, body: bytes, headers: Mapping[str, str], heard: Heard | None = None) -> bytes:
        """The body of a reply with a status of 200 to 299; raises Trouble for everything else.

        `heard` is told each line of it as it comes.
        """
        ends = time.monotonic() + self.deadline
        try:
            code, asked, data = self._exchange(self.path + path, body, headers, ends, heard)
        except (OSError, HTTPException) as error:
            raise self._trouble(error, late=time.monotonic() >= ends) from error
        if time.monotonic() >= ends:  # what has been read may be the half of it
            raise self._late()
        if 200 <= code < 300:
            return data
        again = math.inf if code in AGAIN or code >= 500 else 0
        if asked > PATIENCE:
            raise Trouble(f"HTTP {code}, and it asks to wait {asked:.0f} s", code=code, again=0)
        raise Trouble(f"HTTP {code}: {told(data)}", code=code, again=again, wait=asked)

    def rest(self, seconds: float) -> None:
        """Do nothing for so long, or until somebody hangs up."""
        self.ended.wait(seconds)

    def hang_up(self) -> None:
        """Break off every exchange, and let nobody begin another."""
        self.ended.set()
        with self._lock:
            for line in self._open:
                _cut(line)

    def _exchange(
        self, path: str, body: bytes, headers: Mapping[str, str], ends: float, heard: Heard | None
    ) -> tuple[int, float, bytes]:
        """Status, seconds that the server asks to wait, and body."""
        kind = HTTPSConnection if self.secure else HTTPConnection
        with closing(kind(self.host, self.port, timeout=min(CONNECT, self.deadline))) as connection:
            connection.connect()
            with self._bounded(connection.sock, ends - time.monotonic()):
                connection.request("POST", path, body, {"Connection": "close", **headers})
                with connection.getresponse() as response:
                    data = _heard(response, heard) if heard and response.status == 200 else response.read()
                    return response.status, wait_asked(response), data

    @contextmanager
    def _bounded(self, line: socket.socket, seconds: float) -> Iterator[None]:
        """Cut the line in so many seconds, or when somebody hangs up: a server may send a byte every now and then."""
        line.settimeout(self.deadline)
        timer = threading.Timer(seconds, _cut, [line])
        timer.daemon = True
        with self._lock:
            if self.ended.is_set():
                raise ConnectionAbortedError("hung up")
            self._open.add(line)
        try:
            timer.start()
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._open.discard(line)

    def _trouble(self, error: OSError | HTTPException, *, late: bool) -> Trouble:
        if self.ended.is_set():
            return Trouble("broken off", again=0)
        if late:
            return self._late()
        if isinstance(error, TimeoutError):
            return Trouble(f"no connection within {CONNECT:g} s", status=Status.TIMEOUT)
        if isinstance(error, ssl.SSLCertVerificationError):
            return Trouble(f"its certificate is not trusted ({error.verify_message})", again=0)
        return Trouble(_words(error))

    def _late(self) -> Trouble:
        return Trouble(f"no reply within {self.deadline:g} s", status=Status.TIMEOUT)


def _heard(response: HTTPResponse, heard: Heard) -> bytes:
    """The body up to where there is no more to hear, each line told as it comes."""
    lines: list[bytes] = []
    while line := response.readline():
        lines.append(line)
        if not heard(line):
            return b"".join(lines)
    if response.length:
        raise IncompleteRead(b"".join(lines), response.length)
    return b"".join(lines)


def _cut(line: socket.socket) -> None:
    """End a connection that another thread waits on; that of TLS is ended below it, so that nothing is read bare."""
    with suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _words(error: OSError | HTTPException) -> str:
    """What happened to a connection."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "host not found"
    if isinstance(error, ConnectionError | HTTPException):
        return f"connection lost ({type(error).__name__})"
    return (error.strerror or str(error) or type(error).__name__).lower()


def wait_asked(response: HTTPResponse) -> float:
    """Seconds that `Retry-After` asks to wait, given as a number or a date; 0 without one that can be read."""
    asked = response.headers.get("Retry-After", "")
    with suppress(ValueError):
        return max(0.0, float(asked)) if math.isfinite(float(asked)) else 0.0
    with suppress(ValueError, TypeError, OverflowError):
        date = parsedate_to_datetime(asked)
        return max(0.0, (date - datetime.now(date.tzinfo and UTC)).total_seconds())
    return 0.0


def told(data: bytes) -> str:
    """What a server says is wrong, in whichever of the usual places it says it."""
    text = data.decode(errors="replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return flat(text) or "no word why"
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    return flat(found if isinstance(found, str) else json.dumps(found))


def flat(text: str) -> str:
    """The text in one line, without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def check_url(url: str) -> None:
    """Raise PonderError for an address that cannot be posted to, without repeating a secret that stands in it."""
    example = "give one like http://127.0.0.1:8000/v1"
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise PonderError(f"url: not an address; {example}") from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise PonderError(f"url: must have no user, password, ? or # (a key goes into the variable `key`); {example}")
    if not known or not url.isprintable() or " " in url or not url.isascii():
        raise PonderError(f"url = {url!r}: not an address; {example}")
