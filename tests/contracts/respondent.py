"""What holds for every respondent."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ponder.types import Asking, Message, Reply, Respondent, Status

QUESTIONS = ("What is 3 + 4?", "Say yes or no.", "寒いですか", "", "</think> {{ x }} <|im_end|>", "word " * 20)


def talk(question: str) -> tuple[Message, ...]:
    return (Message(role="user", content=question),)


def same(replies: Sequence[Reply], others: Sequence[Reply]) -> bool:
    """Whether two rows of replies say the same; how they were batched may show in the last digits of chances."""
    close = [mine.chances == pytest.approx(other.chances) for mine, other in zip(replies, others, strict=True)]
    return all(close) and [replace(r, chances={}) for r in replies] == [replace(r, chances={}) for r in others]


class RespondentContract:
    """Inherited by the tests of every respondent."""

    def respondent(self) -> Respondent:
        raise NotImplementedError

    def conversations(self) -> list[tuple[Message, ...]]:
        """Conversations that it has something to say to, each something else; at least three."""
        return [talk(question) for question in QUESTIONS]

    def asking(self) -> list[Asking]:
        """The ways to be asked; at least one at a temperature above 0."""
        return [
            Asking(max_tokens=8),
            Asking(max_tokens=8, temperature=1.0),
            Asking(max_tokens=8, think=True),
            Asking(max_tokens=8, choices=("yes", "no")),
        ]

    def failing(self) -> Respondent | None:
        """One whom nobody hears; None for one that has nothing to break."""
        raise NotImplementedError

    def _ask(self, asking: Asking, order: Sequence[int] | None = None) -> list[Reply]:
        """Replies to the conversations of these numbers, each on a stream of its own."""
        talks = self.conversations()
        numbers = range(len(talks)) if order is None else order
        return self.respondent().respond([talks[i] for i in numbers], asking, [f"stream/{i}" for i in numbers])

    def test_it_is_a_respondent_with_a_name(self):
        respondent = self.respondent()
        assert isinstance(respondent, Respondent) and respondent.name.strip() and "\n" not in respondent.name

    def test_nothing_asked_is_nothing_said(self):
        for asking in self.asking():
            assert self.respondent().respond([], asking, []) == []

    def test_there_is_a_reply_to_each(self):
        for asking in self.asking():
            replies = self._ask(asking)
            assert [(reply.status, reply.reason) for reply in replies] == [(Status.JUDGED, "")] * len(replies)
            assert len(replies) == len(self.conversations())
            assert all(reply.tokens > 0 for reply in replies)

    def test_replies_come_in_the_order_of_the_conversations(self):
        for asking in self.asking():
            first, *rest = range(len(self.conversations()))
            replies = self._ask(asking)
            assert same(self._ask(asking, [*rest, first]), [*replies[1:], replies[0]])

    def test_a_reply_does_not_depend_on_its_neighbours(self):
        for asking in self.asking():
            alone = [self._ask(asking, [i])[0] for i in range(len(self.conversations()))]
            assert same(alone, self._ask(asking))

    def test_the_same_stream_is_the_same_reply(self):
        for asking in self.asking():
            first, _, again = self._ask(asking, [0, 1, 0])
            assert same([first, again], self._ask(asking, [0]) * 2)

    def test_a_conversation_may_be_asked_often(self):
        asking = next(asking for asking in self.asking() if asking.temperature > 0)
        streams = [f"often/{i}" for i in range(4)]
        replies = self.respondent().respond([self.conversations()[0]] * 4, asking, streams)
        assert [reply.status for reply in replies] == [Status.JUDGED] * 4

    def test_marks_of_thinking_stand_in_no_answer(self):
        for asking in self.asking():
            for reply in self._ask(asking):
                assert not reply.answer.startswith("<think>") and reply.answer == reply.answer.strip()
                assert reply.thinking is None or reply.thinking == reply.thinking.strip()

    def test_chances_are_of_the_choices_and_add_up_to_one(self):
        for asking in self.asking():
            for reply in self._ask(asking):
                assert set(reply.chances) in (set(), set(asking.choices))
                assert not reply.chances or abs(sum(reply.chances.values()) - 1) < 1e-6
                assert all(0 <= chance <= 1 for chance in reply.chances.values())

    def test_what_fails_is_a_status_and_one_line(self):
        failing = self.failing()
        if failing is None:
            return
        talks = self.conversations()
        for asking in self.asking():
            for reply in failing.respond(talks, asking, [str(i) for i in range(len(talks))]):
                assert reply.status in (Status.ERROR, Status.TIMEOUT, Status.UNPARSEABLE)
                assert (reply.answer, reply.thinking, reply.chances) == ("", None, {})
                assert 0 < len(reply.reason) < 500 and "\n" not in reply.reason
