from __future__ import annotations

from math import exp
from pathlib import Path

import pytest
import torch

from contracts.respondent import RespondentContract, talk
from ponder.engine.respondent import LocalRespondent
from ponder.engine.sampler import LocalSampler
from ponder.engine.scorer import LocalScorer
from ponder.model.chat import Chat
from ponder.model.load import load_model
from ponder.types import Asking, Branch, Lesson, Mode, Status

HERE: dict[str, LocalRespondent] = {}
"""The tiny model's; made once."""


@pytest.fixture(scope="module", autouse=True)
def respondent(tiny: Path) -> LocalRespondent:
    model, chat = load_model(tiny, dtype=torch.float32), Chat.load(tiny)
    sampler = LocalSampler(model, stop=chat.ends, decode=chat.text)
    scorer = LocalScorer(model)
    HERE["tiny"] = LocalRespondent("tiny", chat=chat, sampler=sampler, scorer=scorer, context=model.context)
    return HERE["tiny"]


class TestLocalRespondent(RespondentContract):
    def respondent(self) -> LocalRespondent:
        return HERE["tiny"]

    def failing(self) -> None:
        return None


def test_chances_are_those_of_the_whole_answers(respondent: LocalRespondent):
    (reply,) = respondent.respond([talk("So?")], Asking(max_tokens=4, choices=("yes", "no", "yes, no")), ["a"])
    said = [respondent.chat.said(choice) for choice in ("yes", "no", "yes, no")]
    lesson = Lesson(
        prompt=respondent.chat.prompt(talk("So?"), Mode.FREE),
        branches=tuple(Branch(tokens=tokens, weight=1) for tokens in said),
    )
    (logprobs,) = respondent.scorer.logprobs([lesson])
    weights = [exp(sum(row)) for row in logprobs]
    assert list(reply.chances.values()) == pytest.approx([weight / sum(weights) for weight in weights])
    assert reply.answer == max(reply.chances, key=lambda choice: reply.chances[choice])
    assert reply.tokens == len(respondent.chat.said(reply.answer)) and reply.thinking is None


def test_thinking_goes_before_the_choice_and_is_closed(respondent: LocalRespondent):
    asking = Asking(max_tokens=6, temperature=1.0, think=True, choices=("yes", "no"))
    replies = respondent.respond([talk("So?")] * 2, asking, ["a", "b"])
    assert all(reply.thinking is not None and "</think>" not in reply.thinking for reply in replies)
    assert replies[0].thinking != replies[1].thinking and replies[0].chances != replies[1].chances
    assert all(reply.tokens > 6 for reply in replies)


def test_a_choice_is_drawn_by_its_chance(respondent: LocalRespondent):
    asking = Asking(max_tokens=4, temperature=1.0, choices=("a", "b"))
    replies = respondent.respond([talk("So?")] * 400, asking, [str(i) for i in range(400)])
    share = sum(reply.answer == "a" for reply in replies) / 400
    assert share == pytest.approx(replies[0].chances["a"], abs=0.1)


def test_what_does_not_fit_is_an_error_of_its_reply_alone(respondent: LocalRespondent):
    asking = Asking(max_tokens=4, choices=("yes", "no"))
    short, long = respondent.respond([talk("So?"), talk("word " * 500)], asking, ["a", "b"])
    assert (short.status, long.status) == (Status.JUDGED, Status.ERROR)
    assert long.reason.startswith("question of 25") and "the context is 2048 tokens" in long.reason
