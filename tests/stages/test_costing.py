"""What is taken for thinking in a step of reinforcement, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import RecordingLearner
from ponder.model.chat import Chat
from ponder.objectives.costs import Tariff
from ponder.stages.costing import Costing
from stages.test_reinforce import stage

LINES = (("0", "<think>12345</think>0", "9", "<think>12345</think>9"),)
"""Right, right after thinking, wrong, wrong after thinking."""


@pytest.fixture(scope="module")
def chat(tiny: Path) -> Chat:
    return Chat.load(tiny)


def advantages(learner: RecordingLearner) -> list[float]:
    return [branch.advantage for lesson in learner.steps[0][0] for branch in lesson.branches]


def test_a_price_is_paid_by_right_and_wrong_alike_and_recorded_rewards_stay(chat: Chat):
    reinforce, learner = stage(chat, LINES, problems=1, costing=Costing("linear", Tariff(price=0.01)))
    step = reinforce.step(0)
    lengths = [rollout.completion.thinking_tokens for rollout in step.rollouts]
    assert lengths == [0, 5, 0, 5]
    assert [rollout.paid for rollout in step.rollouts] == [1.0, 1.0, 0.0, 0.0]
    assert advantages(learner) == pytest.approx([0.525, 0.475, -0.475, -0.525])
    assert step.metrics["reward"] == 0.5 and step.metrics["thinking_tokens"] == 2.5
    assert step.metrics["cost"] == pytest.approx(0.025) and step.metrics["price"] == 0.01


def test_a_group_that_is_all_right_learns_to_be_short(chat: Chat):
    lines = (("0", "<think>12345</think>0", "0", "0"),)
    reinforce, learner = stage(chat, lines, problems=1, costing=Costing("group", Tariff(slope=0.4)))
    step = reinforce.step(0)
    assert [one > 0 for one in advantages(learner)] == [True, False, True, True]
    assert "price" not in step.metrics and 0 < step.metrics["cost"] < 0.4


def test_what_is_not_judged_costs_nothing(chat: Chat):
    lines = (("0", "<think>12345</think>fail", "fail", "fail"),)
    reinforce, _ = stage(chat, lines, problems=1, max_not_judged=1.0, costing=Costing("linear", Tariff(price=0.01)))
    assert reinforce.step(0).metrics["cost"] == 0.0
    lines = (("fail",) * 4,)
    reinforce, _ = stage(chat, lines, problems=1, max_not_judged=1.0, costing=Costing("linear", Tariff(price=0.01)))
    assert reinforce.step(0).metrics["cost"] == 0.0


def test_the_price_of_a_step_follows_from_the_lengths_of_those_before(chat: Chat):
    costing = Costing("linear", Tariff(), hold=2.0, rate=0.1)
    reinforce, _ = stage(chat, LINES, problems=1, costing=costing)
    prices = [reinforce.step(index).metrics["price"] for index in range(3)]
    # 2.5 tokens a step where 2 are to be held: 0.1 * 0.5 / 4 more each time.
    assert prices == pytest.approx([0.0, 0.0125, 0.025])


def test_without_a_length_to_hold_the_price_stays(chat: Chat):
    costing = Costing("linear", Tariff(price=0.01))
    reinforce, _ = stage(chat, LINES, problems=1, costing=costing)
    assert [reinforce.step(index).metrics["price"] for index in range(2)] == [0.01, 0.01]
