from __future__ import annotations

import duckdb
import pytest

from ponder.measure import choosing


def connection(rows: list[tuple[str, str, float, float | None]]) -> duckdb.DuckDBPyConnection:
    """A view of rollouts with these problems, answers, gold values and judge's values."""
    con = duckdb.connect()
    con.execute("""create table told (problem_id text, answer text, paid double, judge double)""")
    con.executemany("insert into told values (?, ?, ?, ?)", rows)
    con.execute("""create view rollouts as select 'reinforce' as checkpoint, 'free' as mode, 'none' as attack,
        'sums' as domain, problem_id, answer, paid, [
          {'verifier': 'number', 'role': 'pay', 'value': paid},
          {'verifier': 'lenient', 'role': 'watch', 'value': 1.0},
          {'verifier': 'mine', 'role': 'watch', 'value': judge}] as verdicts from told""")
    return con


def test_hand_worked():
    """p: the judge's favourite is right; q: it is wrong, and the majority too."""
    found = choosing.numbers(
        connection(
            [
                ("p", "7", 1.0, 0.9),
                ("p", "8", 0.0, 0.2),
                ("p", "9", 0.0, 0.1),
                ("p", "9", 0.0, 0.1),
                ("q", "1", 0.0, 0.8),
                ("q", "1", 0.0, 0.6),
                ("q", "2", 1.0, 0.7),
                ("q", "3", 0.0, 0.1),
            ]
        )
    )
    value = {name.removeprefix("choose.after.sums."): number.value for name, number in found.items()}
    assert value["judge.1"] == 0.25 and value["majority.1"] == pytest.approx(0.25, abs=0.05)
    assert (value["judge.4"], value["oracle.4"]) == (0.5, 1.0)
    assert value["majority.4"] == 0.0
    assert value["weighted.4"] == 0.5  # p: 9 has .2 and 7 has .9; q: 1 has 1.4
    assert found["judge.after.all.tpr"].value == 1.0
    assert found["judge.after.sums.fpr"].value == pytest.approx((0 / 3 + 2 / 3) / 2)
    j = found["judge.after.sums.j"]
    assert j.value == pytest.approx(1 - 1 / 3) and j.low is not None and j.low < 1 - 1 / 3


def test_without_a_judge_there_is_nothing():
    assert choosing.numbers(connection([("p", "7", 1.0, None)])) == {}


def test_one_sample_is_no_choice_but_tells_of_the_judge():
    found = choosing.numbers(connection([("p", "7", 1.0, 0.9), ("q", "7", 0.0, 0.2)]))
    assert set(found) == {f"judge.after.{name}.{key}" for name in ("sums", "all") for key in ("tpr", "fpr", "j")}
