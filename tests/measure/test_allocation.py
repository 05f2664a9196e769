"""Whether compute is spent where it pays, on rollouts whose numbers are worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from measure.synthetic import connect, rollout
from ponder.measure import allocation
from ponder.types import Mode, Rollout


def thought(tokens: int, answer: str = "7", *, early: int = 0) -> str:
    """So many words, with the answer among the first where `early` says which."""
    words = ["so"] * tokens
    if tokens:
        words[early - 1 if early else -1] = answer
    return " ".join(words)


def made(
    problem: int,
    tokens: int,
    right: float,
    *,
    condition: str = "after",
    sample: int = 0,
    budget: int | None = None,
    answer: str = "7",
    domain: str = "chains",
) -> Rollout:
    """A rollout of a problem of the depth of its number, a word a token."""
    one = rollout(
        condition,
        str(problem),
        right,
        sample=sample,
        thinking=thought(tokens, answer) or None,
        answer=answer,
        domain=domain,
    )
    cell = one.cell
    if budget is not None:
        cell = replace(cell, mode=Mode.BUDGET, think_at_most=budget)
    return replace(one, problem=replace(one.problem, difficulty=float(problem)), cell=cell)


def values(rows: list[Rollout], folder: Path) -> dict[str, float]:
    found = allocation.numbers(connect(rows, folder))
    told = {}
    for name, n in found.items():
        assert n.value is not None and n.low is not None and n.high is not None and n.low <= n.value <= n.high, name
        told[name.removeprefix("allocation.")] = n.value
    return told


def test_tokens_by_difficulty_before_and_after_and_the_change(tmp_path: Path):
    before = [made(k, tokens, 1.0, condition="before") for k, tokens in enumerate((20, 10, 40, 30, 50), 1)]
    after = [made(k, 10 * k, 1.0) for k in range(1, 6)]
    found = values([*before, *after], tmp_path)
    assert found["before.chains.spearman"] == pytest.approx(0.8)
    assert found["after.chains.spearman"] == found["after.all.spearman"] == pytest.approx(1.0)
    assert found["change.chains.spearman"] == found["change.all.spearman"] == pytest.approx(0.2)


def test_all_is_the_average_of_the_domains(tmp_path: Path):
    rising = [made(k, 10 * k, 1.0) for k in range(1, 6)]
    falling = [made(k, 60 - 10 * k, 1.0, domain="other") for k in range(1, 6)]
    assert values([*rising, *falling], tmp_path)["after.all.spearman"] == pytest.approx(0.0)


def test_failures_within_a_depth_are_those_of_the_other_half(tmp_path: Path):
    rows = []
    for problem, tokens in enumerate((10, 20, 30, 40)):
        for sample in (0, 1):
            one = made(problem, tokens, float(problem < 2 or sample == 0), sample=sample)
            rows.append(replace(one, problem=replace(one.problem, difficulty=3.0)))
    # By odd samples the two longest fail, by even ones none does: rho of ranks 1 2 3 4 and 1.5 1.5 3.5 3.5.
    found = values(rows, tmp_path)
    assert found["after.chains.spearman_within"] == pytest.approx(4 / (5 * 4) ** 0.5)
    assert "after.chains.spearman" not in found  # of one depth there is none


def test_what_was_thought_after_the_answer(tmp_path: Path):
    rows = [replace_thinking(made(1, 8, 1.0), thought(8, early=4)), made(2, 8, 1.0), made(3, 8, 0.0)]
    found = values(rows, tmp_path)
    assert found["after.chains.after_answer_share"] == pytest.approx(
        ((len("so so so 7 so so so so") - len("so so so 7")) / len("so so so 7 so so so so")) / 2
    )
    assert found["after.chains.after_answer"] == pytest.approx(8 * found["after.chains.after_answer_share"])


def replace_thinking(one: Rollout, thinking: str) -> Rollout:
    return replace(one, completion=replace(one.completion, thinking=thinking))


def test_a_vote_is_as_large_as_its_plateau_needs(tmp_path: Path):
    rows = []
    for problem in range(4):
        for sample in range(3):
            right = sample != 0
            rows.append(made(problem, 10, float(right), sample=sample, answer="7" if right else "8"))
    found = values(rows, tmp_path)
    # Two of three are right: one gets 2/3, two share ties, three get it right; an oracle of two always has one.
    assert (found["after.chains.vote.n"], found["after.chains.vote.accuracy"]) == (3, 1.0)
    assert found["after.chains.vote.tokens"] == 30
    assert (found["after.chains.best_of.n"], found["after.chains.best_of.tokens"]) == (2, 20)


def test_the_solver_on_the_same_samples_stops_where_they_agree(tmp_path: Path):
    alike = [made(1, 10, 1.0, sample=s) for s in range(8)]  # six unanimous votes agree at .05
    torn = [made(2, 20, float(s % 2), sample=s, answer=("8", "7")[s % 2]) for s in range(8)]  # never: all are drawn
    found = values([*alike, *torn], tmp_path)
    assert found["after.chains.solver.samples"] == (6 + 8) / 2
    assert found["after.chains.solver.tokens"] == (6 * 10 + 8 * 20) / 2
    assert found["after.chains.solver.agreed"] == 0.5
    assert found["after.chains.solver.of_vote_tokens"] == (60 + 160) / (found["after.chains.vote.n"] * 30)
    assert found["after.chains.solver.accuracy"] == 0.5  # of a tie the answer that came first, and 8 is wrong


def test_what_one_sample_after_is_beside_the_vote_before(tmp_path: Path):
    before = [
        made(p, 10, float(s != 1), sample=s, answer="78"[s == 1], condition="before") for p in (1, 2) for s in range(3)
    ]
    after = [made(p, 15, 1.0, sample=s) for p in (1, 2) for s in range(3)]
    found = values([*before, *after], tmp_path)
    assert found["before.chains.vote.n"] == 3  # of two the one that is wrong may be drawn, and a tie is shared
    assert found["change.chains.over_vote"] == 0.0  # three votes are right, and so is one sample
    assert found["change.chains.of_vote_tokens"] == 15 / 30


def test_five_samples_are_too_few_for_the_solver(tmp_path: Path):
    few = [made(problem, 10, 1.0, sample=s) for problem in (1, 2) for s in range(5)]
    assert not [name for name in values(few, tmp_path) if "solver" in name]


def test_against_fixed_budgets_and_the_best_allocation_of_them(tmp_path: Path):
    rows = []
    for problem, needs in ((1, 0), (2, 0), (3, 20), (4, 20)):
        for sample in (0, 1):
            rows.append(made(problem, needs, 1.0, sample=sample))
            rows += [made(problem, b, float(b >= needs), sample=sample, budget=b) for b in (0, 20)]
    found = values(rows, tmp_path)
    # It spends 10 tokens and is always right; the budgets get .5 and 1, so .75 at 10 tokens. The oracle does as well.
    assert found["after.chains.matched_gain"] == pytest.approx(0.25)
    assert found["after.chains.regret"] == 0.0
    equal = [made(p, 10, float(p != 4), sample=s) for p in (1, 2, 3, 4) for s in (0, 1)]
    bounded = [row for row in rows if row.cell.mode == Mode.BUDGET]
    assert values([*equal, *bounded], tmp_path / "equal")["after.chains.regret"] == pytest.approx(0.25)


def test_an_oracle_chosen_on_luck_is_scored_without_it(tmp_path: Path):
    """Even samples are right with 20 tokens, odd ones without: either half says of the other that it was luck."""
    rows = [made(p, 10, 0.5, sample=s) for p in range(4) for s in (0, 1)]
    rows += [
        made(p, b, float((b == 20) == (s == 0)), sample=s, budget=b) for p in range(4) for s in (0, 1) for b in (0, 20)
    ]
    assert values(rows, tmp_path)["after.chains.regret"] <= 0


def test_without_budgets_samples_or_difficulty_there_is_less_to_tell(tmp_path: Path):
    rows = [rollout("after", str(k), 1.0, thinking="so 7") for k in range(5)]
    assert set(values(rows, tmp_path)) == {
        f"after.{d}.{k}" for d in ("chains", "all") for k in ("after_answer", "after_answer_share")
    }
