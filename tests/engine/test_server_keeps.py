"""What the server's client keeps: to its budget, replies on disk, and the key to itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.respondent import talk
from engine.endpoint import Asked, Endpoint, Sent, echo, refusal, said
from engine.test_server import ASKED, NOBODY, ask, by_turns, client
from ponder.engine.server import Server
from ponder.types import Asking, PonderError, Reply, Status

SECRET = 'sk-open/"sesame"'


def seven_tokens(asked: Asked) -> Sent:
    return said("7", tokens=(5, 2))


def test_a_budget_of_tokens():
    """Seven a reply: after 7, 14 and 21 the 20 are spent."""
    with Endpoint(seven_tokens) as endpoint:
        server = client(endpoint, concurrency=1, budget_tokens=20)
        replies = ask(server, *"12345") + ask(server, "6")
    assert [reply.status for reply in replies] == [Status.JUDGED] * 3 + [Status.ERROR] * 3
    assert {r.reason for r in replies[3:]} == {"budget_tokens = 20: 21 are spent; raise it to go on"}
    assert (server.spending.read, server.spending.written, len(endpoint.asked)) == (15, 6, 3)


def test_a_budget_of_money():
    """5 read at 2 and 2 written at 10 a million are 0.00003 a reply."""
    with Endpoint(seven_tokens) as endpoint:
        server = client(endpoint, concurrency=1, budget_money=0.00005, price=(2.0, 10.0))
        replies = ask(server, *"123")
    assert [reply.status for reply in replies] == [Status.JUDGED] * 2 + [Status.ERROR]
    assert replies[2].reason == "budget_money = 5e-05: 6e-05 is spent; raise it to go on"
    assert server.spending.money == pytest.approx(0.00006)


def test_nothing_may_be_spent():
    with Endpoint() as endpoint:
        assert ask(client(endpoint, budget_tokens=0), "7")[0].status is Status.ERROR
    assert not endpoint.asked


def test_who_does_not_count_is_counted_at_the_most_it_can_be():
    """9 tokens may be written, and 寒い? has 7 bytes."""
    with Endpoint(lambda _: Sent(body=b'{"choices": [{"message": {"content": "7"}}]}')) as endpoint:
        server = client(endpoint, budget_tokens=20)
        assert ask(server, "寒い?")[0].answer == "7"
    assert (server.spending.read, server.spending.written) == (7, 9)


def test_a_budget_that_is_spent_ends_the_retries():
    body = b'{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 5}}'
    with Endpoint(lambda _: Sent(body=body)) as endpoint:
        reply = ask(client(endpoint, budget_tokens=10), "7")[0]
    assert reply.reason.startswith("budget_tokens = 10: 10 are spent") and len(endpoint.asked) == 1


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_answered_is_not_asked_again_wherever_it_came_from(kept: Path):
    asking = Asking(max_tokens=4, choices=("yes", "no"), think=True)
    top = [{"token": "Yes", "logprob": -0.5}, {"token": "No", "logprob": -1.5}]
    told = {"content": [{"token": "Yes", "logprob": -0.5, "top_logprobs": top}]}
    with Endpoint(lambda _: said("Yes", reasoning="寒い", logprobs=told)) as endpoint:
        first = ask(client(endpoint, cache=kept), "1", "2", asking=asking)
    assert first[0].chances and first[0].thinking == "寒い" and len(endpoint.asked) == len(files(kept)) == 2
    server = client(NOBODY, cache=kept, retries=0, budget_tokens=0)
    assert ask(server, "1", "2", asking=asking) == first
    assert server.spending.tokens == 0


def test_another_question_is_another_file(kept: Path):
    with Endpoint() as endpoint:
        for server in (client(endpoint, cache=kept), client(endpoint, cache=kept, model="n")):
            for asking in (ASKED, Asking(max_tokens=8), Asking(max_tokens=9, think=True)):
                for conversation, stream in ((talk("1"), "a"), (talk("1"), "b"), (talk("2"), "a")):
                    server.respond([conversation], asking, [stream])
    assert len(endpoint.asked) == len(files(kept)) == 2 * 3 * 3


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-1],
    "another answer": lambda data: data.replace(b'"7"', b'"8"'),
    "no reply": lambda data: b"{}",
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_replaced(damage: str, kept: Path):
    with Endpoint() as endpoint:
        server = client(endpoint, cache=kept)
        assert ask(server, "7")[0].answer == "7"
        (file,) = files(kept)
        whole = file.read_bytes()
        file.write_bytes(DAMAGE[damage](whole))
        assert ask(server, "7")[0].answer == "7" and len(endpoint.asked) == 2
        assert file.read_bytes() == whole
        assert ask(server, "7")[0].answer == "7" and len(endpoint.asked) == 2


def test_a_failure_is_not_kept(kept: Path):
    with Endpoint(by_turns(refusal(500), Sent(body=b"{}"), refusal(400), echo)) as endpoint:
        server = client(endpoint, cache=kept, retries=0)
        statuses = [ask(server, "7")[0].status for _ in range(5)]
    assert statuses == [Status.ERROR, Status.UNPARSEABLE, Status.ERROR, Status.JUDGED, Status.JUDGED]
    assert len(endpoint.asked) == 4 and len(files(kept)) == 1


def test_a_reply_that_cannot_be_kept_is_a_reply(kept: Path):
    with Endpoint() as endpoint:
        server = client(endpoint, cache=kept)
        kept.rmdir()
        kept.write_text("in the way")
        assert ask(server, "7")[0].answer == "7"


def test_a_folder_that_cannot_be_made_is_the_users_mistake(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(PonderError) as raised:
        client(NOBODY, cache=tmp_path / "file" / "kept")
    assert str(raised.value) == f"cache = '{tmp_path}/file/kept': not a directory; give a folder that can be written"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SOME_KEY", f"{SECRET}\n")
    return "SOME_KEY"


def shown(server: Server) -> str:
    """All that somebody could see of it."""
    parts = [server, vars(server), vars(server.spending), vars(server.cache) if server.cache else None]
    return " ".join(map(repr, parts))


def test_the_key_is_sent_and_nowhere_else(key: str, kept: Path):
    def telltale(asked: Asked) -> Sent:
        sent = asked["headers"]["Authorization"]
        assert sent == f"Bearer {SECRET}"
        return said(f"You said {sent}", reasoning=f"It said {sent}")

    with Endpoint(telltale) as endpoint:
        server = client(endpoint, key=key, cache=kept)
        reply = ask(server, "7")[0]
        assert server.check() == ""
    assert (reply.answer, reply.thinking) == ("You said Bearer ***", "It said Bearer ***")
    (file,) = files(kept)
    for text in (repr(reply), file.read_text(), shown(server), str(file)):
        assert "sesame" not in text
    assert json.loads(file.read_text().splitlines()[1])["answer"] == "You said Bearer ***"


@pytest.mark.parametrize("code", [200, 401, 500])
def test_a_server_that_repeats_the_key_in_its_errors(code: int, key: str):
    with Endpoint(lambda asked: refusal(code, f"bad key {asked['headers']['Authorization']}")) as endpoint:
        server = client(endpoint, key=key, retries=1)
        reply = ask(server, "7")[0]
        assert "bad key Bearer ***" in reply.reason and "sesame" not in reply.reason
        assert "bad key Bearer ***" in server.check() and "sesame" not in server.check()


@pytest.mark.parametrize("before", [0, 270, 280, 285, 290, 300, 1180, 1195])
def test_no_half_of_the_key_is_left_where_an_error_is_cut(before: int, key: str):
    def long(asked: Asked) -> Sent:
        why = json.dumps({"detail": [{"input": "x" * before + asked["headers"]["Authorization"]}]})
        return Sent(code=422, body=why.encode())

    with Endpoint(long) as endpoint:
        server = client(endpoint, key=key)
        for reason in (ask(server, "7")[0].reason, server.check()):
            assert "HTTP 422" in reason and not any(part in reason for part in ("sk-", "open", "ses", "ame"))


def test_a_key_that_is_a_word_takes_nothing_out_of_answers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOME_KEY", "EMPTY")
    with Endpoint() as endpoint:
        assert ask(client(endpoint, key="SOME_KEY"), "The set is EMPTY")[0].answer == "The set is EMPTY"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "there is no such environment variable; export it"),
        ("", "there is no such environment variable; export it"),
        ("sesa\nme", "its value has characters that no header can hold"),
        ("sésame", "its value has characters that no header can hold"),
    ],
)
def test_a_key_that_cannot_be_sent(value: str | None, why: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SOME_KEY", value)
    with Endpoint() as endpoint:
        server = client(endpoint, key="SOME_KEY")
        assert ask(server, "7") == [Reply(status=Status.ERROR, reason=f"key = 'SOME_KEY': {why}")]
        assert server.check() == f"{endpoint.url}: key = 'SOME_KEY': {why}"
    assert not endpoint.asked


def test_a_check_says_what_to_do():
    refusals = [refusal(401, "who are you?"), refusal(404, "no model m"), refusal(503, "loading")]
    with Endpoint(by_turns(*refusals, echo)) as endpoint:
        server, remedy = client(endpoint), "name the environment variable of its key with `key`"
        assert server.check() == f"{endpoint.url}: HTTP 401: who are you?; {remedy}"
        assert server.check() == f"{endpoint.url}: HTTP 404: no model m; correct url or model"
        assert server.check() == f"{endpoint.url}: HTTP 503: loading"
        assert server.check() == ""
    assert server.check() == f"{endpoint.url}: connection refused; start the server, or correct url"
    assert [asked["max_tokens"] for asked in endpoint.asked] == [1] * 4
