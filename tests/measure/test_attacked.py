"""What attacks do, on rollouts whose numbers are worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from measure.synthetic import connect, rollout
from ponder.measure import attacked, choosing, comparison, modes, moved, transfer
from ponder.types import Mode, Outcome, Rollout

HALF, WHOLE = ("rot", 0.5), ("rot", 1.0)
LEET = ("leet", 1.0)
RIGHT = {
    "a": {"clean": (1, 1), HALF: (1, 1), WHOLE: (1, 0), LEET: (1, 1)},
    "b": {"clean": (1, 1), HALF: (1, 1), WHOLE: (1, 1), LEET: (1, 1)},
    "c": {"clean": (1, 0), HALF: (0, 0), WHOLE: (0, 0), LEET: (0, 1)},
}
"""Problem -> variant -> which of its two samples are right."""


def under(made: Rollout, variant: tuple[str, float] | str, mode: Mode | None = None) -> Rollout:
    name, strength = ("none", 0.0) if isinstance(variant, str) else variant
    cell = replace(made.cell, attack=name, strength=strength, mode=mode or made.cell.mode)
    return replace(made, cell=cell)


def by_hand(condition: str = "after", *, domain: str = "chains", tier: str = "trained") -> Iterator[Rollout]:
    for problem, variants in RIGHT.items():
        for variant, samples in variants.items():
            for sample, right in enumerate(samples):
                made = rollout(condition, problem, float(right), sample=sample, domain=domain, tier=tier)
                yield under(made, variant)


def value(con: duckdb.DuckDBPyConnection, sql: str) -> float:
    (found,) = con.execute(sql).fetchone() or (None,)
    assert isinstance(found, float)
    return found


def test_numbers_worked_out_by_hand(tmp_path: Path):
    (row,) = attacked.table(connect(list(by_hand()), tmp_path))
    assert (row.tier, row.condition, row.attacks) == ("trained", "after", ("leet", "rot"))
    expected = {
        "clean": 2.5 / 3,
        "rot.accuracy": (0.75 + 1 + 0) / 3,
        "rot@0.5.accuracy": 2 / 3,
        "rot@1.0.accuracy": 1.5 / 3,
        "leet.accuracy": 2.5 / 3,
        "mean": ((1 + 0.5 + 1) / 3 + 1 + 0.5 / 3) / 3,
        "any_fails": (0.5 + 0 + 1) / 3,
        "change": ((2.5 / 3 - 1) + 0 + (0.5 / 3 - 0.5)) / 3,
    }
    assert {key: e.value for key, e in row.estimates.items()} == pytest.approx(expected)
    assert {e.n for e in row.estimates.values()} == {3}
    assert all(e.low <= e.value <= e.high for e in row.estimates.values())


def test_every_query_gives_its_number_again(tmp_path: Path):
    rows = [*by_hand(), *by_hand(domain="other"), *by_hand("before"), *by_hand(domain="new", tier="unseen")]
    con = connect(rows, tmp_path)
    numbers = attacked.numbers(con)
    assert {name.rsplit(".", 1)[0] for name in numbers if name.endswith(".mean")} == {
        "attack.trained.before",
        "attack.trained.after",
        "attack.unseen.after",
    }
    for name, number in numbers.items():
        assert number.value == pytest.approx(value(con, number.query)), name
    assert numbers["attack.trained.after.mean"].n == 6


def test_a_tier_is_the_average_of_its_domains(tmp_path: Path):
    easy = [under(rollout("after", str(i), 1.0, domain="easy"), v) for i in range(9) for v in ("clean", LEET)]
    (row,) = attacked.table(connect([*by_hand(), *easy], tmp_path))
    assert row.estimates["leet.accuracy"].value == pytest.approx((2.5 / 3 + 1) / 2)
    assert row.estimates["any_fails"].value == pytest.approx((1.5 / 3 + 0) / 2)


def test_truncated_fails_and_not_judged_is_left_out(tmp_path: Path):
    rows = [
        under(rollout("after", "a", 1.0), "clean"),
        under(rollout("after", "a", 1.0, outcome=Outcome.TRUNCATED), LEET),
        under(rollout("after", "a", None), WHOLE),
        under(rollout("after", "b", 1.0), "clean"),
        under(rollout("after", "b", 1.0), LEET),
        under(rollout("after", "b", None), WHOLE),
    ]
    (row,) = attacked.table(connect(rows, tmp_path))
    assert "rot.accuracy" not in row.estimates
    assert [row.estimates[key].value for key in ("mean", "any_fails", "change")] == [0.5, 0.5, -0.5]


def test_without_thinking_is_a_condition_of_its_own(tmp_path: Path):
    rows = [replace(made, cell=replace(made.cell, mode=Mode.NONE)) for made in by_hand()]
    found = attacked.table(connect([*by_hand(), *rows], tmp_path))
    assert [row.condition for row in found] == ["after", "after-none"]
    assert found[0].estimates == found[1].estimates


def test_a_name_with_a_quote_is_a_name(tmp_path: Path):
    rows = [under(rollout("after", "a", 1.0), v) for v in ("clean", ("it's", 1.0))]
    (row,) = attacked.table(connect(rows, tmp_path))
    assert row.estimates["it's.accuracy"].value == 1.0


def test_without_attacks_there_is_nothing(tmp_path: Path):
    con = connect([rollout("after", "a", 1.0)], tmp_path)
    assert attacked.table(con) == [] and attacked.numbers(con) == {}


def test_all_other_numbers_are_those_of_clean_text(tmp_path: Path):
    """Attacked rollouts beside the clean ones change none of them."""
    everything = [under(made, v) for c in ("before", "after") for made, v in _both(c)]
    everything += [under(made, v, Mode.NONE) for made, v in _both("after")]
    clean = [made for made in everything if made.cell.attack == "none"]
    assert 0 < len(clean) < len(everything)
    ours, theirs = (connect(rows, tmp_path / name) for name, rows in (("all", everything), ("clean", clean)))
    for query in (transfer, modes, choosing, moved):
        assert query.numbers(ours) == query.numbers(theirs)
    assert modes.numbers(ours) and transfer.numbers(ours)
    assert comparison.compare(ours, theirs) == comparison.compare(theirs, theirs)


def _both(condition: str) -> Iterator[tuple[Rollout, tuple[str, float] | str]]:
    for problem in "abcd":
        yield rollout(condition, problem, float(problem != "d")), "clean"
        yield rollout(condition, problem, float(problem == "a")), LEET
