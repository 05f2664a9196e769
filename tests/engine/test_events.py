"""Replies that come piece by piece: those that come at once, told as they come; one that breaks off is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from contracts.respondent import RespondentContract, talk
from engine.endpoint import Asked, Endpoint, Sent, by_piece, echo, refusal, said
from engine.test_server import client, speaker
from ponder.engine.events import Desk
from ponder.engine.server import Server
from ponder.types import Asking, Reply, Respondent, Status

ASKED = Asking(max_tokens=9)


def hearing(endpoint: Endpoint | str, heard: Any = lambda written: None, **options: Any) -> Server:
    server = client(endpoint, **options)
    server.desk = Desk(heard)
    return server


def ask(server: Server, asking: Asking = ASKED) -> Reply:
    (reply,) = server.respond([talk("3+4?")], asking, ["s"])
    return reply


class TestPiecewise(RespondentContract):
    """The contract of a respondent holds for one who is heard."""

    @pytest.fixture(autouse=True)
    def endpoint(self) -> Iterator[None]:
        with Endpoint(lambda asked: by_piece(speaker(asked)) if asked["stream"] else speaker(asked)) as self.there:
            yield

    def respondent(self) -> Respondent:
        return hearing(self.there)

    def failing(self) -> Respondent:
        return hearing("http://127.0.0.1:9/v1", retries=0)


LIKELY = {"content": [{"token": "Yes", "logprob": -0.5, "top_logprobs": [{"token": "No", "logprob": -1.5}]}]}


@pytest.mark.parametrize(
    ("whole", "asking"),
    [
        (said("7", tokens=(5, 3), finish="stop"), ASKED),
        (said("<think>\nso\n</think>\n7", tokens=(5, 6), finish="stop"), ASKED),
        (said("7", reasoning_content="it is so", counted=4, tokens=(5, 6), finish="length"), ASKED),
        (said("7", reasoning="it is so", finish="stop"), ASKED),
        (said("Yes", logprobs=LIKELY, finish="stop"), Asking(max_tokens=9, choices=("yes", "no"))),
        (said(None, finish="stop"), ASKED),
    ],
)
def test_it_is_the_reply_that_would_have_come_at_once(whole: Sent, asking: Asking):
    with Endpoint(lambda asked: by_piece(whole) if asked["stream"] else whole) as endpoint:
        plain, server = client(endpoint), hearing(endpoint)
        assert ask(server, asking) == ask(plain, asking)
        assert server.spending.written == plain.spending.written > 0
    first, second = endpoint.asked
    assert first["stream"] and first["stream_options"] == {"include_usage": True}
    assert not second["stream"] and "stream_options" not in second


def test_pieces_are_told_as_they_come_and_no_longer_when_all_is_there():
    seen: list[list[str]] = []

    def heard(written: Mapping[str, Sequence[str]]) -> None:
        seen.append(["".join(pieces) for pieces in written.values()])

    with Endpoint(lambda asked: by_piece(said("ab", reasoning="xy"))) as endpoint:
        server = hearing(endpoint, heard, concurrency=1)
        server.respond([talk("1"), talk("2")], ASKED, ["one", "two"])
    grown = ["x", "xy", "xya", "xyab"]
    assert seen == [[text] for text in grown] * 2


def test_what_was_told_before_a_try_failed_is_taken_back():
    seen: list[str] = []
    turns = iter([by_piece(said("wrong"), end=b""), by_piece(said("7"))])
    with Endpoint(lambda asked: cut(next(turns)) if asked["#"] == 0 else next(turns)) as endpoint:
        reply = ask(hearing(endpoint, lambda written: seen.append(first(written))))
    assert (reply.answer, seen[-1]) == ("7", "7") and "wrong" in seen


def first(written: Mapping[str, Sequence[str]]) -> str:
    return "".join(next(iter(written.values())))


def cut(sent: Sent, at: int = 0) -> Sent:
    """Without what says that it has ended, and so many bytes less."""
    lines = [line for line in sent.body.split(b"\n\n") if b"finish_reason" not in line and b"usage" not in line]
    body = b"\n\n".join(lines)
    return Sent(body=body[: len(body) - at], headers=sent.headers)


def without(sent: Sent, name: bytes) -> Sent:
    """Without the events that say this."""
    lines = sent.body.split(b"\n\n")
    return Sent(body=b"\n\n".join(line for line in lines if name not in line), headers=sent.headers)


@pytest.mark.parametrize("code", [400, 422, 501])
def test_a_server_that_refuses_is_asked_at_once_from_then_on(code: int):
    def script(asked: Asked) -> Sent:
        return refusal(code, "stream: unknown") if asked["stream"] else said("7")

    with Endpoint(script) as endpoint:
        server = hearing(endpoint)
        assert [ask(server).answer for _ in range(3)] == ["7"] * 3
    assert [asked["stream"] for asked in endpoint.asked] == [True, False, False, False]


def test_a_server_that_sends_it_at_once_all_the_same_is_read():
    with Endpoint(lambda asked: said("7", tokens=(5, 3))) as endpoint:
        server = hearing(endpoint)
        assert (ask(server).answer, server.spending.written) == ("7", 3)
    assert len(endpoint.asked) == 1


def test_who_does_not_count_wrote_as_many_tokens_as_pieces_at_least():
    with Endpoint(lambda asked: without(by_piece(said("123456789", finish="length")), b"usage")) as endpoint:
        server = hearing(endpoint)
        assert ask(server).tokens == 9 and server.spending.written == ASKED.max_tokens


def test_what_breaks_off_is_counted_each_time():
    with Endpoint(lambda asked: cut(by_piece(said("half"), end=b""))) as endpoint:
        server = hearing(endpoint, retries=2)
        assert ask(server).status is Status.ERROR
    assert len(endpoint.asked) == 3 and server.spending.written == 3 * ASKED.max_tokens


def test_the_key_is_not_shown_nor_any_beginning_of_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_KEY", "sk-secret-123456")
    shown: list[str] = []
    with Endpoint(lambda asked: by_piece(said(f"{asked['headers']['Authorization']}!"))) as endpoint:
        server = hearing(endpoint, lambda written: shown.append(server.shown(*written.values())), key="MY_KEY")
        assert ask(server).answer == "Bearer ***!"
    assert shown[-1] == "Bearer ***!" and not any("s" in text for text in shown)


def test_two_with_one_stream_are_two():
    with Endpoint(lambda asked: by_piece(echo(asked))) as endpoint:
        replies = hearing(endpoint).respond([talk("1"), talk("2")], Asking(max_tokens=9, temperature=0), ["s", "s"])
    assert [reply.answer for reply in replies] == ["1", "2"]


@pytest.mark.parametrize(
    "more",
    [
        b"data:\n\n",
        b'data: {"choices": null, "usage": {"completion_tokens": 2}}\n\n',
        b'data: {"choices": [{"delta": null}]}\n\n',
        b"event: ping\r\n\r\n",
    ],
)
def test_what_else_servers_send_does_no_harm(more: bytes):
    sent = by_piece(said("7", tokens=(5, 2)))
    with Endpoint(lambda asked: Sent(body=more + sent.body, headers=sent.headers)) as endpoint:
        reply = ask(hearing(endpoint))
    assert (reply.status, reply.answer, reply.tokens) == (Status.JUDGED, "7", 2)


SLOW = b'data: {"choices": [{"delta": {"content": "' + b"x" * 99 + b'"}}]}\n\n'


@pytest.mark.parametrize(
    ("sent", "status", "why"),
    [
        (cut(by_piece(said("half"), end=b"")), Status.ERROR, "the reply broke off"),
        (Sent(body=b'data: {"choices": 3}\n\n'), Status.UNPARSEABLE, "its body cannot be read: choices"),
        (Sent(body=b"data: {oops\n\n"), Status.UNPARSEABLE, "its body cannot be read"),
        (Sent(body=b'data: {"error": {"message": "out of memory"}}\n\n'), Status.UNPARSEABLE, "out of memory"),
        (Sent(body=SLOW, drip=0.05, headers={"X": "y"}), Status.TIMEOUT, "no reply within 1 s"),
        (cut(by_piece(said("half"), end=b""), 9), Status.ERROR, "the reply broke off"),
        (Sent(body=said("7").body[:-9], headers={"Content-Length": "500"}), Status.ERROR, "connection lost"),
    ],
)
def test_what_goes_wrong_on_the_way_is_a_status(sent: Sent, status: Status, why: str):
    with Endpoint(lambda asked: sent) as endpoint:
        reply = ask(hearing(endpoint, retries=0, deadline=1.0))
    assert reply.status is status and why in reply.reason


def test_a_budget_is_held_by_closing_and_both_parts_are_told():
    told: list[str] = []

    def script(asked: Asked) -> Sent:
        if "thinking_token_budget" in asked:
            return refusal(422, "thinking_token_budget")
        return by_piece(said("so" if asked.get("stop") else "7", finish="stop"))

    with Endpoint(script) as endpoint:
        server = hearing(endpoint, lambda written: told.append(first(written)))
        server.tell = lambda line: None
        reply = ask(server, Asking(max_tokens=9, think=True, think_at_most=4))
    assert (reply.held_by, reply.thinking, reply.answer, told[-1]) == ("closing", "so", "7", "so7")
