import json
from pathlib import Path

import pytest

from ponder.runs.result import Number, read_result, write_result
from ponder.types import PonderError

GAIN = Number(0.35, 0.31, 0.39, 480, "share", "after - before")


def test_numbers_are_merged_by_name(tmp_path: Path):
    write_result(tmp_path, {"transfer.gain": GAIN, "cost.minutes": Number(12.5, None, None, 1)})
    write_result(tmp_path, {"cost.minutes": Number(11.0, None, None, 1, "minutes")})
    assert read_result(tmp_path) == {"transfer.gain": GAIN, "cost.minutes": Number(11.0, None, None, 1, "minutes")}


def test_the_file_has_the_agreed_form_and_null_for_nan(tmp_path: Path):
    write_result(tmp_path, {"b": Number(float("nan"), float("-inf"), 1.0, 0, "share", "q"), "a": GAIN})
    numbers = json.loads((tmp_path / "result.json").read_text())["numbers"]
    assert list(numbers) == ["a", "b"]
    assert numbers["b"] == {"value": None, "low": None, "high": 1.0, "n": 0, "unit": "share", "query": "q"}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"numbers": {"a": 3}}', '{"numbers": {"a": {"odd": 3}}}'])
def test_a_file_that_is_something_else_is_one_line(tmp_path: Path, content: str):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(PonderError, match=r"result\.json: not a result file"):
        write_result(tmp_path, {"a": GAIN})
    assert (tmp_path / "result.json").read_text() == content
