"""Who may ask, and how: the token, this machine's name, reading and nothing else."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command import finish, mistake, start
from ponder.types import PonderError
from ponder.viewer.server import HEADERS, Server, serving
from viewer.made import fetch, served, write


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(write(tmp_path_factory.mktemp("runs") / "run")) as server:
        yield server


def raw(server: Server, request: bytes) -> bytes:
    """What is answered to these bytes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(request)
        parts = iter(lambda: connection.recv(65536), b"")
        return b"".join(parts)


def test_every_answer_has_the_headers(server: Server):
    port = server.server_port
    addresses = ["", "style.css", "viewer.js", "icon.svg", "pulse", "nowhere"]
    answers = [fetch(server.address + address) for address in addresses]
    answers += [fetch(f"http://127.0.0.1:{port}/"), fetch(server.address, method="POST")]
    assert [each.status for each in answers] == [200, 200, 200, 200, 200, 404, 403, 405]
    for answer in answers:
        assert {name.lower(): value for name, value in HEADERS.items()}.items() <= answer.headers.items()
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "'none'" in HEADERS["Content-Security-Policy"]


def test_only_loopback_is_bound(server: Server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.address.startswith(f"http://127.0.0.1:{server.server_port}/")
    assert len(server.token) >= 24


def test_tokens_differ(server: Server, tmp_path: Path):
    with serving(write(tmp_path / "run", steps=1)) as other:
        assert other.token != server.token


@pytest.mark.parametrize("token", ["", "x", "é", "TOKEN", "..", "%2e%2e", "{token}x", "{short}"])
def test_a_wrong_token_sees_nothing(server: Server, token: str):
    token = token.replace("{token}", server.token).replace("{short}", server.token[:-1])
    for rest in ("", "/", "/style.css", "/pulse"):
        request = f"GET /{token}{rest} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode()
        answer = raw(server, request)
        assert answer.startswith(b"HTTP/1.0 403")
        assert server.token.encode() not in answer


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "evil.example:{port}", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_another_host_is_refused(server: Server, host: str):
    answer = fetch(f"{server.address}pulse", Host=host.replace("{port}", str(server.server_port)))
    assert answer.status == 421
    assert "count" not in answer.text


def test_no_host_and_two_hosts_are_refused(server: Server):
    line = f"GET /{server.token}/pulse HTTP/1.1\r\n"
    host = f"Host: 127.0.0.1:{server.server_port}\r\n"
    assert raw(server, f"{line}\r\n".encode()).startswith(b"HTTP/1.0 421")
    assert raw(server, f"{line}{host}Host: evil.example\r\n\r\n".encode()).startswith(b"HTTP/1.0 421")
    assert raw(server, f"{line}{host}\r\n".encode()).startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"])
def test_nothing_but_reading(server: Server, method: str):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.putrequest(method, f"/{server.token}/", skip_host=True)
    connection.putheader("Host", f"127.0.0.1:{server.server_port}")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status in (405, 501)
    assert b"rollout" not in answer.read()
    connection.close()


def test_head_is_get_without_a_body(server: Server):
    answer = fetch(server.address, method="HEAD")
    assert answer.status == 200
    assert answer.text == ""
    assert int(answer.headers["content-length"]) > 1000


@pytest.mark.parametrize(
    "path",
    [
        "../manifest.json",
        "..%2fmanifest.json",
        "%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "rollout/training/..%2f..%2fmanifest/0",
        "rollout/training/..%5c..%5cmanifest/0",
        "rollout/measured/%2fetc%2fpasswd/0",
        "rollout/measured/after%00/0",
        "rollout/measured/*/0",
        "style.css/../../manifest.json",
        "manifest.json",
    ],
)
def test_no_path_leads_out(server: Server, path: str):
    request = f"GET /{server.token}/{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode()
    answer = raw(server, request)
    assert answer.startswith(b"HTTP/1.0 404")
    assert b"schema_version" not in answer
    assert b"root:" not in answer


JUNK = {
    "empty": b"\r\n\r\n",
    "word": b"hello\r\n\r\n",
    "no path": b"GET\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\n\r\n",
    "long": b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\r\n\r\n",
    "markup": b"GET <script> HTTP/1.1\r\nHost: <script>\r\n\r\n",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_is_refused_and_not_repeated(server: Server, junk: bytes):
    answer = raw(server, junk)
    assert b"HTTP/1.0 2" not in answer
    assert b"<script>" not in answer
    assert fetch(server.address).status == 200


def test_a_port_in_use(server: Server, tmp_path: Path):
    run = write(tmp_path / "run", steps=1)
    said = mistake("show", run, "--port", str(server.server_port))
    assert said.startswith(f"port = {server.server_port}: address already in use: give another --port")
    with pytest.raises(PonderError, match="port = 99999: a number up to 65535"), serving(run, 99999):
        pass
    assert mistake("show", run, "--port", "-1").startswith("port = -1: a number up to 65535")


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path):
    run = write(tmp_path / "run", steps=1)
    process = start(tmp_path, "show", run, "--at", "step=0&mode=free", output=True, PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address.endswith("/?mode=free&step=0")
    assert fetch(address).status == 200
    process.send_signal(2)
    assert finish(process) == (0, "")


def test_where_to_begin_has_to_be_something_that_a_page_can_show(tmp_path: Path):
    run = write(tmp_path / "run", steps=1)
    assert mistake("show", run, "--at", "weather=fine").startswith("at = weather=fine: nothing that a page can show")
    assert mistake("show", run, "--at", "reward=much").startswith("at = reward=much: reward = much: one of full, high")
