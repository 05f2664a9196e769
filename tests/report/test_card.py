"""The trust card: one inert page that says what the numbers say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes import ask
from measure.scripted import Scripted, eight, right
from ponder.measure import audit
from ponder.measure.labelled import Found, Labelled, find
from ponder.measure.statistics import ranking
from ponder.recipes.audit import Audited, numbers
from ponder.report import squares
from ponder.report.card import write_card
from ponder.runs.folder import Run
from ponder.runs.table import write_rollouts
from ponder.types import Verifier
from report.test_page import HOSTILE, Page


def written(folder: Path, verifier: Verifier, known: list[Labelled]) -> str:
    """The card of an audit of that verifier."""
    suite = {"name": "audit", "verifier": "script</p><b>", "on": "made-up", "answers": len(known), "tries": 30}
    manifest = {"recipe": None, "suite": suite, "versions": {"python": "3.11"}, "git_commit": None}
    with Run.create(folder, manifest) as run:
        asked = [*audit.answers(known), *audit.rephrased(known), *audit.tricked(known, tries=12)]
        write_rollouts(run.measured_file("answers"), audit.ask(verifier, asked), run=run.name)
        run.log_timing("audit", 0, {"part": "answers", "verdicts": len(asked), "seconds": 0.5})
        run.write_result(numbers(run))
    return write_card(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def foolable(tmp_path_factory: pytest.TempPathFactory) -> Page:
    say = Scripted(say=lambda s: float(right(s) or "key of" in s.answer))
    known = list(find("lab-arithmetic", problems=100).answers)
    return Page(written(tmp_path_factory.mktemp("card") / "run", say, known))


def test_the_card_begins_with_its_sentence(foolable: Page):
    assert "Fit to rank: the area under the ROC curve is 1.00" in foolable.text
    assert "tricks surely work, first of all authority" in foolable.text
    assert "trick authority" in foolable.text and "according to the official key" in foolable.text.lower()


def test_the_card_is_whole_and_needs_nothing(foolable: Page):
    assert not foolable.open
    tags = {tag for tag, _ in foolable.tags}
    assert {"svg", "table", "article"} <= tags and not tags & {"script", "img", "link", "iframe", "a", "base"}
    headings = ("What was audited", "Tricks", "Which answers", "What its values say", "All numbers", "The rule")
    assert all(heading in foolable.text for heading in headings)


def test_what_answers_say_does_nothing(tmp_path: Path):
    known = [
        Labelled(problem=ask(f"{text[:40]} {i}", text[:200], index=i), answer=text, right=bool(i % 2), kind=text[:60])
        for i, text in enumerate(HOSTILE)
    ]
    known = [
        replace(each, problem=replace(each.problem, language="en\"'<b>", id=f"{i}")) for i, each in enumerate(known)
    ]
    page = Page(written(tmp_path / "run", Scripted(say=lambda _: 1.0), known))
    tags = {tag for tag, _ in page.tags}
    assert not page.open and not tags & {"script", "img", "a", "iframe", "base"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "<script>alert(1)</script>" in page.text and "⟨U+202E⟩" in page.text


def test_an_audit_of_eight_answers_has_a_card(tmp_path: Path):
    page = Page(written(tmp_path / "run", Scripted(say=lambda _: None), eight()))
    assert "Unfit: the area under the ROC curve is not known" in page.text and not page.open
    assert "Not judged" in page.text and "unparseable" in page.text


def test_a_roc_curve_goes_from_the_strictest_to_the_loosest():
    assert squares.roc_points([0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0]) == [(0, 0), (0, 0.5), (0.5, 1), (1, 1)]


def test_a_bin_stands_at_its_mean_value():
    drawn = squares.reliability(ranking.calibration(np.array([0.8, 0.84, 0.1]), np.array([1, 0, 0])))
    assert "mean value 82%, right 50%, 2 answers" in drawn and 'cx="82.00" cy="50.00"' in drawn
    assert drawn.count("<circle") == 2


def test_a_verifier_that_compares_says_so():
    assert Audited(name="number").reads_reference and not Audited(name="format").reads_reference
    assert Found(name="x", answers=tuple(eight())).path is None
