from __future__ import annotations

from pathlib import Path

from fakes import CUT, Numbered
from ponder.measure.solving import solve_domain
from ponder.recipes.ask import AskConfig, solver_of
from ponder.runs.table import read_rollouts, write_rollouts
from ponder.solve.solution import Why
from ponder.solve.solver import Solver
from ponder.types import Mode, Problem
from solve.scripted import ScriptedSource

DOMAIN = Numbered()


def lines(problem: Problem) -> list[str]:
    """Problem 0 is answered wrong at first and right by most; 1 right; 2 wrong; 3 with what was cut."""
    index = int(problem.id.rpartition("/")[2])
    return [["9", "0"], ["1"], ["8"], ["3" + CUT]][index]


def test_what_is_right_and_what_it_takes_beside_a_single_sample():
    found = solve_domain(Solver(source=ScriptedSource(lines=lines), samples=12), DOMAIN, split="test", seed=0, n=4)
    assert (found.right, found.single) == ((1.0, 1.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0))
    assert [len(one.tries) for one in found.solutions] == [9, 6, 6, 12]
    assert found.why == {Why.AGREED: 3, Why.MOST: 1}
    e = found.estimates()
    assert (e["accuracy"].value, e["single"].value, e["tokens.single"].value) == (0.5, 0.25, 12.0)
    assert e["tokens"].value == 12 * e["samples"].value and e["tokens.thinking"].value == 10 * e["samples"].value
    assert e["accuracy"].low < 0.5 < e["accuracy"].high and e["accuracy"].n == 4
    number = found.numbers()["solve.sums.accuracy"]
    assert (number.value, number.unit, number.n) == (0.5, "share", 4)


def test_answers_are_read_as_the_domains_verifier_reads_them():
    """`1.0` and `It is 1.` vote for the same number, and the first that said it is given."""
    said = ["1.0", "It is 1.", "1"]
    source = ScriptedSource(lines=lambda problem: said)
    found = solve_domain(Solver(source=source), DOMAIN, split="test", seed=0, n=1, start=1)
    assert found.right == (1.0,) and found.solutions[0].counts == {"1": 6}


def test_the_samples_are_rollouts_like_all_others(tmp_path: Path):
    """Of the lab's model, with the verdicts of the domain's own verifier, which decide nothing."""
    solver = solver_of("lab-seed", AskConfig(think=True, longest=96, samples=6, budget=64), [DOMAIN])
    found = solve_domain(solver, DOMAIN, split="test", seed=0, n=2)
    assert len(found.rollouts) == 12 and {each.cell.mode for each in found.rollouts} == {Mode.FORCED}
    assert [each.sample for each in found.rollouts] == [0, 1, 2, 3, 4, 5] * 2
    assert all(each.paid is not None for each in found.rollouts)
    write_rollouts(tmp_path / "solved.parquet", found.rollouts, run="solved")
    assert [each.completion.answer for each in read_rollouts(tmp_path / "solved.parquet")] == [
        one.answer for solution in found.solutions for one in solution.tries
    ]


def test_what_a_sample_says_hangs_on_its_number_alone(tmp_path: Path):
    config = AskConfig(think=True, longest=48)
    texts = []
    for samples, error in ((4, 0.05), (8, 0.4)):
        solver = solver_of("lab-seed", config.model_copy(update={"samples": samples, "error": error}), [DOMAIN])
        (found,) = solve_domain(solver, DOMAIN, split="test", seed=0, n=1).solutions
        texts.append([one.answer for one in found.tries])
    assert len(texts[1]) >= 3
    shared = min(map(len, texts))
    assert texts[0][:shared] == texts[1][:shared]
