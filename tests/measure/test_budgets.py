"""Whether budgets were held, on rollouts counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from measure.synthetic import connect, rollout
from ponder.measure import attacked, budgets, modes, transfer
from ponder.measure.budgets import outside
from ponder.types import Budget, Mode, Outcome, Rollout

MOST, EXACTLY = Budget(at_most=2), Budget(at_least=2, at_most=2)


def bounded(made: Rollout, budget: Budget, *, attack: str = "none") -> Rollout:
    bounds = {"think_at_least": budget.at_least, "think_at_most": budget.at_most}
    return replace(made, cell=replace(made.cell, mode=Mode.BUDGET, attack=attack, **bounds))


def by_hand(domain: str = "chains") -> Iterator[Rollout]:
    """Two problems under at most 2 tokens, one of them over it; one under exactly 2, cut after 1."""
    yield bounded(rollout("after", "a", 1.0, thinking="one two", domain=domain), MOST)
    yield bounded(rollout("after", "b", 0.0, thinking="one two three", domain=domain), MOST)
    cut = rollout("after", "a", 0.0, thinking="one", answer="", outcome=Outcome.TRUNCATED, domain=domain)
    yield bounded(cut, EXACTLY)


def test_a_budget_is_named_by_its_bounds():
    assert [MOST.name, EXACTLY.name, Budget(at_least=3).name] == ["most-2", "exactly-2", "least-3"]
    assert Budget(at_least=3, at_most=9).name == "3-to-9"


def test_numbers_worked_out_by_hand(tmp_path: Path):
    found = budgets.numbers(connect(list(by_hand()), tmp_path))
    values = {name: number.value for name, number in found.items() if ".chains." in name}
    assert values == {
        "budget.after.chains.most-2.over": 0.5,
        "budget.after.chains.most-2.under": 0.0,
        "budget.after.chains.most-2.accuracy": 0.5,
        "budget.after.chains.most-2.thinking_tokens": 2.5,
        "budget.after.chains.most-2.truncated": 0.0,
        "budget.after.chains.exactly-2.over": 0.0,
        "budget.after.chains.exactly-2.under": 1.0,
        "budget.after.chains.exactly-2.accuracy": 0.0,
        "budget.after.chains.exactly-2.thinking_tokens": 1.0,
        "budget.after.chains.exactly-2.truncated": 1.0,
    }


def test_all_is_the_average_of_the_domains_and_every_query_gives_its_number_again(tmp_path: Path):
    other = bounded(rollout("after", "z", 1.0, thinking="one", domain="other"), MOST)
    con = connect([*by_hand(), other], tmp_path)
    found = budgets.numbers(con)
    assert found["budget.after.all.most-2.accuracy"].value == 0.75
    assert found["budget.after.all.most-2.accuracy"].n == 3
    for name, number in found.items():
        assert (con.execute(number.query).fetchone() or (None,))[0] == pytest.approx(number.value), name


def test_all_other_numbers_are_those_of_completions_without_a_budget(tmp_path: Path):
    plain = [rollout(c, p, float(p == "a"), thinking="so") for c in ("before", "after") for p in "ab"]
    more = [*plain, *by_hand(), *(bounded(made, MOST, attack="leet") for made in by_hand())]
    ours, theirs = connect(more, tmp_path / "all"), connect(plain, tmp_path / "plain")
    for query in (transfer, modes, attacked):
        assert query.numbers(ours) == query.numbers(theirs)
    assert budgets.numbers(theirs) == {} and budgets.numbers(ours)


def test_what_is_outside_is_counted_and_nothing_where_there_are_no_bounds():
    most = [bounded(rollout("after", "a", 1.0, thinking=text), MOST) for text in ("one", "one two", "one two three")]
    assert outside(most) == {"over_budget": pytest.approx(1 / 3), "under_budget": 0.0}
    least = [bounded(rollout("after", "a", 1.0, thinking=text), Budget(at_least=2)) for text in (None, "one", "a b")]
    assert outside(least) == {"over_budget": 0.0, "under_budget": pytest.approx(1 / 3)}
    assert outside([rollout("after", "a", 1.0, thinking="one")]) == {}
