"""The server's client against an endpoint that answers by script: order, trouble, and who waits for whom."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.respondent import RespondentContract, talk
from engine.endpoint import Asked, Endpoint, Script, Sent, echo, question, refusal, said
from ponder.engine.server import Server, backoff, seed_of
from ponder.types import Asking, Message, PonderError, Reply, Respondent, Status

ASKED = Asking(max_tokens=9)
NOBODY = "http://127.0.0.1:9/v1"
"""The discard port: nobody listens there."""


def client(endpoint: Endpoint | str, **options: Any) -> Server:
    """Impatient, unless told otherwise."""
    url = endpoint if isinstance(endpoint, str) else endpoint.url
    return Server(url, **({"model": "m", "pause": 0.001, "deadline": 5.0} | options))


def ask(server: Server, *questions: str, asking: Asking = ASKED) -> list[Reply]:
    return server.respond([talk(q) for q in questions], asking, [f"s/{q}" for q in questions])


def by_turns(*scripts: Sent | Script) -> Script:
    """Each request by the next of these, and all later ones by the last."""
    turns = itertools.chain(scripts, itertools.repeat(scripts[-1]))
    return lambda asked: turn if isinstance(turn := next(turns), Sent) else turn(asked)


def speaker(asked: Asked) -> Sent:
    """Thinks and weighs where it is asked to."""
    words, likely = f"{question(asked)[:20]} {asked.get('seed', '')}".strip(), None
    if asked.get("logprobs"):
        top = [{"token": "Yes", "logprob": -0.5}, {"token": "No", "logprob": -1.5}]
        words, likely = "Yes", {"content": [{"token": "Yes", "logprob": -0.5, "top_logprobs": top}]}
    return said(f"<think>Hm.</think> {words}" if asked["max_tokens"] == 9 else words or "?", logprobs=likely)


class TestServer(RespondentContract):
    @pytest.fixture(autouse=True)
    def endpoint(self) -> Iterator[None]:
        with Endpoint(speaker) as self.there:
            yield

    def respondent(self) -> Respondent:
        return client(self.there)

    def failing(self) -> Respondent:
        return client(NOBODY, retries=0)


def test_what_is_asked():
    conversation = (Message(role="system", content="Be brief."), Message(role="user", content="寒い?"))
    with Endpoint() as endpoint:
        client(endpoint).respond([conversation], ASKED, ["a"])
        warm = Asking(max_tokens=4, temperature=0.7, choices=("yes", "no"))
        client(endpoint, thinking_switch=True).respond([conversation], warm, ["a"])
    plain, more = ({k: v for k, v in asked.items() if k not in ("#", "headers")} for asked in endpoint.asked)
    assert plain == {
        "path": "/v1/chat/completions",
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "寒い?"}],
        "max_tokens": 9,
        "temperature": 0.0,
        "stream": False,
    }
    assert more == plain | {
        "max_tokens": 4,
        "temperature": 0.7,
        "seed": 0xCA978112 >> 1,  # sha256("a") begins with these 32 bits
        "logprobs": True,
        "top_logprobs": 20,
        "chat_template_kwargs": {"enable_thinking": False},
    }
    assert "Authorization" not in endpoint.asked[0]["headers"]


def test_a_stream_is_needed_for_each():
    with pytest.raises(ValueError, match="shorter"):
        client(NOBODY).respond([talk("1"), talk("2")], ASKED, ["one"])


def test_replies_come_in_order_and_requests_at_most_as_many_at_a_time():
    def slower_first(asked: Asked) -> Sent:
        time.sleep(0.03 - 0.001 * int(question(asked)))
        return echo(asked)

    with Endpoint(slower_first) as endpoint:
        replies = ask(client(endpoint, concurrency=4), *map(str, range(30)))
    assert [reply.answer for reply in replies] == [str(i) for i in range(30)]
    assert endpoint.most == 4 and len(endpoint.asked) == 30


def test_the_same_question_on_the_same_stream_is_asked_once():
    with Endpoint() as endpoint:
        replies = client(endpoint).respond([talk("1"), talk("2"), talk("1"), talk("1")], ASKED, ["a", "a", "a", "b"])
    assert [reply.answer for reply in replies] == ["1", "2", "1", "1"] and len(endpoint.asked) == 3


@pytest.mark.parametrize("code", [408, 409, 429, 500, 502, 503, 529])
def test_a_status_that_may_pass_is_tried_again(code: int):
    with Endpoint(by_turns(refusal(code), refusal(code), echo)) as endpoint:
        assert ask(client(endpoint), "7")[0].answer == "7"
    assert len(endpoint.asked) == 3


def test_a_server_that_asks_to_be_left_alone_is():
    with Endpoint(by_turns(refusal(429, Retry_After="0.2"), echo)) as endpoint:
        begun = time.monotonic()
        assert ask(client(endpoint), "7")[0].answer == "7"
        assert 0.2 <= time.monotonic() - begun < 2 and len(endpoint.asked) == 2


@pytest.mark.parametrize("asked", ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", "nan", "-5", "Wed, 99 Oct"])
def test_a_wait_that_is_over_or_cannot_be_read_is_none(asked: str):
    with Endpoint(by_turns(refusal(503, Retry_After=asked), echo)) as endpoint:
        begun = time.monotonic()
        assert ask(client(endpoint), "7")[0].answer == "7"
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("asked", ["3600", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_server_that_asks_for_hours_is_given_up(asked: str):
    with Endpoint(lambda _: refusal(429, Retry_After=asked)) as endpoint:
        reply = ask(client(endpoint), "7")[0]
    assert reply.status is Status.ERROR and reply.reason.startswith("HTTP 429, and it asks to wait ")
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422, 307])
def test_what_will_not_pass_is_asked_once_and_says_what_the_server_said(code: int):
    with Endpoint(lambda _: refusal(code, "The model\n`m` does not exist.", Location=NOBODY)) as endpoint:
        reply = ask(client(endpoint), "7")[0]
    assert (reply.status, reply.reason) == (Status.ERROR, f"HTTP {code}: The model `m` does not exist.")
    assert len(endpoint.asked) == 1


def test_a_long_reason_is_cut():
    with Endpoint(lambda _: Sent(code=400, body=b"x" * 1000)) as endpoint:
        assert ask(client(endpoint), "7")[0].reason == f"HTTP 400: {'x' * 289}…"


def test_trouble_without_end_is_an_error_after_the_retries():
    with Endpoint(lambda _: refusal(500, "out of memory")) as endpoint:
        replies = ask(client(endpoint, retries=3), "1", "2")
    assert [(r.status, r.reason) for r in replies] == [(Status.ERROR, "HTTP 500: out of memory")] * 2
    assert len(endpoint.asked) == 8


def test_a_slow_server_is_a_timeout_after_the_retries():
    with Endpoint(lambda asked: time.sleep(3) or echo(asked)) as endpoint:
        begun = time.monotonic()
        reply = ask(client(endpoint, deadline=0.1, retries=2), "7")[0]
        assert time.monotonic() - begun < 3
    assert (reply.status, reply.reason) == (Status.TIMEOUT, "no reply within 0.1 s")
    assert len(endpoint.asked) == 3


def test_a_slow_server_that_comes_round_is_a_reply():
    with Endpoint(by_turns(lambda asked: time.sleep(1) or echo(asked), echo)) as endpoint:
        assert ask(client(endpoint, deadline=0.5), "7")[0].answer == "7"


@pytest.mark.parametrize("headers", [{}, {"X-Length": "unknown"}])
def test_a_server_that_sends_a_byte_now_and_then_is_a_timeout_too(headers: dict[str, str]):
    with Endpoint(lambda _: Sent(body=b" " * 100, drip=0.02, headers=headers)) as endpoint:
        begun = time.monotonic()
        reply = ask(client(endpoint, deadline=0.15, retries=0), "7")[0]
        assert reply.status is Status.TIMEOUT and time.monotonic() - begun < 1.5


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": null}]}'])
def test_garbage_is_unparseable_after_one_retry(body: bytes):
    with Endpoint(lambda _: Sent(body=body)) as endpoint:
        reply = ask(client(endpoint), "7")[0]
    assert reply.status is Status.UNPARSEABLE and reply.reason and "\n" not in reply.reason
    assert len(endpoint.asked) == 2


def test_garbage_between_other_trouble_is_got_over():
    with Endpoint(by_turns(refusal(500), Sent(body=b"{"), refusal(500), refusal(500), echo)) as endpoint:
        assert ask(client(endpoint), "7")[0].answer == "7"
    assert len(endpoint.asked) == 5


def test_a_server_that_breaks_off_is_asked_again():
    with Endpoint(by_turns(Sent(body=b'{"cho', headers={"Content-Length": "99"}), echo)) as endpoint:
        assert ask(client(endpoint), "7")[0].answer == "7"


@pytest.mark.parametrize("url", [NOBODY, "https://127.0.0.1:9"])
def test_nobody_there_is_an_error(url: str):
    reply = ask(client(url, retries=1), "7")[0]
    assert (reply.status, reply.reason) == (Status.ERROR, "connection refused")


def test_a_server_that_is_killed_and_started_again_loses_no_reply():
    def until_killed(asked: Asked) -> Sent:
        if asked["#"] == 20:
            threading.Thread(target=restart).start()
        time.sleep(0.005)
        return echo(asked)

    def restart() -> None:
        endpoint.kill()
        down.set()
        time.sleep(0.3)
        endpoint.start(endpoint.port)

    down = threading.Event()
    with Endpoint(until_killed) as endpoint:
        replies = ask(client(endpoint, concurrency=4, retries=8, pause=0.02), *map(str, range(60)))
        assert down.is_set()
    assert [reply.answer for reply in replies] == [str(i) for i in range(60)]


def test_who_interrupts_it_waits_for_no_server():
    def interrupt(asked: Asked) -> Sent:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(5)
        return echo(asked)

    with Endpoint(interrupt) as endpoint:
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            ask(client(endpoint, concurrency=1, deadline=60, pause=60), *map(str, range(50)))
        assert time.monotonic() - begun < 4 and len(endpoint.asked) == 1


def test_pauses_double_and_are_the_streams_own():
    pauses = [backoff(1.0, tried, "a") for tried in range(12)]
    assert pauses == [backoff(1.0, tried, "a") for tried in range(12)] != [backoff(1.0, n, "b") for n in range(12)]
    for tried, pause in enumerate(pauses):
        assert min(2**tried, 60) / 2 < pause <= min(2**tried, 60)


def test_seeds_are_31_bits_of_the_stream():
    seeds = [seed_of(f"s/{i}") for i in range(1000)]
    assert len(set(seeds)) == 1000 and all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"endpoint": "127.0.0.1:8000"}, "url = '127.0.0.1:8000': not an address; give one like http://"),
        ({"endpoint": "ftp://host/v1"}, "url = 'ftp://host/v1': not an address; "),
        ({"endpoint": "http://host:99999/v1"}, "url: not an address; "),
        ({"endpoint": "http://ho st/v1"}, "url = 'http://ho st/v1': not an address; "),
        ({"endpoint": "http://"}, "url = 'http://': not an address; "),
        ({"endpoint": "https://me:sesame@host/v1"}, "url: must have no user, password, ? or # "),
        ({"endpoint": "https://host/v1?key=sesame"}, "url: must have no user, password, ? or # "),
        ({"model": " "}, "model: must not be empty; "),
        ({"key": "sk-sesame"}, "key: must be the name of an environment variable, in capitals, and never the key "),
        ({"key": ""}, "key: must be the name of an environment variable"),
        ({"concurrency": 0}, "concurrency = 0: must be at least 1"),
        ({"deadline": 0}, "deadline = 0: must be above 0 seconds"),
        ({"deadline": float("nan")}, "deadline = nan: must be above 0 seconds"),
        ({"retries": -1}, "retries = -1: must be 0 or more"),
        ({"pause": -1}, "pause = -1: must be 0 seconds or more"),
        ({"budget_tokens": -1}, "budget_tokens = -1: must be 0 or more"),
        ({"budget_money": 1}, "budget_money = 1: needs price, of a million tokens read and a million written"),
        ({"budget_money": -1, "price": (1, 1)}, "budget_money = -1: must be 0 or more"),
        ({"price": (1, -1)}, "price = (1, -1): must be 0 or more"),
    ],
)
def test_what_cannot_be_is_the_users_mistake(options: dict[str, Any], line: str):
    with pytest.raises(PonderError) as raised:
        client(**{"endpoint": NOBODY} | options)
    assert str(raised.value).startswith(line) and "\n" not in str(raised.value) and "sesame" not in str(raised.value)


def test_nothing_is_asked_before_somebody_asks(tmp_path: Path):
    with Endpoint() as endpoint:
        client(endpoint, cache=tmp_path / "kept")
    assert not endpoint.asked
