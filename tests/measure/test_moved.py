"""How far a policy has moved, by log probabilities that were made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import exp
from pathlib import Path

import numpy as np
import pytest

from measure.synthetic import connect, rollout, verdict
from ponder.measure import choosing, moved
from ponder.measure.suite import CONDITIONS
from ponder.types import Completion, Lesson, Role, Rollout, Scorer


@dataclass(kw_only=True)
class Beginning:
    """Finds token k at place t of a completion as likely as exp(-k / 10); a `Scorer`."""

    temperatures: list[float] = field(default_factory=list)
    """Of each question."""
    lessons: list[Lesson] = field(default_factory=list)
    """Everything it was asked."""

    def logprobs(self, lessons: Sequence[Lesson], *, temperature: float = 1.0) -> list[list[tuple[float, ...]]]:
        self.temperatures.append(temperature)
        self.lessons += lessons
        return [[tuple(-token / 10 for token in branch.tokens) for branch in lesson.branches] for lesson in lessons]


def wrote(tokens: Sequence[int], logprobs: Sequence[float], *, forced: Sequence[int] = (), prompt: int = 1):
    """What the policy found that likely."""
    like = rollout("after", "0", 1.0).completion
    changed = {"tokens": tuple(tokens), "logprobs": tuple(logprobs), "forced": tuple(forced), "prompt": (prompt,)}
    return replace(like, **changed)


def said(*completions: Completion, problem: str = "0", condition: str = "after", domain: str = "chains"):
    """A problem's rollouts."""
    like = rollout(condition, problem, 1.0, domain=domain)
    return [replace(like, sample=g, completion=completion) for g, completion in enumerate(completions)]


def told(rollouts: Sequence[Rollout]) -> list[tuple[float, float]]:
    """Log ratio and tokens of each."""
    return [(r.verdicts[-1].parts["log_ratio"], r.verdicts[-1].parts["tokens"]) for r in rollouts]


def test_the_fake_keeps_to_the_protocol():
    assert isinstance(Beginning(), Scorer)


def test_hand_worked():
    """-.1 -.2 against -.5 -1.0: .4 and .8 nats, so 1.2 of them over two tokens, and exp(-.6) a token."""
    (found,) = moved.watched(said(wrote([5, 10], [-0.1, -0.2])), Beginning())
    last = found.verdicts[-1]
    assert (last.verifier, last.role, last.explanation) == ("moved", Role.WATCH, "+1.200 nats over 2 tokens")
    assert last.parts == pytest.approx({"log_ratio": 1.2, "tokens": 2.0}) and last.value == pytest.approx(exp(-0.6))
    assert found.verdicts[:-1] == rollout("after", "0", 1.0).verdicts and found.paid == 1.0


def test_what_the_beginning_finds_likelier_is_no_more_than_1():
    last = moved.verdict(wrote([5, 10], [-1.0, -2.0]), (-0.5, -1.0))
    assert last.value == 1.0 and last.parts["log_ratio"] == pytest.approx(-1.5)


def test_what_was_not_drawn_is_left_out():
    last = moved.verdict(wrote([5, 6, 7], [-0.5, -9.0, -0.5], forced=[1]), (-0.7, -1.0, -0.9))
    assert last.parts == pytest.approx({"log_ratio": 0.6, "tokens": 2.0}) and last.value == pytest.approx(exp(-0.3))
    nothing = moved.verdict(wrote([5], [-0.5], forced=[0]), (-0.7,))
    assert nothing.value == 1.0 and nothing.parts == {"log_ratio": 0.0, "tokens": 0.0}


def test_samples_of_a_prompt_are_scored_together_at_the_temperature_of_the_measurement():
    rollouts = [
        *said(wrote([5], [-0.1]), wrote([10, 10], [-0.5, -0.5])),
        *said(wrote([20], [-2.0], prompt=2), problem="1"),
    ]
    cool = [replace(r, cell=replace(r.cell, temperature=0.7)) for r in rollouts]
    beginning = Beginning()
    found = moved.watched(cool, beginning)
    assert np.allclose(told(found), [(0.4, 1), (1.0, 2), (0.0, 1)])
    assert [(lesson.prompt, len(lesson.branches)) for lesson in beginning.lessons] == [((1,), 2), ((2,), 1)]
    assert beginning.temperatures == [0.7]
    assert [replace(r, verdicts=r.verdicts[:-1]) for r in found] == cool


def test_what_was_taken_greedily_is_not_asked_about():
    greedy = [replace(r, cell=replace(r.cell, temperature=0.0)) for r in said(wrote([5], [-0.1]))]
    with pytest.raises(AssertionError, match="drawn"):
        moved.watched(greedy, Beginning())


def test_numbers_are_clustered_by_problem(tmp_path: Path):
    """p: .4 and .8 nats over a token each; q: 2.4 over six. By completion (.6 + 2.4) / 2, by token 6 / 14."""
    p = said(wrote([5], [-0.1]), wrote([10], [-0.2]), problem="p")
    q = [*said(wrote([5] * 6, [-0.1] * 6), problem="q"), *said(wrote([5] * 6, [-0.1] * 6), problem="q")]
    before = said(wrote([5, 5], [-0.5, -0.5]), problem="p", condition="before")
    con = connect([*moved.watched([*p, *q], Beginning()), *moved.watched(before, Beginning())], tmp_path)
    found = moved.numbers(con)
    assert set(found) == {
        f"moved.{label}.chains.{key}" for label in ("before", "after") for key in ("completion", "token")
    }
    each = found["moved.after.chains.completion"]
    half = 12.7062 * 0.9  # t with one degree of freedom; the problems' means are .6 and 2.4, so the error is .9
    assert (each.value, each.n, each.unit) == (pytest.approx(1.5), 2, "nats")
    assert (each.low, each.high) == (pytest.approx(1.5 - half, abs=1e-3), pytest.approx(1.5 + half, abs=1e-3))
    token = found["moved.after.chains.token"]
    assert token.value == pytest.approx(6 / 14) and token.low is not None and token.low < 6 / 14
    assert found["moved.before.chains.completion"].value == 0.0
    for name, number in found.items():
        assert con.execute(number.query).fetchall()[0][0] == pytest.approx(number.value), name


def test_without_it_there_is_no_number_and_it_is_no_judge(tmp_path: Path):
    plain = said(wrote([5], [-0.1]))
    judged = [replace(r, verdicts=(*r.verdicts, verdict(0.9, name="mine", role=Role.WATCH))) for r in plain]
    plainly = connect(moved.watched(plain, Beginning()), tmp_path / "plain")
    assert choosing.numbers(plainly) == {} and moved.numbers(plainly) != {}
    with_judge = connect(judged, tmp_path / "judged")
    both = connect(moved.watched(judged, Beginning()), tmp_path / "both")
    assert moved.numbers(with_judge) == {}
    assert choosing.numbers(both) == choosing.numbers(with_judge) != {}


def test_what_trained_weights_say_freely_is_watched():
    watched = {c.name for conditions in CONDITIONS.values() for c in conditions if c.watched}
    assert watched == {"before", "distilled", "after"}
