"""An endpoint that answers by script, on a port of this machine; it can be killed and started again."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Asked = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the endpoint sends."""

    body: bytes
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    """Seconds between one byte and the next; 0 sends them together."""


Script = Callable[[Asked], Sent]
"""A request's JSON, with its number, path and headers as `#`, `path` and `headers` -> what is sent."""


def said(content: str | None, *, tokens: tuple[int, int] = (5, 2), **more: Any) -> Sent:
    """A reply; `logprobs` and `finish` stand beside the message, `counted` in the usage, other fields in it."""
    choice = {"index": 0, "logprobs": more.pop("logprobs", None), "message": {"role": "assistant", "content": content}}
    choice["finish_reason"] = more.pop("finish", None)
    usage: dict[str, Any] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    if "counted" in more:
        usage["completion_tokens_details"] = {"reasoning_tokens": more.pop("counted")}
    choice["message"] |= more
    return Sent(body=json.dumps({"choices": [choice], "usage": usage}).encode())


def by_piece(whole: Sent, *, end: bytes = b"data: [DONE]\n\n") -> Sent:
    """The same reply as events, of one letter each."""
    body = json.loads(whole.body)
    (choice,) = body["choices"]
    heard = {name: text for name, text in choice["message"].items() if name != "role" and text is not None}
    deltas = [{name: letter} for name, text in sorted(heard.items(), reverse=True) for letter in text]
    listed = (choice["logprobs"] or {}).get("content", [])
    events: list[Any] = [{"choices": [{"index": 0, "delta": {"role": "assistant"}}]}]
    events += [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    events += [{"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [each]}}]} for each in listed]
    events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}]
    events += [{"choices": [], "usage": body["usage"]}]
    sent = b": a comment\n\n" + b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)
    return Sent(body=sent + end, headers={"Content-Type": "text/event-stream"}, drip=whole.drip)


def question(asked: Asked) -> str:
    return asked["messages"][-1]["content"]


def echo(asked: Asked) -> Sent:
    """The question, and the seed where there is one."""
    return said(f"{question(asked)} {asked.get('seed', '')}".strip() or "?")


def refusal(code: int, why: str = "no", **headers: str) -> Sent:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Sent(code=code, body=json.dumps({"error": {"message": why}}).encode(), headers=named)


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that hang up."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Endpoint:
    """Answers `POST /v1/chat/completions` by its script."""

    def __init__(self, script: Script = echo, *, port: int = 0, certificate: Path | None = None) -> None:
        """`certificate`: a file with a certificate and its key, for TLS."""
        self.script, self.certificate, self.asked = script, certificate, list[Asked]()
        self.busy = self.most = 0
        """Requests now, and most of them at a time."""
        self._lock, self._lines = threading.Lock(), set[socket.socket]()
        self.start(port)

    def start(self, port: int) -> None:
        self.server = QuietServer(("127.0.0.1", port), self._handler())
        if self.certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self.certificate)
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def kill(self) -> None:
        """Stop as a killed process does: whoever waits for a reply loses the line."""
        self.server.shutdown()
        self.server.server_close()
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}/v1"

    def answer(self, asked: Asked) -> Sent:
        with self._lock:
            asked["#"] = len(self.asked)
            self.asked.append(asked)
            self.busy += 1
            self.most = max(self.most, self.busy)
        try:
            return self.script(asked)
        finally:
            with self._lock:
                self.busy -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                super().setup()
                with endpoint._lock:
                    endpoint._lines.add(self.connection)

            def finish(self) -> None:
                with endpoint._lock:
                    endpoint._lines.discard(self.connection)
                with suppress(OSError):
                    super().finish()

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sent = endpoint.answer(asked | {"path": self.path, "headers": dict(self.headers)})
                with suppress(OSError):
                    self.send(sent)

            def send(self, sent: Sent) -> None:
                self.send_response(sent.code)
                for name, value in (sent.headers or {"Content-Length": str(len(sent.body))}).items():
                    self.send_header(name, value)
                self.end_headers()
                pieces = [bytes([byte]) for byte in sent.body] if sent.drip else [sent.body]
                for piece in pieces:
                    self.wfile.write(piece)
                    endpoint.pause.wait(sent.drip)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler

    pause = threading.Event()
    """Never set: to wait on for a while."""
