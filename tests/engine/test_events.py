"""Replies that come piece by piece: those that come at once, told as they come; one that breaks off is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from contracts.respondent import RespondentContract, talk
from engine.endpoint import Asked, Endpoint, Script, Sent, by_piece, echo, refusal, said
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


def test_pieces_are_told_as_they_come_by_stream_and_no_longer_when_all_is_there():
    seen: list[dict[str, str]] = []

    def heard(written: Mapping[str, Sequence[str]]) -> None:
        seen.append({stream: "".join(pieces) for stream, pieces in written.items()})

    with Endpoint(lambda asked: by_piece(said("ab", reasoning="xy"))) as endpoint:
        server = hearing(endpoint, heard, concurrency=1)
        server.respond([talk("1"), talk("2")], ASKED, ["one", "two"])
    grown = ["x", "xy", "xya", "xyab"]
    assert seen == [{"one": text} for text in grown] + [{"two": text} for text in grown]


def test_what_was_told_before_a_try_failed_is_taken_back():
    seen: list[str] = []
    turns = iter([by_piece(said("wrong"), end=b""), by_piece(said("7"))])
    with Endpoint(lambda asked: cut(next(turns)) if asked["#"] == 0 else next(turns)) as endpoint:
        reply = ask(hearing(endpoint, lambda written: seen.append("".join(written["s"]))))
    assert (reply.answer, seen[-1]) == ("7", "7") and "wrong" in seen


def cut(sent: Sent) -> Sent:
    """Without what says that it has ended."""
    lines = sent.body.split(b"\n\n")
    return Sent(body=b"\n\n".join(line for line in lines if b"finish_reason" not in line), headers=sent.headers)


def at_once(asked: Asked) -> Sent:
    return said("7")


def refusing(asked: Asked) -> Sent:
    return refusal(400, "stream_options: unknown") if asked["stream"] else said("7")


@pytest.mark.parametrize("script", [at_once, refusing])
def test_a_server_that_cannot_is_read_as_ever(script: Script):
    with Endpoint(script) as endpoint:
        assert ask(hearing(endpoint)).answer == "7"


@pytest.mark.parametrize(
    ("sent", "status", "why"),
    [
        (cut(by_piece(said("half"), end=b"")), Status.ERROR, "the reply broke off"),
        (Sent(body=b'data: {"choices": 3}\n\n'), Status.UNPARSEABLE, "its body cannot be read: choices"),
        (Sent(body=b"data: {oops\n\n"), Status.UNPARSEABLE, "its body cannot be read"),
        (Sent(body=b'data: {"error": {"message": "out of memory"}}\n\n'), Status.UNPARSEABLE, "out of memory"),
        (Sent(body=by_piece(said("slow")).body, drip=0.5, headers={"X": "y"}), Status.TIMEOUT, "no reply within 1 s"),
    ],
)
def test_what_goes_wrong_on_the_way_is_a_status(sent: Sent, status: Status, why: str):
    with Endpoint(lambda asked: sent) as endpoint:
        reply = ask(hearing(endpoint, retries=0, deadline=1.0))
    assert reply.status is status and why in reply.reason


def test_a_budget_is_held_by_closing_and_both_parts_are_told():
    told: list[str] = []

    def script(asked: Asked) -> Sent:
        return refusal(422, "thinking_token_budget") if "thinking_token_budget" in asked else by_piece(echo(asked))

    with Endpoint(script) as endpoint:
        server = hearing(endpoint, lambda written: told.append("".join(written["s"])))
        server.tell = lambda line: None
        reply = ask(server, Asking(max_tokens=9, think=True, think_at_most=4))
    assert reply.held_by == "closing" and reply.status is Status.JUDGED and len(told[-1]) > len(reply.thinking or "")
