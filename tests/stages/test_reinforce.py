from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from fakes import CUT, Numbered, RecordingLearner, ScriptedSampler, ScriptedVerifier
from ponder.measure.statistics.drift import Drift
from ponder.measure.watching import Watch
from ponder.model.chat import Chat
from ponder.rollout import Check, Examiner, Roller
from ponder.stages.drive import Step
from ponder.stages.lessons import Teaching
from ponder.stages.mixture import InOrder, Mixture
from ponder.stages.reinforce import Reinforce, summary
from ponder.stages.watchman import Watchman
from ponder.types import Cell, Lesson, LossChoice, Role

TEACHING = {each.name for each in fields(Teaching)}
LINES = (
    ("0", "<think>so</think>0", "9", "fail"),
    ("1", "1", "1", "1"),
    (f"2{CUT}", "", "<think>", "3"),
    ("3", "fail", "fail", "fail"),
)
"""Answers to problems whose references are 0, 1, 2 and 3: mixed, all right, all wrong, one judged."""


@pytest.fixture(scope="module")
def chat(tiny: Path) -> Chat:
    return Chat.load(tiny)


def stage(chat: Chat, lines: Any = LINES, **changes: Any) -> tuple[Reinforce, RecordingLearner]:
    changes = {"normalise": "none"} | changes
    learner = RecordingLearner()
    check = Check(verifier=ScriptedVerifier(), roles=(Role.PAY, Role.GOLD))
    examiner = Examiner({"sums": [check]})
    roller = Roller(sampler=ScriptedSampler(chat=chat, lines=lines), chat=chat, examiner=examiner, seed=0)
    teaching = Teaching(**{key: changes.pop(key) for key in list(changes) if key in TEACHING})
    feed = InOrder(Mixture({"sums": Numbered()}, {"sums": 1}, seed=0), changes.pop("problems", 4))
    settings: dict[str, Any] = {
        "steps": 10,
        "group": 4,
        "cell": Cell(checkpoint="reinforce", domain="", split="", budget=32),
        "learning_rate": 1e-3,
        "warmup": 4,
        "max_not_judged": 0.5,
        "before": 100,
    }
    return Reinforce(learner=learner, roller=roller, feed=feed, teaching=teaching, **(settings | changes)), learner


def lessons(chat: Chat, lines: Any = LINES, **changes: Any) -> tuple[Lesson, ...]:
    reinforce, learner = stage(chat, lines, **changes)
    reinforce.step(0)
    return learner.steps[0][0]


def test_only_groups_whose_judged_rewards_differ_are_learned(chat: Chat):
    (lesson,) = lessons(chat)
    assert lesson.prompt == chat.prompt(Numbered().problems("train", seed=0, n=1)[0].messages)
    assert [branch.tokens for branch in lesson.branches] == [chat.reply("0"), chat.reply("0", "so"), chat.reply("9")]


def test_advantages_are_against_the_mean_of_the_judged(chat: Chat):
    (lesson,) = lessons(chat)
    assert [branch.advantage for branch in lesson.branches] == pytest.approx([1 / 3, 1 / 3, -2 / 3])
    assert [branch.logprobs for branch in lesson.branches] == [(-0.5,) * len(b.tokens) for b in lesson.branches]


def test_normalising_divides_by_the_deviation_over_what_is_learned_from(chat: Chat):
    (lesson,) = lessons(chat, normalise="batch")
    judged = 3  # of the one group whose rewards differ
    deviation = ((1 / 9 + 1 / 9 + 4 / 9) / judged) ** 0.5
    assert [b.advantage for b in lesson.branches] == pytest.approx(
        [1 / 3 / deviation, 1 / 3 / deviation, -2 / 3 / deviation], rel=1e-4
    )


def test_every_token_weighs_the_same_and_all_of_them_one(chat: Chat):
    found = lessons(chat, (("0", "12", "1", "0"), ("<think>so</think>1", "0", "1", "0")))
    branches = [branch for lesson in found for branch in lesson.branches]
    assert len(found) == 2 and len({branch.weight for branch in branches}) == 1
    assert sum(branch.weight * len(branch.tokens) for branch in branches) == pytest.approx(1.0)


def test_tokens_cost_only_those_who_are_right(chat: Chat):
    (lesson, *_) = lessons(chat, (("0", "<think>so</think>0", "9", "99999"),), cost=0.01, problems=1)
    rewards = [1 - 0.01 * 2, 1 - 0.01 * 19, 0.0, 0.0]
    mean = sum(rewards) / 4
    assert [b.advantage for b in lesson.branches] == pytest.approx([reward - mean for reward in rewards])


def test_with_a_cost_a_group_that_is_all_right_learns_to_be_short(chat: Chat):
    (lesson,) = lessons(chat, (("0", "<think>so</think>0", "0", "0"),), cost=0.01, problems=1)
    assert [branch.advantage > 0 for branch in lesson.branches] == [True, False, True, True]


def test_a_step_that_teaches_nothing_does_not_learn(chat: Chat):
    reinforce, learner = stage(chat, (("x",) * 4,))
    step = reinforce.step(0)
    assert learner.steps == [] and step.metrics["groups_learned"] == 0 and len(step.rollouts) == 16


def test_it_stops_with_one_line_when_the_verifier_fails_too_often(chat: Chat):
    assert stage(chat, max_not_judged=0.25)[0].step(0).metrics["not_judged"] == 0.25
    reinforce, learner = stage(chat, max_not_judged=0.2)
    step = reinforce.step(0)
    assert step.halt.startswith("rl.max_not_judged = 0.2: the verifier failed on 25% of the rollouts")
    assert "\n" not in step.halt and len(step.rollouts) == 16 and learner.steps == []


def test_an_alarm_ends_the_stage_and_a_verifier_that_fails_is_told_first(chat: Chat):
    def step(failures: float) -> Step:
        guard = Watchman(Watch(drift=Drift(opening=2), role=Role.GOLD), on_alarm="roll_back")
        guard.alarm.sounded = True
        reinforce, learner = stage(chat, max_not_judged=failures, watchman=guard)
        done = reinforce.step(0)
        assert learner.steps == [] and len(done.rollouts) == 16 and done.metrics["watch_alarm"] == 1
        return done

    alarmed, failed = step(0.5), step(0.2)
    assert alarmed.back and alarmed.halt.startswith("rl.watch: what pays has drifted")
    assert not failed.back and failed.halt.startswith("rl.max_not_judged")


def test_a_share_at_the_limit_is_within_it(chat: Chat):
    lines = (("0", "x", "x", "x", "fail"), ("1", "x", "x", "x", "x"))
    reinforce, learner = stage(chat, lines, problems=2, group=5, max_not_judged=0.1)
    reinforce.step(0)
    assert len(learner.steps) == 1


def test_steps_ask_for_the_next_problems_under_the_next_version(chat: Chat):
    rollouts = stage(chat)[0].step(2).rollouts
    assert [r.problem.id for r in rollouts[::4]] == [f"sums/train/0/{i}" for i in (8, 9, 10, 11)]
    assert {(r.stage, r.step, r.completion.policy_version) for r in rollouts} == {("reinforce", 2, 102)}
    assert {(r.cell.budget, r.cell.temperature, r.cell.tier) for r in rollouts} == {(32, 1.0, "")}


def test_the_learning_rate_warms_up_and_stays(chat: Chat):
    reinforce, learner = stage(chat)
    rates = [reinforce.step(index).metrics["learning_rate"] for index in (0, 1, 3, 9)]
    assert rates == pytest.approx([0.25e-3, 0.5e-3, 1e-3, 1e-3])
    assert [(loss.name, rate) for _, loss, rate in learner.steps] == [("reinforce", 0.25e-3)]
    assert stage(chat, warmup=0)[0].step(0).metrics["learning_rate"] == 1e-3


def test_metrics_hold_no_clock(chat: Chat):
    one, other = (stage(chat)[0].step(0) for _ in range(2))
    assert one.metrics == other.metrics
    assert one.metrics["loss"] == 1.0 and one.metrics["groups_learned"] == 1
    assert set(one.timings) == {"sample_seconds", "learn_seconds", "sample_tokens_per_second"}


def test_the_summary_by_hand(chat: Chat):
    rollouts = stage(chat)[0].step(0).rollouts
    found = summary(rollouts)
    logprobs = [logprob for rollout in rollouts for logprob in rollout.completion.logprobs]
    tokens = [2, 19, 2, 5] + [2] * 4 + [1, 1, 8, 2] + [2, 5, 5, 5]
    thinking = [0, 2, 0, 0] + [0] * 4 + [0] * 4 + [0] * 4
    assert found == pytest.approx(
        {
            "rollouts": 16,
            "reward": (2 + 4 + 0 + 1) / 12,
            "gold": (2 + 4 + 0 + 1) / 12,
            "share_thinking": 1 / 16,  # an empty block is no thinking
            "thinking_tokens": sum(thinking) / 16,
            "answer_tokens": (sum(tokens) - sum(thinking)) / 16,
            "truncated": 1 / 16,
            "no_answer": 2 / 16,
            "entropy": -sum(logprobs) / len(logprobs),
            "not_judged": 4 / 16,
        }
    )


def test_a_step_of_which_nothing_could_be_judged_has_no_reward(chat: Chat):
    found = summary(stage(chat, (("fail",) * 4,), max_not_judged=1.0)[0].step(0).rollouts)
    assert found["reward"] != found["reward"] and found["not_judged"] == 1.0 and "gold" not in found


TWO = (("0", "1", "0", "0"), ("1", "0", "1", "1"))
"""Two groups that teach."""


def test_several_updates_hold_on_to_what_was_likely_when_the_batch_was_drawn(chat: Chat):
    found, learner = stage(chat, TWO, problems=2, minibatches=2, epochs=2, loss=LossChoice(name="clipped"))
    step = found.step(0)
    assert [len(part) for part, _, _ in learner.steps] == [1, 1, 1, 1]
    assert [part[0].prompt for part, _, _ in learner.steps[:2]] == [part[0].prompt for part, _, _ in learner.steps[2:]]
    branches = [branch for part, _, _ in learner.steps for lesson in part for branch in lesson.branches]
    assert all(branch.old == (-0.75,) * len(branch.tokens) for branch in branches)
    for part, loss, _ in learner.steps:
        total = sum(branch.weight * len(branch.tokens) for lesson in part for branch in lesson.branches)
        assert total == pytest.approx(1.0) and loss.name == "clipped"
    assert step.metrics["loss"] == (1 + 2 + 3 + 4) / 4


def test_more_minibatches_than_groups_are_as_many_as_groups(chat: Chat):
    found, learner = stage(chat, TWO, problems=2, minibatches=5)
    found.step(0)
    assert [len(part) for part, _, _ in learner.steps] == [1, 1]


def test_one_update_needs_no_second_opinion(chat: Chat):
    (lesson, *_) = lessons(chat)
    assert {(branch.old, branch.reference) for branch in lesson.branches} == {(None, None)}


def test_a_reference_policy_says_how_likely_it_finds_each_token(chat: Chat):
    (lesson,) = lessons(chat, reference=RecordingLearner())
    assert all(branch.reference == (-0.75,) * len(branch.tokens) for branch in lesson.branches)


def test_the_temperature_of_the_cell_is_that_of_sampling_and_of_learning(chat: Chat):
    cell = Cell(checkpoint="reinforce", domain="", split="", budget=32, temperature=0.5)
    found, learner = stage(chat, TWO, problems=2, minibatches=2, cell=cell, reference=(other := RecordingLearner()))
    rollouts = found.step(0).rollouts
    assert set(learner.temperatures) == set(other.temperatures) == {0.5}
    assert {r.cell.temperature for r in rollouts} == {0.5}


def test_truncated_rollouts_can_be_left_out_of_the_loss_and_stay_in_the_baseline(chat: Chat):
    lines = (("0", "0", f"9{CUT}", "9"),)
    (whole,) = lessons(chat, lines, problems=1)
    (fewer,) = lessons(chat, lines, problems=1, drop_truncated=True)
    assert [b.advantage for b in whole.branches] == [0.5, 0.5, -0.5, -0.5]
    assert [replace(b, weight=0.0) for b in fewer.branches] == [
        replace(whole.branches[i], weight=0.0) for i in (0, 1, 3)
    ]


def test_the_last_tokens_before_the_limit_cost(chat: Chat):
    lines = (("0", "0000000000000000000000000", "9", "9"),)  # 2 and 26 of 32 tokens
    (lesson,) = lessons(chat, lines, problems=1, overlong=12)
    assert lesson.branches[0].advantage - lesson.branches[2].advantage == pytest.approx(1.0)
    assert lesson.branches[2].advantage - lesson.branches[1].advantage == pytest.approx(6 / 12)
