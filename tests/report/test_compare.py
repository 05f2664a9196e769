"""The page of several runs: no stronger than its intervals, inert, and left out where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from measure.synthetic import rollout, whole_run
from ponder.measure.ranking import Standing
from ponder.measure.statistics import Estimate
from ponder.report.compare import html, sentence
from ponder.report.compared import order
from ponder.report.sides import told_apart
from ponder.types import Message, PonderError, Rollout
from report.test_page import HOSTILE, Page, made


def standing(pairs: dict[tuple[int, int], float], sure: Sequence[tuple[int, int]], order: Sequence[int]) -> Standing:
    known = Estimate(0.5, 0.4, 0.6, 80)
    return Standing(
        tier="trained",
        domains=("chains",),
        order=tuple(order),
        accuracy=dict.fromkeys(order, known),
        differences={pair: Estimate(v, v - 0.05, v + 0.05, 80) for pair, v in pairs.items()},
        sure=frozenset(sure),
    )


NAMES = ("a", "<b>", "c")


def test_two_that_are_apart():
    told = sentence(standing({(1, 0): 0.2}, [(1, 0)], (1, 0)), NAMES)
    assert told == "In trained domains &lt;b&gt; is ahead of a, by +20 [+15, +25] points."


def test_two_that_are_not():
    told = sentence(standing({(1, 0): 0.02}, [], (1, 0)), NAMES)
    assert told == "In trained domains &lt;b&gt; and a cannot be told apart (+2 [−3, +7] points)."


def test_several():
    apart = standing({(0, 2): 0.3, (1, 2): 0.2, (0, 1): 0.1}, [(0, 2), (1, 2)], (0, 1, 2))
    told = sentence(apart, NAMES)
    assert told == (
        "In trained domains a and &lt;b&gt; are ahead of c, by +20 [+15, +25] points or more, and cannot be told apart "
        "from each other."
    )
    assert order(apart, NAMES) == "a = <b> > c"
    none = standing({(0, 2): 0.3, (1, 2): 0.2, (0, 1): 0.1}, [], (0, 1, 2))
    assert sentence(none, NAMES) == "In trained domains the order of the 3 runs is not decisive."


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    rows = [asked_alike(row) for row in whole_run(problems=12)]
    return [
        made(folder / "one", rows, steps=5),
        made(folder / "two", rows, steps=8),
        made(folder / "three", [row for row in rows if row.cell.checkpoint != "reinforce"]),
    ]


def asked_alike(row: Rollout) -> Rollout:
    """The same with a question that is its problem's own, so that other conditions can be paired with it."""
    return replace(row, problem=replace(row.problem, messages=(Message(role="user", content=row.problem.id),)))


def test_the_page_has_everything_and_asks_for_nothing(runs: list[Path]):
    changed = {"rl.learning_rate": (1e-4, 2e-4, None)}
    text = html(runs, changed=changed)
    page = Page(text)
    for said in ("Who is ahead", "What changed", "0.0002", "Every two of them", "What each training carried to"):
        assert said in page.text
    for said in ("What it cost in thinking", "How they learned", "What was run", "one, two, three: ponder"):
        assert said in page.text
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & page.names()
    assert "default-src 'none'" in text and "://" not in text and page.open == []
    assert [a.get("class") for tag, a in page.tags if tag == "details"].count("numbers") == 3


def test_the_same_run_twice_cannot_be_told_apart(runs: list[Path]):
    text = Page(html([runs[0], runs[0]], changed={})).text
    assert "one (1) and one (2) cannot be told apart (0 [" in text and "Nothing: not the recipe" in text


def test_hostile_names_and_recipes_are_inert(tmp_path: Path):
    rows = [rollout("after", str(at), 1.0, domain=evil[:60]) for at, evil in enumerate(HOSTILE)]
    manifest = {"recipe": {"name": HOSTILE[0], HOSTILE[1]: HOSTILE[2]}}
    paths = [made(tmp_path / name, rows, manifest=manifest) for name in ("<img src=x onerror=1>", "<svg onload=1>")]
    page = Page(html(paths, changed={HOSTILE[0]: (HOSTILE[1], HOSTILE[2])}))
    assert not {"script", "img", "a", "iframe"} & page.names() and page.open == []
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_runs_without_problems_in_common_say_so(tmp_path: Path):
    paths = [made(tmp_path / name, [rollout("after", name, 1.0)]) for name in "ab"]
    assert "These runs share no problem" in html(paths, changed={})


def test_seven_are_too_many(runs: list[Path]):
    with pytest.raises(PonderError, match="7 runs: a page compares 6 at most; leave some out"):
        html([runs[0]] * 7, changed={})


def test_names_are_told_apart():
    assert told_apart([Path("x/run"), Path("y/run"), Path("y/other")]) == ["run (1)", "run (2)", "other"]
