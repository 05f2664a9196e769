from collections.abc import Callable
from pathlib import Path

import pytest

from ponder.runs.folder import Run
from ponder.runs.query import connect
from ponder.runs.table import SCHEMA, write_rollouts
from ponder.types import PonderError, Rollout

Make = Callable[..., Rollout]
ALL = "SELECT step, sample, paid, verdicts[2].parts['a'], answer FROM rollouts ORDER BY step, sample"


@pytest.fixture(params=["run", "lr=1/it's a[b]*?"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    with Run.create(tmp_path / request.param, {}) as run:
        return run


def test_the_view_is_the_union_of_the_files(run: Run, make_rollout: Make):
    for step in (0, 1):
        write_rollouts(
            run.rollouts_file("reinforce", step), [make_rollout(step=step, sample=s) for s in (0, 1)], run=run.name
        )
    write_rollouts(run.measured_file("transfer"), [make_rollout(step=0, text="a\0b")], run=run.name)
    training, warnings = connect(run.path, kind="rollouts")
    with training:
        assert training.execute(ALL).fetchall() == [(t, s, 0.75, 1.0, "4") for t in (0, 1) for s in (0, 1)]
        assert training.sql("FROM rollouts").columns == SCHEMA.names
    measured, more = connect(run.path)
    with measured:
        assert measured.execute(ALL).fetchall() == [(0, 0, 0.75, 1.0, "a\0b")]
    assert warnings == more == []


def test_a_run_without_rollouts_has_an_empty_view(run: Run):
    connection, warnings = connect(run.path)
    with connection:
        assert connection.execute("SELECT count(*), avg(paid) FROM rollouts").fetchone() == (0, None)
        assert connection.sql("FROM rollouts").columns == SCHEMA.names
    assert warnings == []


def test_a_truncated_file_is_left_out_with_a_warning(run: Run, make_rollout: Make):
    for name in ("a", "b"):
        write_rollouts(run.measured_file(name), [make_rollout()], run=run.name)
    damaged = run.measured_file("b")
    damaged.write_bytes(damaged.read_bytes()[:-9])
    connection, warnings = connect(run.path)
    with connection:
        assert connection.execute("SELECT count(*) FROM rollouts").fetchone() == (1,)
    assert warnings == [f"{damaged}: left out: not a whole Parquet file"]


def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path):
    with pytest.raises(PonderError, match="not a run folder"):
        connect(tmp_path)
