from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from fakes import Numbered
from ponder.runs.folder import Run
from ponder.runs.table import write_rollouts
from ponder.stages.curriculum import NEW, Curriculum, Estimate, Pool, catch_up
from ponder.stages.mixture import Mixture
from ponder.streams import stream
from ponder.types import Cell, Completion, Outcome, Problem, Rollout, Status, Verdict

DOMAINS = {"few": Numbered(name="few", count=30), "many": Numbered(name="many")}


def rollout(problem: Problem, step: int, sample: int, value: float | None) -> Rollout:
    """One that was paid this; None for a verifier that failed."""
    text = Completion(
        prompt=(1,),
        tokens=(2,),
        logprobs=(-1.0,),
        policy_version=step,
        thinking=None,
        thinking_tokens=0,
        answer="?",
        outcome=Outcome.ANSWERED,
    )
    verdict = Verdict(verifier="v", value=value, status=Status.TIMEOUT if value is None else Status.JUDGED)
    cell = Cell(checkpoint="reinforce", domain=problem.domain, split=problem.split)
    return Rollout(
        stage="reinforce", step=step, sample=sample, cell=cell, problem=problem, completion=text, verdicts=(verdict,)
    )


def visit(problem: Problem, step: int, values: Sequence[float | None]) -> list[Rollout]:
    return [rollout(problem, step, sample, value) for sample, value in enumerate(values)]


def number(problem: Problem) -> int:
    return int(problem.id.rsplit("/")[-1])


def finite(count: int, problems: int, revisit: float = 0.0) -> Curriculum:
    mixture = Mixture({"few": Numbered(name="few", count=count)}, {"few": 1}, seed=2)
    return Curriculum(mixture, problems, revisit=revisit)


def epoch(curriculum: Curriculum, values: Sequence[Sequence[float]]) -> int:
    """Ask everything once, problem i being paid `values[i]`; returns the steps it took."""
    steps = len(values) // curriculum.problems
    for step in range(steps):
        asked = curriculum.source(step)
        curriculum.learned(step, [r for p in asked for r in visit(p, step, values[number(p)])])
    return steps


def test_an_estimate_by_hand():
    once = NEW.after([1.0, 0.0, 0.0, 0.0])
    assert once == Estimate(solved=1.0, judged=4.0) and once.rate == 0.25
    assert once.worth == pytest.approx(4 * 0.3 * 0.7), "half a success and half a failure more: 1.5 of 5"
    assert once.after([1.0] * 4) == Estimate(solved=4.5, judged=6.0), "the first visit counts half"
    assert NEW.worth == 1.0 and NEW.rate == 0.0


@pytest.mark.parametrize(
    ("solved", "judged", "pool"),
    [
        (0, 10, Pool.NEVER),
        (1, 10, Pool.SOMETIMES),
        (9, 10, Pool.SOMETIMES),
        (91, 100, Pool.RETIRED),
        (8, 8, Pool.RETIRED),
    ],
)
def test_a_problem_retires_above_nine_in_ten(solved: int, judged: int, pool: Pool):
    curriculum = finite(1, 1)
    (problem,) = curriculum.source(0)
    curriculum.learned(0, visit(problem, 0, [1.0] * solved + [0.0] * (judged - solved)))
    assert curriculum.pool("few", 0) is pool
    assert curriculum.pools() == {p: int(p is pool) for p in (Pool.NEVER, Pool.SOMETIMES, Pool.RETIRED)}


def test_what_the_verifier_failed_on_tells_nothing():
    curriculum = finite(2, 2)
    one, other = curriculum.source(0)
    curriculum.learned(0, [*visit(one, 0, [None, None]), *visit(other, 0, [None, 1.0, 0.0])])
    assert [curriculum.pool("few", n) for n in (0, 1)] == [Pool.UNSEEN, Pool.SOMETIMES]
    assert curriculum.pools()[Pool.SOMETIMES] == 1


def test_without_revisits_an_endless_mixture_comes_in_its_own_order():
    mixture = Mixture({"a": Numbered(name="a"), "b": Numbered(name="b")}, {"a": 2, "b": 1}, seed=0)
    curriculum = Curriculum(mixture, 4, revisit=0.0)
    asked = []
    for step in range(5):
        asked += curriculum.source(step)
        curriculum.learned(step, [r for p in asked[-4:] for r in visit(p, step, [1.0, 0.0])])
    assert asked == mixture.draw(0, 20)


def test_once_all_but_one_are_retired_it_comes_first_and_then_the_least_solved():
    curriculum = finite(8, 4)
    values = [[1.0] * 20] * 8
    values[2] = [1.0, 0.0]
    values[5] = [1.0] * 19 + [0.0]
    done = epoch(curriculum, values)
    assert [number(p) for p in curriculum.source(done)] == [2, 5, 0, 1]


def test_a_later_epoch_leaves_out_the_retired_and_most_of_the_never_solved():
    curriculum = finite(300, 10)
    values = [[[0.0] * 8, [0.0, 1.0] * 4, [1.0] * 8][i % 3] for i in range(300)]
    done = epoch(curriculum, values)
    asked = [number(p) % 3 for step in range(done, done + 12) for p in silent(curriculum, step)]
    counts = Counter(asked)
    assert counts[2] == 0 and counts[1] > 90
    assert 10 < counts[0] < 32, "each is taken with the chance 4 * (.5 / 9) * (8.5 / 9) = .21"


def silent(curriculum: Curriculum, step: int) -> list[Problem]:
    """What a step asks, nothing being learned from it."""
    asked = curriculum.source(step)
    curriculum.learned(step, [])
    return asked


def test_revisits_go_to_what_is_solved_sometimes_and_seldom_to_the_never_solved():
    curriculum = Curriculum(Mixture({"many": Numbered(name="many")}, {"many": 1}, seed=2), 90, window=90)
    values = [[0.0] * 8, [0.0, 1.0] * 4, [1.0] * 8]
    curriculum.learned(0, [r for p in curriculum.source(0) for r in visit(p, 0, values[number(p) % 3])])
    again = [number(p) for step in range(1, 11) for p in silent(curriculum, step) if number(p) < 90]
    counts = Counter(n % 3 for n in again)
    assert 90 < counts[1] < 150, "each is looked at with the chance .4 a step, and always taken"
    assert 10 < counts[0] < 45 and counts[2] == 0, "a fifth of those are taken, and none of these"


def test_the_window_forgets_what_was_asked_long_ago():
    mixture = Mixture({"many": Numbered(name="many")}, {"many": 1}, seed=2)
    curriculum = Curriculum(mixture, 4, revisit=0.9, window=4)
    last: set[int] = set()
    again = 0
    for step in range(12):
        problems = curriculum.source(step)
        curriculum.learned(step, [r for p in problems for r in visit(p, step, [0.0, 1.0])])
        asked = {number(p) for p in problems}
        old = {n for n in asked if n <= max(last, default=-1)}
        assert old <= last
        again, last = again + len(old), asked
    assert again > 5


def simulate(curriculum: Curriculum, steps: range, run: Run | None = None) -> list[list[str]]:
    """Steps whose rollouts are paid by chance, harder with every fifth problem; returns the ids asked."""
    asked = []
    for step in steps:
        problems = curriculum.source(step)
        rollouts = []
        for p in problems:
            random = stream("paid", p.id, step)
            paid = [float(random.random() < (number(p) % 5) / 4 + step / 60) for _ in range(4)]
            rollouts += visit(p, step, [None if random.random() < 0.1 else value for value in paid])
        curriculum.learned(step, rollouts)
        if run:
            write_rollouts(run.rollouts_file("reinforce", step), rollouts, run=run.name)
        asked.append([p.id for p in problems])
    return asked


def mixed() -> Curriculum:
    return Curriculum(Mixture(DOMAINS, {"few": 1, "many": 1}, seed=5), 8, revisit=0.4, window=20)


def test_a_curriculum_caught_up_from_rollouts_goes_on_as_if_never_stopped(tmp_path: Path):
    whole = mixed()
    with Run.create(tmp_path / "run", {}) as run:
        asked = simulate(whole, range(25), run)
        for stopped in (0, 1, 13, 25):
            resumed = mixed()
            catch_up(resumed, run, stage="reinforce", steps=stopped)
            assert simulate(resumed, range(stopped, 25)) == asked[stopped:]
            assert resumed.source(25) == whole.source(25) and resumed.pools() == whole.pools()


def test_steps_ask_different_problems_and_keep_the_shares():
    for ids in simulate(mixed(), range(40)):
        assert len(set(ids)) == 8
        assert [i.split("/")[0] for i in ids] == ["few", "many"] * 4


def test_asking_twice_gives_the_same_and_out_of_turn_is_refused():
    curriculum = mixed()
    assert curriculum.source(0) == curriculum.source(0)
    with pytest.raises(AssertionError, match="step 1 was asked for while step 0 is the next"):
        curriculum.source(1)
