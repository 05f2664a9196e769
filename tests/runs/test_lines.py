import errno
import json
import os
from pathlib import Path

import pytest

from ponder.runs.lines import append_line, finite, read_lines, salvage, to_json
from ponder.types import PonderError


def test_lines_come_back_as_they_were_written(tmp_path: Path):
    records = [{"step": 0, "loss": 0.1 + 0.2}, {"text": "é\n\0\ud800", "list": [1, None]}]
    for record in records:
        append_line(tmp_path / "m", record)
    assert read_lines(tmp_path / "m") == records
    assert (tmp_path / "m").read_bytes().startswith(b'{"step": 0, "loss": 0.30000000000000004}\n')


def test_a_file_that_is_not_there_is_empty(tmp_path: Path):
    assert read_lines(tmp_path / "m") == []


@pytest.mark.parametrize("torn", [b"{", b'{"step": 1', b'{"step": 1}', b"\0\0\0"])
def test_a_torn_last_line_is_left_out_and_cut_by_the_next_writer(tmp_path: Path, torn: bytes):
    path = tmp_path / "m"
    path.write_bytes(b'{"step": 0}\n' + torn)
    assert read_lines(path) == [{"step": 0}]
    append_line(path, {"step": 2})
    assert path.read_bytes() == b'{"step": 0}\n{"step": 2}\n'


def test_a_file_that_is_only_a_torn_line(tmp_path: Path):
    path = tmp_path / "m"
    path.write_bytes(b'{"st')
    append_line(path, {"step": 0})
    assert read_lines(path) == [{"step": 0}]


def test_damage_before_the_last_line_is_told_with_its_line_number(tmp_path: Path):
    (tmp_path / "m").write_bytes(b'{"step": 0}\n{"st\n{"step": 2}\n')
    with pytest.raises(PonderError, match="m: line 2 is damaged"):
        read_lines(tmp_path / "m")


def refuse(code: int):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    return fail


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "open", refuse(errno.ENOSPC))
    with pytest.raises(PonderError, match=r"/m: cannot be written \(no space left on device\): free"):
        append_line(tmp_path / "m", {"step": 0})


def test_a_full_disk_in_the_middle_of_a_line_does_not_spoil_the_next(tmp_path: Path):
    path = tmp_path / "m"
    append_line(path, {"step": 0})
    with path.open("ab") as file:
        file.write(b'{"step": 1, "lo')
    append_line(path, {"step": 1})
    assert [record["step"] for record in read_lines(path)] == [0, 1]


def test_salvage_reads_what_can_be_read_and_names_the_rest(tmp_path: Path):
    path = tmp_path / "m"
    path.write_bytes(
        b'{"stage": "a", "step": 0}\n\xff\n[1]\n{"step": 1}\n{"stage": "a", "step": 2}\n{"stage": "a", "st'
    )
    rows, warnings = salvage(path)
    assert rows == [{"stage": "a", "step": 0}, {"stage": "a", "step": 2}]
    assert warnings == [f"{path}: line {number} is damaged: left out" for number in (2, 3, 4)]
    assert salvage(tmp_path / "nowhere") == ([], [])


def test_what_json_does_not_have_becomes_null():
    value = {"a": float("nan"), "b": [float("inf"), 1.5], "c": (True, None)}
    assert finite(value) == {"a": None, "b": [None, 1.5], "c": [True, None]}
    assert json.loads(to_json(value)) == finite(value)


def test_other_errors_of_the_system_are_bugs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "open", refuse(errno.EBADF))
    with pytest.raises(OSError, match="Bad file descriptor"):
        append_line(tmp_path / "m", {})
