from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from measure.synthetic import rollout
from ponder.measure.comparison import changed, compare
from ponder.runs.table import write_rollouts
from ponder.types import Rollout


@pytest.fixture
def connection(tmp_path: Path):
    """Rollouts as the view that comparisons read."""

    def connect(rollouts: Sequence[Rollout]) -> duckdb.DuckDBPyConnection:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
        write_rollouts(path, rollouts, run="made-up")
        connection = duckdb.connect()
        connection.execute(f"create view rollouts as select * from read_parquet('{path}')")
        return connection

    return connect


def answers(
    rights: Sequence[float | None], domain: str = "chains", *, tier: str = "trained", question: str = "1 + 1?"
) -> list[Rollout]:
    return [
        rollout("after", f"{domain}/{i}", right, domain=domain, tier=tier, question=question)
        for i, right in enumerate(rights)
    ]


def test_the_difference_is_paired_by_problem(connection) -> None:
    first, second = answers([0, 0, 1, 1]), answers([1, 1, 1, 0])
    (row,) = compare(connection(first), connection(second))
    assert (row.tier, row.domain, row.condition) == ("trained", "chains", "after")
    assert (row.first.value, row.second.value) == (0.5, 0.75)
    assert row.difference
    assert (row.difference.value, row.difference.n) == (0.25, 4)
    assert not row.decisive


def test_every_problem_better_is_decisive(connection) -> None:
    (row,) = compare(connection(answers([0.0] * 40)), connection(answers([1.0] * 40)))
    assert row.difference and row.difference.value == 1.0
    assert row.decisive


def test_only_problems_of_both_are_paired(connection) -> None:
    """Those that a verifier failed on leave the pairs; the first has 3 of 4, and they share 2."""
    (row,) = compare(connection(answers([0, None, 1, 1])), connection(answers([1, 1, 1])))
    assert row.difference
    assert (row.difference.value, row.difference.n) == (0.5, 2)
    assert (row.first.n, row.second.n) == (3, 3)


def test_the_same_id_with_another_question_is_no_pair(connection) -> None:
    first, second = answers([0, 1]), answers([0, 1], question="What is 4 + 4?")
    (row,) = compare(connection(first), connection(second))
    assert row.difference is None
    assert not row.decisive


def test_tiers_average_the_domains_that_both_runs_count_to_them(connection) -> None:
    first = answers([0, 0]) + answers([0, 1], "programs") + answers([1, 1], "coin", tier="shown")
    second = answers([1, 1]) + answers([0, 1], "programs") + answers([1, 1], "coin", tier="unseen")
    rows = compare(connection(first), connection(second))
    assert [(row.tier, row.domain) for row in rows] == [
        ("trained", ""),
        ("trained", "chains"),
        ("shown / unseen", "coin"),
        ("trained", "programs"),
    ]
    assert (rows[0].first.value, rows[0].second.value) == (0.25, 0.75)
    assert rows[0].difference
    assert (rows[0].difference.value, rows[0].difference.n) == (0.5, 4)


def test_what_only_one_measured_is_left_out(connection) -> None:
    assert compare(connection(answers([1])), connection(answers([1], "coin"))) == []


def test_changed_keys_are_dotted() -> None:
    ours = {"seed": 1, "rl": {"steps": 5, "domains": {"a": 1.0}}, "minutes": None}
    theirs = {"seed": 1, "rl": {"steps": 6, "domains": {"b": 1.0}}, "minutes": None}
    assert changed(ours, theirs) == {"rl.steps": (5, 6), "rl.domains.a": (1.0, None), "rl.domains.b": (None, 1.0)}
    assert changed(ours, ours) == {}
