from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from fakes import Numbered, RecordingLearner, ScriptedVerifier, Shouting, ask
from ponder.types import (
    Attack,
    Branch,
    Cell,
    Completion,
    Domain,
    Learner,
    Lesson,
    Message,
    Mode,
    Outcome,
    PonderError,
    Problem,
    Role,
    Rollout,
    Sampler,
    Status,
    Verdict,
    Verifier,
)


def rollout(*verdicts: Verdict) -> Rollout:
    completion = Completion(
        prompt=(1,),
        tokens=(2,),
        logprobs=(-0.5,),
        policy_version=0,
        thinking=None,
        thinking_tokens=0,
        answer="7",
        outcome=Outcome.ANSWERED,
    )
    cell = Cell(checkpoint="untouched", domain="sums", split="train")
    return Rollout(
        stage="s", step=0, sample=0, cell=cell, problem=ask("3 + 4?"), completion=completion, verdicts=verdicts
    )


def test_the_question_is_the_last_user_turn():
    turns = [("system", "Be brief."), ("user", "1 + 1?"), ("assistant", "2"), ("user", "3 + 4?"), ("assistant", "So")]
    messages = tuple(Message(role=role, content=content) for role, content in turns)
    problem = Problem(id="a/test/0/0", domain="a", split="test", messages=messages, reference="7")
    assert problem.question == "3 + 4?"


@pytest.mark.parametrize(
    ("value", "status"),
    [(None, Status.JUDGED), (0.0, Status.ERROR), (1.5, Status.JUDGED), (-0.1, Status.JUDGED), (1.0, Status.TIMEOUT)],
)
def test_a_verdict_has_a_value_exactly_when_it_is_judged(value: float | None, status: Status):
    with pytest.raises(AssertionError, match="a verdict"):
        Verdict(verifier="v", value=value, status=status)


def test_what_is_paid_is_the_first_paying_verdict():
    watching = Verdict(verifier="w", value=0.25, role=Role.WATCH)
    first, second = Verdict(verifier="p", value=0.0), Verdict(verifier="q", value=1.0)
    assert rollout(watching, first, second).paid == 0.0
    assert rollout(watching, first, second).verdict(Role.WATCH) == watching
    assert rollout(watching).paid is None and rollout(watching).verdict(Role.GOLD) is None


def test_a_verifier_that_failed_pays_nothing_rather_than_zero():
    failed = Verdict(verifier="p", value=None, status=Status.UNPARSEABLE)
    assert rollout(failed).paid is None and rollout(failed).verdict(Role.PAY) == failed


def test_a_lesson_counts_its_prompt_once_and_no_last_token():
    branches = tuple(Branch(tokens=tokens, weight=0.1) for tokens in ((1, 2, 3), (4,), (5, 6)))
    assert Lesson(prompt=(7, 8, 9), branches=branches).length == 3 + 2 + 0 + 1


def test_records_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        ask("3 + 4?").reference = "8"  # pyright: ignore[reportAttributeAccessIssue]


def test_words_are_written_as_they_are():
    assert [f"{word}" for word in (Outcome.NO_ANSWER, Status.TIMEOUT, Role.PAY, Mode.FEWSHOT)] == [
        "no_answer",
        "timeout",
        "pay",
        "fewshot",
    ]


def test_a_users_mistake_is_a_value_error():
    assert issubclass(PonderError, ValueError)


def test_protocols_tell_who_keeps_to_them():
    assert isinstance(Numbered(), Domain) and isinstance(ScriptedVerifier(), Verifier)
    assert isinstance(RecordingLearner(), Learner) and not isinstance(RecordingLearner(), Sampler)
    assert isinstance(Shouting(), Attack) and not isinstance(ScriptedVerifier(), Attack)
