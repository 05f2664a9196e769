"""The contract of respondents on one that keeps to it, and on those that break it in one way each: it must notice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from contracts.respondent import RespondentContract
from ponder.types import Asking, Message, Reply, Respondent, Status

Wrong = Callable[[list[Reply]], list[Reply]]


@dataclass
class Parrot:
    """Says what it hears and on which stream, with one thing done wrong to the replies."""

    wrong: Wrong = list
    name: str = "parrot"

    def respond(
        self, conversations: Sequence[Sequence[Message]], asking: Asking, streams: Sequence[str]
    ) -> list[Reply]:
        pairs = zip(conversations, streams, strict=True)
        return self.wrong([self.reply(messages[-1].content, asking, stream) for messages, stream in pairs])

    def reply(self, question: str, asking: Asking, stream: str) -> Reply:
        drawn = chance(stream) if asking.temperature else ""
        chances = dict.fromkeys(asking.choices, 1 / max(1, len(asking.choices)))
        thinking = "It said something." if asking.think else None
        return Reply(answer=f"{question} {drawn}".strip(), thinking=thinking, tokens=1, chances=chances)


def chance(stream: str) -> float:
    return random.Random(stream).random()


class Deaf:
    """Hears nobody."""

    name = "deaf"

    def respond(
        self, conversations: Sequence[Sequence[Message]], asking: Asking, streams: Sequence[str]
    ) -> list[Reply]:
        return [Reply(status=Status.ERROR, reason="it hears nobody") for _ in conversations]


class TestParrot(RespondentContract):
    def respondent(self) -> Respondent:
        return Parrot()

    def failing(self) -> Respondent:
        return Deaf()


def each(**changed: object) -> Wrong:
    return lambda replies: [replace(reply, **changed) for reply in replies]


WRONG: dict[str, tuple[Wrong, str]] = {
    "goes backwards": (lambda replies: replies[::-1], "replies_come_in_the_order_of_the_conversations"),
    "loses one": (lambda replies: replies[:1], "there_is_a_reply_to_each"),
    "looks at the neighbours": (
        lambda replies: [replace(reply, answer=f"{len(replies)}") for reply in replies],
        "a_reply_does_not_depend_on_its_neighbours",
    ),
    "throws dice": (
        lambda replies: [replace(reply, answer=f"{random.random()}") for reply in replies],
        "the_same_stream_is_the_same_reply",
    ),
    "says why it has not failed": (each(reason="all is well"), "there_is_a_reply_to_each"),
    "writes no tokens": (each(tokens=0), "there_is_a_reply_to_each"),
    "leaves its thinking in the answer": (each(answer="<think>Hm."), "marks_of_thinking_stand_in_no_answer"),
    "is too sure": (each(chances={"yes": 1.0, "no": 1.0}), "chances_are_of_the_choices_and_add_up_to_one"),
    "weighs what it was not asked": (each(chances={"maybe": 1.0}), "chances_are_of_the_choices_and_add_up_to_one"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_suite_catches_one_that(wrong: str):
    how, rule = WRONG[wrong]

    class Suite(RespondentContract):
        def respondent(self) -> Respondent:
            return Parrot(how)

        def failing(self) -> None:
            return None

    with pytest.raises(AssertionError):
        getattr(Suite(), f"test_{rule}")()


@pytest.mark.parametrize("reply", [Reply(), Reply(status=Status.ERROR), Reply(status=Status.ERROR, reason="a\nb")])
def test_the_suite_catches_a_failure_that_does_not_say_so(reply: Reply):
    class Suite(TestParrot):
        def failing(self) -> Respondent:
            return Parrot(lambda replies: [reply] * len(replies))

    with pytest.raises(AssertionError):
        Suite().test_what_fails_is_a_status_and_one_line()
