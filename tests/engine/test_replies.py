from __future__ import annotations

import json
import math
from typing import Any

import pytest

from ponder.engine.replies import Token, chances, parse
from ponder.engine.wire import Trouble
from ponder.types import Asking, Reply, Status

ASKED = Asking(max_tokens=9)
THINKING = Asking(max_tokens=9, think=True)


def token(text: str | bytes, **likely: float) -> Token:
    """A token as a server tells it, with the probabilities of what could have stood there."""
    return Token.model_validate(told(text) | {"top_logprobs": [told(other, p) for other, p in likely.items()]})


def told(text: str | bytes, p: float = 0.5) -> dict[str, Any]:
    raw = text.encode() if isinstance(text, str) else text
    return {"token": raw.decode(errors="replace"), "logprob": math.log(p), "bytes": list(raw)}


def reply(message: dict[str, Any], asking: Asking = ASKED) -> Reply:
    return parse(json.dumps({"choices": [{"message": message}]}).encode()).reply(asking)


@pytest.mark.parametrize(
    ("message", "asking", "thinking", "answer"),
    [
        ({"content": " 7\n"}, ASKED, None, "7"),
        ({"content": "<think>3 + 4</think>\n\n7"}, ASKED, "3 + 4", "7"),
        ({"content": "\n<think>\n\n</think>\n\n7"}, ASKED, None, "7"),
        ({"content": "<think>3 + 4, so"}, THINKING, "3 + 4, so", ""),
        ({"content": "3 + 4</think>\n7"}, THINKING, "3 + 4", "7"),
        ({"content": "a </think> b"}, ASKED, None, "a </think> b"),
        ({"content": "7", "reasoning": "3 + 4\n"}, ASKED, "3 + 4", "7"),
        ({"content": "\n\n7", "reasoning_content": "3 + 4"}, ASKED, "3 + 4", "7"),
        ({"content": "7", "reasoning": None, "reasoning_content": ""}, ASKED, None, "7"),
        ({"content": None, "reasoning": "3 + 4, so"}, THINKING, "3 + 4, so", ""),
        ({"content": None}, ASKED, None, ""),
        ({}, ASKED, None, ""),
    ],
)
def test_thinking_and_answer(message: dict[str, Any], asking: Asking, thinking: str | None, answer: str):
    found = reply(message, asking)
    assert (found.thinking, found.answer, found.status) == (thinking, answer, Status.JUDGED)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "its body cannot be read: Invalid JSON: EOF"),
        (b"<html>\n<h1>Bad Gateway", "its body cannot be read: Invalid JSON: expected value"),
        (b'{"choices": [{"message": {"content": "caf\xe9"}}]}', "its body cannot be read: Invalid JSON"),
        (b"[" * 100_000, "its body cannot be read: Invalid JSON: recursion limit"),
        (b"[]", "its body cannot be read: "),
        (b"{}", "no reply in the body: it holds no choices"),
        (b'{"choices": []}', "no reply in the body: it holds no choices"),
        (b'{"error": {"message": "over\\nloaded"}}', "no reply in the body: over loaded"),
        (b'{"error": "over\\u001b[31mloaded"}', "no reply in the body: over [31mloaded"),
        (b'{"choices": [{"message": null}]}', "its body cannot be read: choices.0.message: "),
        (b'{"choices": [{"message": {"content": 7}}]}', "its body cannot be read: choices.0.message.content: "),
        (b'{"choices": [{"message": {}}], "usage": {"prompt_tokens": -1}}', "its body cannot be read: usage"),
        (
            b'{"choices": [{"message": {}, "logprobs": {"content": [{"token": "a", "logprob": NaN}]}}]}',
            "its body cannot be read: choices.0.logprobs.content.0.logprob: ",
        ),
    ],
)
def test_what_is_no_reply_is_one_line(data: bytes, why: str):
    with pytest.raises(Trouble) as raised:
        parse(data).reply(ASKED)
    assert raised.value.reason.startswith(why)
    assert "\n" not in raised.value.reason and raised.value.status is Status.UNPARSEABLE


def test_chances_worked_out_by_hand():
    """Yes: .4 + .1 + .1 = .6; no: .15 + .05 = .2; `not` and `maybe` begin neither, and nothing at all begins none."""
    yes, no = {"Yes": 0.4, " yes": 0.1, "Y": 0.1}, {"No": 0.15, "n": 0.05}
    first = token("Yes", **yes, **no, **{"not": 0.1, "maybe": 0.05, " ": 0.05})
    found = chances([first, token(".")], None, "Yes.", ("yes", "no"))
    assert found == pytest.approx({"yes": 0.75, "no": 0.25})


def test_a_token_that_begins_two_choices_counts_for_neither():
    first = token("1", **{"1": 0.6, "10": 0.2, "2": 0.1, "11": 0.1})
    assert chances([first], None, "1", ("1", "10", "2")) == pytest.approx({"1": 0.0, "10": 2 / 3, "2": 1 / 3})


def test_what_was_written_counts_where_it_is_not_among_the_likeliest():
    first = token("No", Yes=0.25)
    assert chances([first], None, "No", ("yes", "no")) == pytest.approx({"yes": 1 / 3, "no": 2 / 3})


def test_the_answer_begins_behind_the_thinking_and_the_space():
    """The `No` of the thinking is not the answer."""
    answer = token("Yes", Yes=0.6, No=0.2)
    marked = [token("<think>"), token("No", No=0.9, Yes=0.1), token("</think>"), token("\n\n"), answer]
    unmarked = [token("No", No=0.9, Yes=0.1), token(" wait"), token("\n"), answer, token("<|im_end|>")]
    assert chances(marked, "No", "Yes", ("yes", "no")) == pytest.approx({"yes": 0.75, "no": 0.25})
    assert chances(marked[1:], "No", "Yes", ("yes", "no")) == pytest.approx({"yes": 0.75, "no": 0.25})
    assert chances(unmarked, "No wait", "Yes", ("yes", "no")) == pytest.approx({"yes": 0.75, "no": 0.25})
    assert chances([answer], "No", "Yes", ("yes", "no")) == pytest.approx({"yes": 0.75, "no": 0.25})


def test_an_empty_block_is_thinking_to_be_skipped():
    answer = token("no", Yes=0.1, no=0.3)
    said = [token("<think>"), token("\n\n"), token("</think>"), token("\n\n"), answer]
    for thinking in (None, ""):
        assert chances(said, thinking, "no", ("yes", "no")) == pytest.approx({"yes": 0.25, "no": 0.75})


def test_a_token_may_be_a_part_of_a_character():
    """はい is e381af e38184, いいえ e38184 e38184 e38188: `e381` begins both, `e381af` and `e38184` one each."""
    first = token(b"\xe3\x81")
    likely = [told(b"\xe3\x81", 0.5), told(b"\xe3\x81\xaf", 0.3), told(b"\xe3\x81\x84", 0.1)]
    first = first.model_copy(update={"top_logprobs": [Token.model_validate(each) for each in likely]})
    said = [first, token(b"\xaf"), token("い")]
    assert chances(said, None, "はい", ("はい", "いいえ")) == pytest.approx({"はい": 0.75, "いいえ": 0.25})


@pytest.mark.parametrize(
    ("tokens", "thinking", "answer"),
    [
        ([], None, "Yes"),
        ([token("Yes")], None, "Yes"),
        ([token("**", **{"**": 0.9})], None, "**Yes**"),
        ([token(" ", Yes=0.9)], None, ""),
        ([token("Hm", Yes=0.9)], "Hm", ""),
        ([token("Hm", Yes=0.9)], "Hm", "Yes"),
        ([token("</think>Yes", Yes=0.9)], "Hm", "Yes"),
        ([token("so</th"), token("ink>Yes", Yes=0.9)], "so", "Yes"),
    ],
)
def test_there_are_no_chances_where_nobody_knows_them(tokens: list[Token], thinking: str | None, answer: str):
    assert chances(tokens, thinking, answer, ("yes", "no")) == {}


def test_no_chances_are_worked_out_unless_choices_are_given():
    assert chances([token("Yes", Yes=0.9)], None, "Yes", ()) == {}


def test_tokens_are_those_of_the_usage_or_those_told_of():
    choice = {"message": {"content": "Yes"}, "logprobs": {"content": [told("Yes"), told("<|im_end|>")]}}
    counted = {"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}
    assert parse(json.dumps(counted).encode()).reply(ASKED).tokens == 3
    assert parse(json.dumps({"choices": [choice]}).encode()).reply(ASKED).tokens == 2
