"""What is taken for thinking in a step of reinforcement, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import Numbered, RecordingLearner
from ponder.model.chat import Chat
from ponder.objectives.costs import Tariff
from ponder.stages.costing import Costing, Targets
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


def test_a_target_is_told_and_kept_to_by_problem(chat: Chat):
    targets = Targets(lengths=(2, 30), seed=0)
    costing = Costing("target", Tariff(slope=0.01), targets=targets)
    reinforce, learner = stage(chat, (*LINES, *LINES), problems=2, costing=costing)
    step = reinforce.step(0)
    problems = [step.rollouts[0].problem, step.rollouts[4].problem]
    aims = [targets.of(problem) for problem in problems]
    assert [problem.question.split("\n")[1] for problem in problems] == [f"Think for {n} tokens." for n in aims]
    rewards = [r - 0.01 * abs(aims[0] - n) for r, n in zip((1, 1, 0, 0), (0, 5, 0, 5), strict=True)]
    expected = [reward - sum(rewards) / 4 for reward in rewards]
    assert advantages(learner)[:4] == pytest.approx(expected, abs=1e-6)
    off = [abs(aim - n) for aim in aims for n in (0, 5, 0, 5)]
    assert step.metrics["off_target"] == pytest.approx(sum(off) / 8)


def test_targets_are_drawn_by_problem_and_seed_and_told_in_its_language(chat: Chat):
    problems = Numbered().problems("train", seed=0, n=60)
    one, other = Targets(lengths=(2, 30), seed=0), Targets(lengths=(2, 30), seed=1)
    drawn = [one.of(problem) for problem in problems]
    assert set(drawn) == {2, 30} and 15 < drawn.count(2) < 45 and drawn != [other.of(p) for p in problems]
    said = one.told(replace(problems[0], language="ja"), "target_max").question
    assert said == f"{problems[0].question}\n{drawn[0]}トークン以内で考えてください。"


def test_without_a_length_to_hold_the_price_stays(chat: Chat):
    costing = Costing("linear", Tariff(price=0.01))
    reinforce, _ = stage(chat, LINES, problems=1, costing=costing)
    assert [reinforce.step(index).metrics["price"] for index in range(2)] == [0.01, 0.01]
