"""Budgets of thinking with a server: held by it, ignored by it, refused by it; and with the model at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from contracts.respondent import talk
from engine.endpoint import Asked, Endpoint, Sent, refusal, said
from engine.test_server import NOBODY, client
from ponder.engine.respondent import LocalRespondent
from ponder.engine.sampler import LocalSampler
from ponder.engine.scorer import LocalScorer
from ponder.engine.server import Server
from ponder.model.chat import Chat
from ponder.model.hub import shipped
from ponder.model.load import load_model
from ponder.types import Asking, PonderError, Reply, Status

BOUNDED = Asking(max_tokens=100, think=True, think_at_most=10)
LONG = 40
"""Words that the scripted model thinks when nobody holds it."""


def thinker(asked: Asked, *, honours: bool) -> Sent:
    """A model that thinks 40 words, a token each, and answers 7; it goes on from what was begun for it."""
    *_, last = asked["messages"]
    begun = last["content"] if last["role"] == "assistant" else ""
    if "</think>" in begun:
        return said("7", tokens=(5, 1), finish="stop")
    thought = begun.partition("<think>")[2].split()
    left = max(0, LONG - len(thought))
    if begun:
        most = asked["max_tokens"]
        assert asked["stop"] == ["</think>"] and asked["continue_final_message"] is True
        return said("so " * min(left, most), tokens=(5, min(left, most)), finish="length" if left > most else "stop")
    words = min(LONG, asked.get("thinking_token_budget", LONG)) if honours else LONG
    return said("7", tokens=(5, words + 1), reasoning="so " * words, finish="stop", counted=words)


def ask(server: Server, asking: Asking = BOUNDED, *questions: str) -> list[Reply]:
    named = questions or ("3 + 4?",)
    return server.respond([talk(q) for q in named], asking, list(named))


def heard(endpoint: Endpoint | str, **options: Any) -> tuple[Server, list[str]]:
    lines: list[str] = []
    server = client(endpoint, concurrency=1, **options)
    server.tell = lines.append
    return server, lines


def test_a_server_that_holds_budgets_is_asked_once_and_counted():
    with Endpoint(lambda asked: thinker(asked, honours=True)) as endpoint:
        server, lines = heard(endpoint)
        (reply,) = ask(server)
    assert (reply.answer, reply.thinking_tokens, reply.held_by, reply.tokens) == ("7", 10, "server", 11)
    assert [asked["thinking_token_budget"] for asked in endpoint.asked] == [10] and lines == []


def test_one_that_ignores_them_is_found_out_by_counting_and_told_of_once():
    with Endpoint(lambda asked: thinker(asked, honours=False)) as endpoint:
        server, lines = heard(endpoint)
        first, second = ask(server, BOUNDED, "a", "b")
    (line,) = lines
    why = "it thought 40 tokens where 10 were allowed"
    assert line == (
        f"{endpoint.url}: the server does not hold thinking budgets: {why}; thinking is closed for it from here on"
    )
    assert server.budgets.ignored == why
    for reply in (first, second):
        assert (reply.answer, reply.thinking_tokens, reply.held_by) == ("7", 10, "closing")
        assert reply.thinking == " ".join(["so"] * 10)
    # The first was asked three times, and what it wrote in vain is counted; the second was not asked in vain.
    assert [first.tokens, second.tokens] == [41 + 11, 11] and len(endpoint.asked) == 5
    assert server.spending.written == 41 + 11 + 11


def test_one_that_refuses_the_field_has_its_thinking_closed():
    def strict(asked: Asked) -> Sent:
        unknown = "thinking_token_budget" in asked
        return refusal(400, "unknown field") if unknown else thinker(asked, honours=False)

    with Endpoint(strict) as endpoint:
        server, lines = heard(endpoint)
        (reply,) = ask(server)
    assert (reply.answer, reply.thinking_tokens, reply.held_by) == ("7", 10, "closing")
    assert len(lines) == 1 and "it refuses thinking_token_budget (HTTP 400: unknown field)" in lines[0]


def test_one_that_is_down_is_not_taken_for_one_that_ignores():
    server, lines = heard(NOBODY, retries=0)
    (reply,) = ask(server)
    assert reply.status is Status.ERROR and lines == []


def test_tokens_are_counted_among_those_it_lists_or_taken_by_share():
    words = ["<think>", *["so "] * 30, "</think>", "7"]
    listed = {"content": [{"token": word, "logprob": -0.1} for word in words]}
    with Endpoint(lambda _: said("".join(words), tokens=(5, 33), logprobs=listed)) as endpoint:
        server, _ = heard(endpoint)
        assert ask(server, replace(BOUNDED, think_at_most=None))[0].thinking_tokens == 30
    with Endpoint(lambda _: said("7" * 10, tokens=(5, 40), reasoning="s" * 30)) as endpoint:
        server, lines = heard(endpoint)
        reply = ask(server, replace(BOUNDED, think_at_most=24))[0]  # 30 of 40 characters, and it may be 24 * 1.25 + 4
    assert (reply.thinking_tokens, reply.held_by, lines) == (30, "server", [])


def test_thinking_that_ends_too_early_is_gone_on_with():
    with Endpoint(lambda asked: thinker(asked, honours=True)) as endpoint:
        server, _ = heard(endpoint)
        (reply,) = ask(server, replace(BOUNDED, think_at_least=45, think_at_most=60))
    # 40 words, Wait, and then it has nothing to add: a token a round, until there are 45.
    assert reply.held_by == "closing" and reply.thinking is not None and "Wait" in reply.thinking
    assert 45 <= (reply.thinking_tokens or 0) <= 60 and reply.answer == "7"


def test_exactly_so_many():
    with Endpoint(lambda asked: thinker(asked, honours=True)) as endpoint:
        server, _ = heard(endpoint)
        (reply,) = ask(server, replace(BOUNDED, think_at_least=10, think_at_most=10))
    assert (reply.thinking_tokens, reply.held_by) == (10, "closing")


def test_without_thinking_there_is_no_budget():
    with Endpoint(lambda asked: thinker(asked, honours=True)) as endpoint:
        server, _ = heard(endpoint)
        assert ask(server, replace(BOUNDED, think=False))[0].held_by == ""
    assert "thinking_token_budget" not in endpoint.asked[0]


def test_another_budget_is_another_question_of_the_cache(tmp_path: Path):
    with Endpoint(lambda asked: thinker(asked, honours=True)) as endpoint:
        server, _ = heard(endpoint, cache=tmp_path)
        replies = [ask(server, replace(BOUNDED, think_at_most=most))[0] for most in (10, 20, 10)]
    assert [reply.thinking_tokens for reply in replies] == [10, 20, 10] and len(endpoint.asked) == 2


@pytest.fixture(scope="module")
def local() -> LocalRespondent:
    """The lab's seed model, whose tokens are words and digits."""
    folder = shipped("lab-seed")
    assert folder
    model, chat = load_model(folder, dtype=torch.float32), Chat.load(folder, system="")
    sampler = LocalSampler(model, stop=chat.ends, decode=chat.text)
    return LocalRespondent("lab-seed", chat=chat, sampler=sampler, scorer=LocalScorer(model), context=model.context)


def test_the_model_at_hand_keeps_its_budget(local: LocalRespondent):
    for least, most in ((0, 0), (0, 5), (6, 6), (4, 9)):
        asking = Asking(max_tokens=24, temperature=1.0, think=True, think_at_least=least, think_at_most=most)
        for reply in local.respond([talk("So?")] * 4, asking, [f"{i}" for i in range(4)]):
            assert reply.thinking_tokens is not None and least <= reply.thinking_tokens <= most
            assert reply.held_by == "sampler" and reply.status is Status.JUDGED


@pytest.mark.parametrize(
    ("asking", "said"),
    [
        (replace(BOUNDED, think_at_least=11), "think_at_most = 10: must be at least think_at_least = 11"),
        (replace(BOUNDED, think_at_most=100), "think_at_most = 100: leaves no room for an answer in max_tokens = 100"),
        (replace(BOUNDED, think_at_least=100, think_at_most=None), "think_at_least = 100: leaves no room"),
        (replace(BOUNDED, think_at_least=-1), "think_at_least = -1: must be 0 or more"),
    ],
)
def test_budgets_that_cannot_be_held_are_refused(local: LocalRespondent, asking: Asking, said: str):
    for respondent in (local, client(NOBODY)):
        with pytest.raises(PonderError, match=said):
            respondent.respond([talk("So?")], asking, ["a"])
