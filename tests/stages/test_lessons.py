"""Which rollouts teach, and how much."""

from __future__ import annotations

import torch

from ponder.stages.lessons import Teaching, lessons_of
from ponder.types import Cell, Completion, Message, Outcome, Problem, Rollout


def rollouts(groups: int, group: int) -> list[Rollout]:
    """Rollouts whose only token is their number."""
    made = []
    for number in range(groups * group):
        problem = Problem(
            id=f"letters/{number // group}",
            domain="letters",
            split="train",
            messages=(Message(role="user", content="?"),),
            reference="a",
        )
        completion = Completion(
            prompt=(1, 2),
            tokens=(number,),
            logprobs=(-1.0,),
            policy_version=0,
            thinking=None,
            thinking_tokens=0,
            answer="a",
            outcome=Outcome.ANSWERED,
        )
        cell = Cell(checkpoint="reinforce", domain="letters", split="train")
        given = {"cell": cell, "problem": problem, "completion": completion, "verdicts": ()}
        made.append(Rollout(stage="reinforce", step=0, sample=number % group, **given))
    return made


REWARDS = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
ALL = torch.ones(3, 3, dtype=torch.bool)


def taught(normalise: str, judged: torch.Tensor = ALL) -> dict[int, float]:
    """Advantages of the rollouts that teach, by their only token."""
    lessons = lessons_of(rollouts(3, 3), REWARDS, judged, Teaching(normalise=normalise))
    return {branch.tokens[0]: branch.advantage for lesson in lessons for branch in lesson.branches}


def test_with_a_baseline_only_groups_that_differ_teach():
    assert taught("none") == {3: 0.5, 4: -0.5, 5: 0.0}


def test_without_one_every_paid_rollout_is_imitated_and_no_other():
    assert taught("reward") == {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0, 5: 0.5}


def test_what_could_not_be_judged_is_not_imitated():
    judged = ALL.clone()
    judged[0] = False
    assert taught("reward", judged) == {3: 1.0, 5: 0.5}
