from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import CUT, Numbered, RecordingLearner, ScriptedSampler, ScriptedVerifier
from ponder.model.chat import Chat
from ponder.rollout import Check, Examiner, Roller
from ponder.runs.folder import Run
from ponder.runs.table import write_rollouts
from ponder.stages.cold_start import ColdStart
from ponder.stages.distil import Distil, Harvest
from ponder.stages.kept import Kept
from ponder.stages.mixture import InOrder, Mixture
from ponder.types import Cell, Message, Mode, Problem, Role
from ponder.verifiers.formed import Formed

LINES = (
    ("<think>k1: yes</think>0", "<think>k2: yes</think>0", "0", "<think>k1: yes</think>9"),
    ("<think>none</think>1", "1", f"<think>k1{CUT}", "<think>k1: yes</think>fail"),
    ("<think>k1: no, k2: yes</think>2", "2", "2", "2"),
    ("3", "3", "3", "3"),
)
"""Answers to problems whose references are 0, 1, 2 and 3: one is kept of the first, and one of the third."""


@pytest.fixture(scope="module")
def chat(tiny: Path) -> Chat:
    return Chat.load(tiny)


def under_a_spec(problem: Problem) -> Problem:
    return replace(problem, messages=(Message(role="system", content="k1, k2"), *problem.messages))


def stage(chat: Chat, lines: Any = LINES, **changes: Any) -> tuple[Distil, RecordingLearner]:
    learner = RecordingLearner()
    filters = [Check(verifier=Formed(clauses=("k1", "k2")), roles=(Role.FILTER,))]
    filters.append(Check(verifier=ScriptedVerifier(), roles=(Role.FILTER, Role.GOLD)))
    sampler = ScriptedSampler(chat=chat, lines=lines)

    learns: dict[str, Any] = {"learner": learner, "chat": chat, "steps": 3, "learning_rate": 1.0, "warmup": 1}
    learns |= {"worked": 1.0} | changes.pop("learns", {})

    def teach(kept: Mapping[str, Kept]) -> ColdStart:
        mixture = Mixture(kept, dict.fromkeys(kept, 1.0), seed=0)
        return ColdStart(domains=kept, source=InOrder(mixture, 4).source, **learns)

    settings: dict[str, Any] = {
        "roller": Roller(sampler=sampler, chat=chat, examiner=Examiner({"sums": filters}), seed=0, shown=under_a_spec),
        "source": InOrder(Mixture({"sums": Numbered()}, {"sums": 1}, seed=0), 4).source,
        "gather": 2,
        "group": 4,
        "cell": Cell(checkpoint="distil", domain="", split="", budget=64),
        "harvest": Harvest(least=0.5),
        "clauses": ("k1", "k2"),
        "teach": teach,
        "before": 10,
        "learning": 3,
    }
    return Distil(**(settings | changes)), learner


def test_the_best_that_passes_every_filter_is_kept_with_the_question_as_it_was(chat: Chat):
    distil, _ = stage(chat)
    step = distil.step(0)
    kept = {problem.reference: rollout for problem, rollout in distil.harvest.kept}
    assert {reference: rollout.sample for reference, rollout in kept.items()} == {"0": 0, "2": 0}
    assert all(problem.messages[0].role == "user" for problem, _ in distil.harvest.kept)
    assert all(rollout.problem.messages[0].content == "k1, k2" for rollout in step.rollouts)
    assert step.metrics["kept"] == 0.5 and step.metrics["rollouts"] == 16
    dropped = {name: round(16 * value) for name, value in step.metrics.items() if name.startswith("dropped_")}
    assert dropped == {"dropped_form": 10, "dropped_not_judged": 1, "dropped_script": 1, "dropped_truncated": 1}
    assert step.metrics["passed_gold"] == 1.0


def test_what_is_learned_is_asked_without_the_spec_and_every_kind_as_often(chat: Chat):
    distil, learner = stage(chat)
    for index in range(3):
        distil.step(index)
    (lessons, loss, _) = learner.steps[0]
    plain = {chat.prompt(p.messages) for p in Numbered().problems("train", seed=0, n=8)}
    assert loss.name == "likelihood" and {lesson.prompt for lesson in lessons} <= plain
    told = Counter(lesson.branches[0].tokens for lesson in lessons)
    assert told == {chat.reply("0", "k1: yes"): 2, chat.reply("2", "k1: no, k2: yes"): 2}
    assert sorted(distil.kinds()) == ["sums k1 0", "sums k2 2"]


def test_a_question_said_again_is_learned_from_in_sight_and_out_of_sight(chat: Chat):
    """The share that has no question above it goes on from the line alone, which is read and not learned."""
    distil, learner = stage(chat, restated="Asked: {question}", learns={"worked": 0.8, "blank": 1.0, "unseen": 0.25})
    for index in range(3):
        distil.step(index)
    asked = {p.reference: p for p in Numbered().problems("train", seed=0, n=4)}
    shown, alone = learner.steps[0][0][::2], learner.steps[0][0][1::2]
    for seen, unseen in zip(shown, alone, strict=True):
        reference = chat.text(seen.branches[0].tokens).partition(chat.thinking.close)[2].strip()[:1]
        line = f"Asked: {asked[reference].question}"
        rest = {"0": "k1: yes", "2": "k1: no, k2: yes"}[reference]
        assert seen.branches[0].tokens == chat.reply(reference, f"{line}\n{rest}")
        nothing = chat.prompt((Message(role="user", content=""),), Mode.FORCED)
        assert unseen.prompt == chat.begun(nothing, line)
        (branch,) = unseen.branches
        assert branch.tokens == chat.said(f"{rest}{chat.thinking.closing}{reference}") and not branch.forced
        weights = [seen.branches[0].weight, seen.branches[1].weight, branch.weight]
        assert weights == pytest.approx([0.8 * 0.75 / 4, 0.2 / 4, 0.8 * 0.25 / 4])


def test_it_asks_first_and_learns_then(chat: Chat):
    distil, learner = stage(chat)
    assert distil.steps == 5
    for index in range(2):
        distil.step(index)
    assert not learner.steps
    assert distil.step(2).metrics["loss"] == 1.0 and len(learner.steps) == 1


def test_where_nothing_was_kept_it_stops_and_says_why(chat: Chat):
    distil, learner = stage(chat, (("7", "<think>k1</think>8", "8", f"8{CUT}"),))
    step = [distil.step(index) for index in range(3)][-1]
    assert step.halt == "distil: nothing was kept; 0 problems kept; dropped: 16 form, 8 script, 8 truncated"
    assert not learner.steps


def test_a_judge_reads_the_question_without_the_spec_that_stands_before_it(chat: Chat):
    distil, _ = stage(chat)
    distil.step(0)
    *_, judge = distil.roller.examiner.checks["sums"]
    assert isinstance(judge.verifier, ScriptedVerifier) and judge.verifier.seen
    assert all(m.role == "user" for submission in judge.verifier.seen for m in submission.problem.messages)


def test_a_clause_on_which_nothing_rests_is_told_once_everything_was_asked(chat: Chat):
    distil, _ = stage(chat)
    assert [distil.step(index).warning for index in range(3)] == ["", "", ""]
    distil, _ = stage(chat, expected=("k1", "k2", "k3"))
    assert [distil.step(index).warning for index in range(3)] == [
        "",
        "distil: nothing that was kept rests on k3 (2 problems kept; dropped: 20 form, 5 script, 2 truncated, "
        "2 not judged; it rests on 1 k1, 1 k2): nobody asks about it, or the judge lets none of it pass",
        "",
    ]


def test_a_resumed_stage_finds_again_what_it_had_kept(chat: Chat, tmp_path: Path):
    one, _ = stage(chat)
    with Run.create(tmp_path / "run", {}) as run:
        for index in range(2):
            write_rollouts(run.rollouts_file("distil", index), one.step(index).rollouts, run="run")
        other, _ = stage(chat)
        other.catch_up(run, steps=4)
    assert other.harvest.told == one.harvest.told
    assert [p for p, _ in other.harvest.kept] == [p for p, _ in one.harvest.kept]
    assert {name: k.problems("train", seed=0, n=9) for name, k in other.kinds().items()} == {
        name: k.problems("train", seed=0, n=9) for name, k in one.kinds().items()
    }
