from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from engine.endpoint import Endpoint, Sent, echo
from engine.test_server import ask, client
from ponder.engine.wire import told
from ponder.types import Status


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"error": {"message": "no such model", "code": 404}}', "no such model"),
        (b'{"object": "error", "message": "no such model"}', "no such model"),
        (b'{"error": "no such model"}', "no such model"),
        (b'{"detail": "no such model"}', "no such model"),
        (b'{"detail": [{"loc": ["body", "n"]}]}', '[{"loc": ["body", "n"]}]'),
        (b"<h1>no such\r\n\tmodel</h1>\x1b[2J", "<h1>no such model</h1> [2J"),
        (b"[" * 100_000, "[" * 100_000),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"", "no word why"),
    ],
)
def test_what_a_server_says_is_one_line(data: bytes, words: str):
    assert told(data) == words


def test_a_host_that_nobody_knows_is_an_error(monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    reply = ask(client("http://nowhere.invalid/v1", retries=1), "7")[0]
    assert (reply.status, reply.reason) == (Status.ERROR, "host not found")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that it signed itself, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with; install it")
    made = tmp_path_factory.mktemp("tls") / "made.pem"
    for_whom = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    what = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(made), "-out", str(made.with_suffix(".crt"))]
    subprocess.run(["openssl", "req", "-x509", *what, *for_whom], check=True, capture_output=True)
    made.write_text(made.read_text() + made.with_suffix(".crt").read_text())
    return made


def test_a_certificate_that_is_not_trusted_is_an_error_at_once(certificate: Path):
    with Endpoint(certificate=certificate) as endpoint:
        reply = ask(client(endpoint), "7")[0]
    assert reply.status is Status.ERROR and reply.reason.startswith("its certificate is not trusted (self")
    assert not endpoint.asked


def test_replies_and_deadlines_over_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Endpoint(certificate=certificate) as endpoint:
        assert [reply.answer for reply in ask(client(endpoint), *"12345")] == list("12345")
    with Endpoint(lambda _: Sent(body=b" " * 100, drip=0.05), certificate=certificate) as endpoint:
        begun = time.monotonic()
        reply = ask(client(endpoint, deadline=0.3, retries=0), "7")[0]
        assert reply.status is Status.TIMEOUT and time.monotonic() - begun < 3
    with Endpoint(lambda asked: time.sleep(3) or echo(asked), certificate=certificate) as endpoint:
        assert ask(client(endpoint, deadline=0.3, retries=0), "7")[0].status is Status.TIMEOUT


def test_http_is_not_https(certificate: Path):
    with Endpoint() as endpoint:
        reply = ask(client(endpoint.url.replace("http:", "https:"), retries=0), "7")[0]
    assert reply.status is Status.ERROR and "ssl" in reply.reason
    with Endpoint(certificate=certificate) as endpoint:
        reply = ask(client(endpoint.url.replace("https:", "http:"), retries=0), "7")[0]
    assert reply.status is Status.ERROR and reply.reason.startswith("connection lost")
