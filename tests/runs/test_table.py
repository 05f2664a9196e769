import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ponder.runs.table import SCHEMA, content_hash, damage, read_rollouts, write_rollouts
from ponder.types import Outcome, PonderError, Rollout

Make = Callable[..., Rollout]
ODD = ["", "\0 in \0", "ünï 漢字 עברית 🙂", "</script><b>&amp;", "a\r\n\tb", "\ufefftext", "x" * 100_000, "\ufffd"]


def bare(rollout: Rollout) -> Rollout:
    """Everything optional left out."""
    problem = replace(rollout.problem, difficulty=None, pair_id=None)
    completion = replace(
        rollout.completion, thinking=None, thinking_tokens=0, tokens=(), logprobs=(), outcome=Outcome.NO_ANSWER
    )
    return replace(rollout, problem=problem, completion=completion, verdicts=())


def test_rollouts_come_back_as_they_were(tmp_path: Path, make_rollout: Make):
    rollouts = [make_rollout(text=text, sample=sample) for sample, text in enumerate(ODD)]
    rollouts += [bare(rollout) for rollout in rollouts]
    write_rollouts(tmp_path / "a.parquet", rollouts, run="first")
    assert read_rollouts(tmp_path / "a.parquet") == rollouts


def test_facts_are_not_written(tmp_path: Path, make_rollout: Make):
    rollout = make_rollout()
    with_facts = replace(rollout, problem=replace(rollout.problem, facts={"secret": object()}))
    write_rollouts(tmp_path / "a.parquet", [with_facts], run="first")
    assert read_rollouts(tmp_path / "a.parquet") == [rollout]


def test_text_that_is_not_unicode_is_replaced_and_the_rest_kept(tmp_path: Path, make_rollout: Make):
    odd = make_rollout(text="é \ud800 \udc80\0 \ud83d\ude42")
    write_rollouts(tmp_path / "a.parquet", [odd], run="first")
    assert read_rollouts(tmp_path / "a.parquet") == [make_rollout(text="é \ufffd \ufffd\0 🙂")]


def test_columns_hold_what_they_say(tmp_path: Path, make_rollout: Make):
    write_rollouts(tmp_path / "a.parquet", [make_rollout()], run="first")
    table = pq.read_table(tmp_path / "a.parquet")
    row = table.to_pylist()[0]
    assert table.schema.equals(SCHEMA) and table.schema.metadata[b"schema_version"] == b"2"
    assert (row["run"], row["checkpoint"], row["mode"], row["budget"]) == ("first", "before", "forced", 64)
    assert (row["paid"], row["gold"], row["completion_tokens"]) == (0.75, 1.0, 3)
    assert row["content"] == hashlib.sha256(b"What is 2 + 2? 4").hexdigest()[:16]
    assert row["verdicts"][1]["parts"] == [("a", 1.0), ("b", 0.5)]
    assert row["verdicts"][0]["value"] is None


def test_equal_rollouts_make_equal_bytes(tmp_path: Path, make_rollout: Make):
    rollouts = [make_rollout(sample=sample) for sample in range(50)]
    verdict = replace(rollouts[0].verdicts[1], parts={"a": 1.0, "b": 0.5})
    equal = [replace(rollout, verdicts=(rollout.verdicts[0], verdict, rollout.verdicts[2])) for rollout in rollouts]
    assert equal == rollouts
    write_rollouts(tmp_path / "a.parquet", rollouts, run="first")
    write_rollouts(tmp_path / "b.parquet", iter(equal), run="first")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_no_rollouts_are_a_file_too(tmp_path: Path):
    write_rollouts(tmp_path / "a.parquet", [], run="first")
    assert read_rollouts(tmp_path / "a.parquet") == []


def test_a_folder_that_looks_like_a_partition_adds_no_column(tmp_path: Path, make_rollout: Make):
    path = tmp_path / "lr=1" / "a[1].parquet"
    write_rollouts(path, [make_rollout()], run="first")
    assert read_rollouts(path) == [make_rollout()]


def test_a_cell_about_another_problem_is_a_bug(tmp_path: Path, make_rollout: Make):
    rollout = make_rollout()
    other = replace(rollout, cell=replace(rollout.cell, language="fr"))
    with pytest.raises(AssertionError, match="another domain, split or language"):
        write_rollouts(tmp_path / "a.parquet", [other], run="first")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_cut_short_is_one_line(tmp_path: Path, make_rollout: Make, share: float):
    path = tmp_path / "a.parquet"
    write_rollouts(path, [make_rollout()], run="first")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(PonderError, match=r"a\.parquet: not a whole Parquet file: remove it"):
        read_rollouts(path)


def test_another_table_is_not_taken_for_rollouts(tmp_path: Path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert damage(tmp_path / "a.parquet") == "not a table of rollouts"


@pytest.mark.parametrize(
    ("version", "said"), [("3", "made by a newer ponder: upgrade"), ("1", "made by an older ponder: train or measure")]
)
def test_another_schema_is_one_line(tmp_path: Path, version: str, said: str):
    other = SCHEMA.append(pa.field("later", pa.int32())).with_metadata({"schema_version": version})
    pq.write_table(other.empty_table(), tmp_path / "a.parquet")
    with pytest.raises(PonderError, match=f"schema_version = {version}: {said}"):
        read_rollouts(tmp_path / "a.parquet")


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, make_rollout: Make, monkeypatch: pytest.MonkeyPatch
):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(PonderError, match=r"a\.parquet: cannot be written \(no space left on device\): free"):
        write_rollouts(tmp_path / "a.parquet", [make_rollout()], run="first")
    assert list(tmp_path.iterdir()) == []


def test_content_tells_questions_apart_by_words_not_spaces():
    assert content_hash("2 +\n\n 2 ") == content_hash("2 + 2") != content_hash("2 + 3")
    assert content_hash("2 + 2") == hashlib.sha256(b"2 + 2").hexdigest()[:16]
