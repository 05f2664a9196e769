"""What is kept, in which form, and what a resumed run leaves out."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.context import Context
from benchmarks.figures import Ratio
from benchmarks.page import page
from benchmarks.rounds import Played, Repeat
from benchmarks.store import Outcome, Store

MADE = {"date": "2026-01-01 12:00", "commit": "abc", "machine": "a machine", "dtypes": "fp32 is faster"}


def outcome(seconds: float = 2.0, *, absent: bool = False) -> Outcome:
    one = Repeat(round=0, seconds=1.0, tokens=10, peak_bytes=10**9, busy=0.01)
    other = Repeat(round=0, seconds=seconds, tokens=10, peak_bytes=2 * 10**9, busy=0.01)
    played = Played(repeats={"ponder": [one], "peer": [] if absent else [other]})
    if absent:
        played.absent["peer"] = "it does not install here"
    figure = Ratio(name="ratio.peer", above="peer", below="ponder", query="seconds / seconds")
    return Outcome.of(played, [figure], {"ponder": {"versions": {"torch": "2"}, "dtype": "float32"}})


def test_results_have_the_form_of_a_runs_result(tmp_path: Path):
    Store(tmp_path, keep=False).add("work", outcome(), made=MADE)
    assert json.loads((tmp_path / "results.json").read_text()) == {
        "numbers": {
            "ratio.peer": {
                "value": 2.0,
                "low": 2.0,
                "high": 2.0,
                "n": 1,
                "unit": "ratio",
                "query": "seconds / seconds",
            }
        }
    }


def test_raw_keeps_every_repeat(tmp_path: Path):
    Store(tmp_path, keep=False).add("work", outcome(), made=MADE)
    work = json.loads((tmp_path / "raw.json").read_text())["works"]["work"]
    assert work["repeats"]["peer"][0]["peak_bytes"] == 2 * 10**9
    assert work["made"] == MADE


def test_a_store_that_is_kept_knows_what_is_done_and_a_new_one_does_not(tmp_path: Path):
    Store(tmp_path, keep=False).add("one", outcome(), made=MADE)
    assert Store(tmp_path, keep=True).done("one")
    assert not Store(tmp_path, keep=True).done("other")
    assert not Store(tmp_path, keep=False).done("one")


def test_measuring_again_replaces_a_work_and_leaves_the_others(tmp_path: Path):
    Store(tmp_path, keep=False).add("one", outcome(2.0), made=MADE)
    store = Store(tmp_path, keep=True)
    store.add("two", outcome(3.0), made=MADE)
    store.add("two", outcome(5.0), made=MADE)
    assert store.numbers()["ratio.peer"]["value"] == 5.0
    assert list(store.works) == ["one", "two"]


def test_a_number_that_can_no_longer_be_told_is_gone(tmp_path: Path):
    store = Store(tmp_path, keep=False)
    store.add("work", outcome(), made=MADE)
    store.add("work", outcome(absent=True), made=MADE)
    assert json.loads((tmp_path / "results.json").read_text()) == {"numbers": {}}


def test_the_page_tells_numbers_and_absent_peers(tmp_path: Path):
    store = Store(tmp_path, keep=False)
    store.add("one", outcome(), made=MADE)
    store.add("two", outcome(absent=True), made=MADE)
    text = page(store.works)
    assert "| `ratio.peer` | 2 | 2 to 2 | 1 | ratio |" in text
    assert "| peer | absent: it does not install here |" in text
    assert "| ponder | 1 [1, 1] | 10 | 10 | 1.00 | 1.0% | 0.00 | torch 2; float32 |" in text


def test_a_resumed_run_leaves_out_what_is_done(tmp_path: Path, monkeypatch):
    from benchmarks import __main__ as command

    asked: list[str] = []

    def work(name: str):
        def run(_: Context) -> Outcome:
            asked.append(name)
            return outcome()

        return run

    monkeypatch.setattr(command, "WORKS", {name: work(name) for name in ("one", "two")})
    monkeypatch.setattr(command, "KEPT", tmp_path)
    monkeypatch.setattr(command, "made", lambda context: MADE)
    Store(tmp_path / "quick", keep=False).add("one", outcome(), made=MADE)
    command.main(["--quick", "--resume"])
    assert asked == ["two"]
    command.main(["--quick", "--only", "one"])
    assert asked == ["two", "one"]
    command.main(["--quick"])
    assert asked == ["two", "one", "one", "two"]
