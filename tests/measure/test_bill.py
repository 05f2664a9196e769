"""What a right answer costs, on rollouts whose numbers are worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from measure.synthetic import connect, rollout, verdict
from ponder.measure import bill, suite
from ponder.types import Budget, Mode, Outcome, Rollout


def values(rows: list[Rollout], folder: Path, **known: object) -> Mapping[str, float | None]:
    found = bill.numbers(connect(rows, folder), **known)  # pyright: ignore[reportArgumentType]
    return {name.removeprefix("cost.after."): number.value for name, number in found.items()}


def thought(tokens: int, problem: str, right: float | None, *, domain: str = "chains") -> Rollout:
    """One that wrote so many tokens, the answer's 2 among them, and read 1."""
    return rollout("after", problem, right, thinking=" ".join(["so"] * (tokens - 2)), domain=domain)


def test_what_is_wrong_cut_or_not_judged_was_paid_for(tmp_path: Path):
    rows = [thought(10, "a", 1.0), thought(20, "b", 0.0), thought(30, "c", None)]
    cut = thought(40, "d", 1.0)
    rows.append(replace(cut, completion=replace(cut.completion, outcome=Outcome.TRUNCATED)))
    found = values(rows, tmp_path, price=(1e6, 2e6), seconds={"after": 8.0})
    assert found["chains.tokens"] == 25.0
    assert found["chains.accuracy"] == 0.25
    assert found["chains.tokens_per_right"] == 100.0  # one of them is right
    assert found["chains.money_per_right"] == 4 * 1 + 100 * 2
    assert (found["chains.seconds"], found["chains.seconds_per_right"]) == (2.0, 8.0)
    assert {name.replace("chains", "all"): value for name, value in found.items() if "chains" in name}.items() <= (
        found.items()
    )


def test_verifiers_are_paid_for_too(tmp_path: Path):
    one = thought(10, "a", 1.0)
    judged = replace(verdict(1.0, name="judge"), tokens=7)
    found = values([replace(one, verdicts=(*one.verdicts, judged)), thought(10, "b", 1.0)], tmp_path)
    assert found["chains.verifier_tokens"] == 3.5
    assert found["chains.tokens_per_right"] == (20 + 7) / 2
    assert "chains.money_per_right" not in found and "chains.seconds" not in found


def test_where_nothing_is_right_there_is_no_such_cost(tmp_path: Path):
    rows = [thought(10, "a", 1.0), thought(10, "b", 0.0), *(thought(30, x, 0.0, domain="coin") for x in "cd")]
    found = values(rows, tmp_path)
    assert found["chains.tokens_per_right"] == 20.0
    assert "coin.tokens_per_right" not in found and "all.tokens_per_right" not in found
    assert found["all.tokens"] == 20.0


def test_every_way_of_asking_has_its_own_and_attacks_none(tmp_path: Path):
    one = thought(10, "a", 1.0)
    bounded = replace(one, cell=replace(one.cell, mode=Mode.BUDGET, think_at_most=16))
    attacked = replace(one, cell=replace(one.cell, attack="leet", strength=1.0))
    names = {name.split(".")[1] for name in bill.numbers(connect([one, bounded, attacked], tmp_path))}
    assert names == {"after", "after-most-16"}


@pytest.mark.parametrize(
    "asked, name",
    [
        (("untouched", "fewshot", 0, None), "fewshot"),
        (("cold_start", "none", 0, None), "before-none"),
        (("reinforce", "budget", 8, None), "after-least-8"),
        (("untouched", "budget", 0, 0), "untouched-exactly-0"),
    ],
)
def test_conditions_are_named_as_the_suite_names_them(asked: tuple, name: str):
    checkpoint, mode, least, most = asked
    assert suite.named(checkpoint, mode, Budget(at_least=least, at_most=most)) == name


def test_bills_are_read_back_from_the_result(tmp_path: Path):
    rows = [thought(10 + k, str(k), float(k % 2), domain=domain) for domain in ("chains", "a.b") for k in range(4)]
    con = connect(rows, tmp_path)
    assert bill.told_by(bill.numbers(con, price=(1.0, 2.0))) == bill.bills(con, price=(1.0, 2.0))
