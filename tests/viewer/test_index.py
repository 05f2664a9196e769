"""The index has every rollout that can be read, once, and follows a run that goes on, is cut back or is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.viewer import lookup
from ponder.viewer.asked import EXACT, ORDERS, Asked
from ponder.viewer.index import Index
from ponder.viewer.opened import opened
from ponder.viewer.search import Searches
from viewer.made import write, write_step


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write(tmp_path / "lr=1 it's [a]*?")


@pytest.fixture
def index(run: Path) -> Iterator[Index]:
    with Index(opened(run)) as index:
        index.refresh()
        yield index


def listed(index: Index, **asked: str) -> list[lookup.Row]:
    return lookup.page(index, replace(Asked(), **asked))


def test_every_rollout_is_there_once_with_its_texts(index: Index, run: Path):
    there = [(str(p), n, r.completion.answer) for _, p in opened(run).files() for n, r in enumerate(read_rollouts(p))]
    rows = listed(index)
    assert index.count == len(there) == 30
    assert sorted((row["path"], row["row"], row["answer"]) for row in rows) == sorted(there)
    index.refresh()
    assert index.count == 30


def test_latest_weights_come_first(index: Index):
    versions = [row["policy_version"] for row in listed(index)]
    assert versions == sorted(versions, reverse=True)
    assert Path(listed(index)[0]["path"]).stem == "after"


@pytest.mark.parametrize("sort", ORDERS)
def test_neighbours_are_those_of_the_list_in_every_order(index: Index, sort: str):
    asked = Asked(sort=sort, kind="training")
    rows = lookup.page(index, asked)
    assert len(rows) == 24
    for place in (0, 1, 11, 23):
        before, after, at = lookup.neighbours(index, asked, rows[place])
        found = [each and (each["path"], each["row"]) for each in (before, after)]
        around = [rows[place - 1] if place else None, rows[place + 1] if place < 23 else None]
        assert found == [each and (each["path"], each["row"]) for each in around]
        assert at == place


def test_filters_by_hand(index: Index):
    tally = lookup.tally(index, Asked(kind="training"))
    assert dict(tally) == {
        "n": 24, "high": 12, "low": 9, "lost": 3, "truncated": 3, "no_answer": 0, "fooled": 12, "missed": 0,
        "with_gold": 24,
    }  # fmt: skip
    for asked, count in {
        Asked(step="1"): 8,
        Asked(step="1-"): 16,
        Asked(fault="timeout"): 3,
        Asked(reward="lost"): 3,
        Asked(gold="absent"): 6,
        Asked(attack="noise", checkpoint="after"): 1,
        Asked(language="ja"): 2,
        Asked(outcome="truncated", step="2"): 1,
        Asked(thinking="5"): 2,
        Asked(problem="sums/train/0/2"): 4,
        Asked(pair="item-1"): 6,
        Asked(domain="' or true --"): 0,
    }.items():
        assert lookup.tally(index, asked)["n"] == count, asked
        assert len(lookup.page(index, asked)) == count


def test_choices_count_what_is_there(index: Index):
    found = lookup.choices(index)
    assert set(found) == set(EXACT)
    assert found["kind"] == [("training", 24), ("measured", 6)]
    assert dict(found["language"]) == {"en": 28, "ja": 2}
    assert dict(found["fault"]) == {"": 27, "timeout": 3}


def test_a_group_and_the_rest_of_its_problem(index: Index):
    first = listed(index, kind="training", problem="sums/train/0/1")[0]
    assert [row["sample"] for row in lookup.siblings(index, first)] == [0, 1, 2, 3]
    assert lookup.kin(index, first) == {}
    plain = listed(index, checkpoint="after", attack="none", language="en")[0]
    kin = {
        name: [(r["checkpoint"], r["language"], r["attack"]) for r in rows]
        for name, rows in lookup.kin(index, plain).items()
    }
    assert kin == {
        "At other steps and checkpoints": [("before", "en", "none")],
        "In another language": [("before", "ja", "none"), ("after", "ja", "none")],
        "Under attack": [("before", "en", "noise"), ("after", "en", "noise")],
    }


def test_a_run_that_goes_on_is_followed(index: Index, run: Path):
    write_step(Run.open(run), 3)
    index.refresh()
    assert index.count == 38
    assert len(listed(index, step="3")) == 8


def test_what_is_cut_back_is_forgotten_and_what_is_written_anew_is_read_anew(index: Index, run: Path):
    files = [path for kind, path in opened(run).files() if kind == "training"]
    files[2].unlink()
    write_step(Run.open(run), 1, group=6)
    index.refresh()
    assert [len(listed(index, kind="training", step=step)) for step in "012"] == [8, 12, 0]


def test_a_damaged_file_is_named_and_the_others_are_read(run: Path):
    files = dict(enumerate(path for kind, path in opened(run).files() if kind == "training"))
    files[0].write_bytes(files[0].read_bytes()[:-9])
    middle = bytearray(files[1].read_bytes())
    middle[4:400] = b"\xff" * 396
    files[1].write_bytes(middle)
    (run / "measured" / "note.parquet").write_bytes(b"")
    with Index(opened(run)) as index:
        index.refresh()
        assert index.count == 14
        assert sorted(index.warnings) == [
            "note.parquet: left out: not a whole Parquet file",
            "reinforce-000000.parquet: left out: not a whole Parquet file",
            "reinforce-000001.parquet: left out: its content is damaged",
        ]


def test_a_file_that_goes_between_two_questions_is_a_row_without_text(index: Index, run: Path):
    shutil.rmtree(run / "measured")
    rows = listed(index, kind="measured")
    assert len(rows) == 6
    assert all("answer" not in row for row in rows)
    assert lookup.whole(index, Path(rows[0]["path"]), 0) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("IN JA", 2), ("what is 3 + 4", 30), ("STEP 2", 8), ("10", 6), ("%", 0), ("'", 0), ("seven_", 0)],
)
def test_text_is_found_whatever_its_case_and_is_no_pattern(index: Index, text: str, count: int):
    search = Searches(index).of(text)
    assert search.go_on() == (5, 5)
    assert lookup.tally(index, Asked(text=text), search.table)["n"] == count


def test_a_search_goes_on_where_it_stopped_and_sees_what_is_new(
    index: Index, run: Path, monkeypatch: pytest.MonkeyPatch
):
    searches = Searches(index)
    monkeypatch.setattr("ponder.viewer.search.WAIT", 0)
    assert searches.of("seven").go_on() == (0, 5)
    monkeypatch.setattr("ponder.viewer.search.WAIT", 60)
    assert searches.of("seven").go_on() == (5, 5)
    write_step(Run.open(run), 3)
    index.refresh()
    search = searches.of("seven")
    assert search.go_on() == (6, 6)
    assert lookup.tally(index, Asked(text="seven"), search.table)["n"] == 38


def test_old_searches_are_dropped(index: Index):
    searches = Searches(index)
    for number in range(12):
        searches.of(str(number)).go_on()
    tables = index.ask("select count(*) as n from duckdb_tables() where table_name like 'found%'")
    assert tables[0]["n"] == len(searches.kept) == 8


def test_nothing_is_left_behind(run: Path):
    before = sorted(run.rglob("*"))
    with Index(opened(run)) as index:
        index.refresh()
        folder = Path(index._folder.name)
        assert folder.is_dir()
    assert not folder.exists()
    assert sorted(run.rglob("*")) == before
