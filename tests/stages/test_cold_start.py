from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes import Numbered, RecordingLearner
from ponder.model.chat import Chat
from ponder.stages.cold_start import DOTS, ColdStart, warm_then_fall
from ponder.stages.mixture import InOrder, Mixture
from ponder.types import Mode, PonderError


@pytest.fixture(scope="module")
def chat(tiny: Path) -> Chat:
    return Chat.load(tiny)


def cold_start(chat: Chat, learner: RecordingLearner, **changes: Any) -> ColdStart:
    domains = changes.pop("domains", {name: Numbered(name=name) for name in ("a", "b")})
    mixture = Mixture(domains, changes.pop("weights", {"a": 1, "b": 1}), seed=0)
    settings: dict[str, Any] = {
        "domains": domains,
        "source": InOrder(mixture, changes.pop("batch", 8)).source,
        "steps": 10,
        "worked": 0.3,
        "learning_rate": 1e-3,
        "warmup": 2,
    }
    return ColdStart(learner=learner, chat=chat, **(settings | changes))


def test_the_learning_rate_rises_then_falls():
    factors = [warm_then_fall(index, 11, 2) for index in range(11)]
    assert factors[:2] == [0.5, 1.0]
    assert factors[2:] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert warm_then_fall(0, 1, 0) == pytest.approx(0.1)
    assert warm_then_fall(0, 4, 0, floor=0.5) == pytest.approx(0.875)
    assert warm_then_fall(2, 2, 5) == pytest.approx(0.6)


def test_a_lesson_is_the_prompt_and_both_things_that_could_be_said(chat: Chat):
    learner = RecordingLearner()
    cold_start(chat, learner, weights={"a": 1}).step(0)
    problems = Numbered(name="a").problems("train", seed=0, n=8)
    lessons, loss, _ = learner.steps[0]
    assert [lesson.prompt for lesson in lessons] == [chat.prompt(p.messages) for p in problems]
    assert [branch.tokens for branch in lessons[3].branches] == [chat.reply("3", "It is 3."), chat.reply("3")]
    assert loss.name == "likelihood" and {b.logprobs for lesson in lessons for b in lesson.branches} == {None}


def test_worked_examples_have_their_share_of_the_loss(chat: Chat):
    learner = RecordingLearner()
    cold_start(chat, learner).step(0)
    branches = [branch for lesson in learner.steps[0][0] for branch in lesson.branches]
    worked = [branch.tokens[: len(chat.opening)] == chat.opening for branch in branches]
    assert sum(branch.weight for branch, thinks in zip(branches, worked, strict=True) if thinks) == pytest.approx(0.3)
    assert sum(branch.weight for branch in branches) == pytest.approx(1.0)
    assert {branch.advantage for branch in branches} == {1.0}


@pytest.mark.parametrize(("worked", "thinking"), [(0.0, False), (1.0, True)])
def test_a_reply_of_no_weight_is_left_out(chat: Chat, worked: float, thinking: bool):
    learner = RecordingLearner()
    cold_start(chat, learner, worked=worked).step(0)
    for lesson in learner.steps[0][0]:
        (branch,) = lesson.branches
        assert (branch.tokens[: len(chat.opening)] == chat.opening) == thinking
        assert branch.weight == 1 / 8


def test_direct_answers_behind_a_block_that_says_nothing(chat: Chat):
    """They have their share of the weight, the block is not learned from, and it is empty one time in two."""
    learner = RecordingLearner()
    cold_start(chat, learner, blank=0.25, batch=64).step(0)
    lessons = learner.steps[0][0]
    assert sum(lesson.branches[1].weight for lesson in lessons) == pytest.approx(0.7 * 0.75)
    assert sum(lesson.branches[2].weight for lesson in lessons) == pytest.approx(0.7 * 0.25)
    dots = []
    for lesson in lessons:
        _, direct, behind = lesson.branches
        block = behind.tokens[: len(behind.forced)]
        assert behind.forced == tuple(range(len(block))) and (*block, *direct.tokens) == behind.tokens
        dots.append(chat.text(block).count("."))
        assert block == chat.blank(dots[-1])
    assert 16 < dots.count(0) < 48 and max(dots) <= DOTS and len(set(dots)) > 10


@pytest.mark.parametrize("mode", [Mode.NONE, Mode.FILLER])
def test_a_block_that_says_nothing_is_what_the_modes_put_there(chat: Chat, mode: Mode):
    (problem,) = Numbered(name="a").problems("train", seed=0, n=1)
    asked = chat.prompt(problem.messages, mode, filler=5)
    assert asked == (*chat.prompt(problem.messages), *chat.blank(5 if mode is Mode.FILLER else 0))


def test_steps_read_on_where_the_last_one_stopped(chat: Chat):
    parts, whole = RecordingLearner(), RecordingLearner()
    for index in range(2):
        cold_start(chat, parts, batch=5).step(index)
    cold_start(chat, whole, batch=10).step(0)
    prompts = [[lesson.prompt for lessons, _, _ in learner.steps for lesson in lessons] for learner in (parts, whole)]
    assert prompts[0] == prompts[1]


def test_metrics_hold_no_clock(chat: Chat):
    learner = RecordingLearner()
    stage = cold_start(chat, learner)
    one, other = stage.step(1), cold_start(chat, RecordingLearner()).step(1)
    assert one.metrics == other.metrics
    lessons = learner.steps[0][0]
    assert one.metrics["tokens"] == sum(lesson.length for lesson in lessons)
    assert one.metrics["learning_rate"] == learner.steps[0][2] == pytest.approx(1e-3)
    assert one.rollouts == () and min(one.timings.values()) >= 0


def test_a_domain_nobody_has_worked_can_only_be_answered_directly(chat: Chat):
    domains = {"a": Numbered(name="a", thinks=False)}
    learner = RecordingLearner()
    cold_start(chat, learner, domains=domains, weights={"a": 1}, worked=0.0).step(0)
    with pytest.raises(
        PonderError, match=r"^cold_start.domains has 'a': .*; leave it out or set cold_start.worked = 0$"
    ):
        cold_start(chat, learner, domains=domains, weights={"a": 1}).step(0)
