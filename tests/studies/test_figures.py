"""Figures: numbers along a word, and one number against another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.command import mistake
from ponder.studies import figures, results
from ponder.studies.figures import Found, drawn
from ponder.studies.schema import load_study
from ponder.types import PonderError
from studies.letters import STUDY

EACH = """
name = "letters"
asks = "How far does it reach?"
recipe = "small.toml"
seeds = [1, 2]
each = {depth = ["1", "2"], mode = ["none", "forced"]}
[arms.usual]
[arms.slow]
[numbers]
"depth{depth}.{mode}" = "select {depth} * length('{mode}')"
"depth{depth}.any" = "told.{depth}"
"""
FIGURES = """
[[figures]]
file = "depth.svg"
says = "By depth"
number = "depth{depth}.{mode}"
along = "depth"
arms = ["usual", "slow"]
[[figures]]
file = "arms.svg"
says = "By arm"
number = "depth{depth}.any"
along = "depth"
arms = ["slow"]
"""


def test_a_number_with_words_in_its_name_is_one_for_each_of_their_values(file: Path):
    file.write_text(EACH)
    assert load_study(file).numbers == {
        "depth1.none": "select 1 * length('none')",
        "depth1.forced": "select 1 * length('forced')",
        "depth2.none": "select 2 * length('none')",
        "depth2.forced": "select 2 * length('forced')",
        "depth1.any": "told.1",
        "depth2.any": "told.2",
    }


@pytest.mark.parametrize("each", ['{depth = [1, 2], mode = ["none"]}', '"depth"', '{depth = "1"}'])
def test_words_that_are_no_lists_of_texts_are_refused(file: Path, each: str):
    file.write_text(EACH.replace('{depth = ["1", "2"], mode = ["none", "forced"]}', each))
    with pytest.raises(PonderError, match=r"letters\.toml: each"):
        load_study(file)


def test_a_figure_has_two_words_at_most(file: Path):
    text = EACH.replace("mode = [", 'more = ["x"], mode = [').replace(".any", ".any{more}{mode}")
    file.write_text(text + FIGURES.replace(".any", ".any{more}{mode}"))
    with pytest.raises(PonderError, match=r"figures\.1\.number.*: may have two words of each in it"):
        load_study(file)


def test_what_a_study_lacks_is_said_before_anything_runs(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text(STUDY.replace("seeds = [1, 2]", 'seeds = [1, 2]\nmodels = ["no/such/model"]'))
    assert mistake("study", file, "--out", tmp_path / "out").startswith("model = 'no/such/model': no such folder")
    monkeypatch.setattr(figures, "find_spec", lambda name: None)
    file.write_text(EACH + FIGURES)
    line = "figures: depth.svg needs matplotlib; pip install 'ponder[figures]'"
    assert mistake("study", file, "--out", tmp_path / "out") == line
    assert not (tmp_path / "out").exists()


def test_figures_draw_an_arm_a_panel_and_are_shown_by_the_readme(file: Path, tmp_path: Path):
    file.write_text(EACH + FIGURES)
    study = load_study(file)
    values = {"depth1.none": 0.25, "depth2.none": 0.5, "depth1.forced": 0.75, "depth2.forced": 1.0}
    usual = {name: {1: value, 2: value + 0.125} for name, value in values.items()} | {
        "depth1.any": {},
        "depth2.any": {},
    }
    found = {"usual": usual, "slow": {name: {} for name in study.numbers} | {"depth2.any": {1: 0.5}}}
    results.write(study, found, tmp_path)
    drawing = (tmp_path / "depth.svg").read_text()
    assert ">usual<" in drawing and ">slow<" in drawing and ">none<" in drawing and ">forced<" in drawing
    assert ">slow<" in (tmp_path / "arms.svg").read_text()
    readme = (tmp_path / results.README).read_text()
    assert "![By depth](depth.svg)" in readme and "| number | usual | slow |" in readme
    assert "| depth2.any | · | 0.500, n = 1 |" in readme
    results.write(study, found, tmp_path)
    assert (tmp_path / "depth.svg").read_text() == drawing


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ('arms = ["slow"]', r"figures.1.arms: no arm is called 'fast'; there are usual, slow"),
        ('along = "depth"', r"figures.0.along: must be a word of each that number = 'depth"),
    ],
)
def test_a_figure_of_what_is_not_there_is_refused(file: Path, change: str, line: str):
    file.write_text(EACH + FIGURES.replace(change, change.replace("slow", "fast").replace("depth", "mood"), 1))
    with pytest.raises(PonderError, match=line):
        load_study(file)


AGAINST = """
name = "letters"
asks = "What is forgotten?"
recipe = "small.toml"
seeds = [1, 2, 3]
each = {depth = ["1", "2"]}
[arms.usual]
[arms.slow]
[numbers]
kept = "told.kept"
kl = "told.kl"
"at{depth}" = "told.{depth}"
[[figures]]
file = "forgetting.svg"
says = "What is kept, against how far it moved"
number = "kept"
against = "kl"
arms = ["usual", "slow"]
unit = "accuracy"
against_unit = "nats"
"""
FOUND: Found = {
    "usual": {"kept": {1: -0.2, 2: -0.4, 3: -0.3}, "kl": {1: 2.0, 2: 4.0, 3: 3.0}, "at1": {}, "at2": {}},
    "slow": {"kept": {1: 0.0, 2: 0.1}, "kl": {}, "at1": {}, "at2": {}},
}


@pytest.fixture
def against(file: Path) -> Path:
    file.write_text(AGAINST)
    return file


def bars(drawing: str) -> list[tuple[float, float]]:
    """Width and height, in points, of the intervals of the first arm."""
    line = r'd="M (\S+) (\S+) \nL (\S+) (\S+) \n" clip-path="[^"]*" style="fill: none; stroke: #0b62a4"'
    found = [tuple(map(float, each)) for each in re.findall(line, drawing)]
    return [(abs(c - a), abs(d - b)) for a, b, c, d in found]


def test_an_arm_is_a_point_with_intervals_in_both_directions(against: Path, tmp_path: Path):
    study = load_study(against)
    results.write(study, FOUND, tmp_path)
    drawing = (tmp_path / "forgetting.svg").read_text()
    assert ">usual<" in drawing and ">accuracy<" in drawing and ">nats<" in drawing
    assert ">slow<" not in drawing, "it lacks one of the numbers"
    assert "![What is kept, against how far it moved](forgetting.svg)" in (tmp_path / results.README).read_text()
    assert drawn(study.figures[0], study.each, FOUND).decode() == drawing
    (wide, flat), (thin, tall) = bars(drawing)
    assert flat == thin == 0 and wide > 50 and tall > 50


def test_one_seed_is_a_point_and_no_numbers_are_an_empty_frame(against: Path):
    study = load_study(against)
    one: Found = {arm: {"kept": {1: -0.2}, "kl": {1: 2.0}} for arm in study.arms}
    drawing = drawn(study.figures[0], study.each, one).decode()
    assert ">slow<" in drawing and bars(drawing) == [(0, 0), (0, 0)]
    none: Found = {arm: {"kept": {}, "kl": {}} for arm in study.arms}
    assert ">accuracy<" in drawn(study.figures[0], study.each, none).decode()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('against = "kl"\n', "", r"figures\.0\.along: give either along, a word of each, or against, a number$"),
        ('against = "kl"\n', 'against = "kl"\nalong = "depth"\n', r"figures\.0\.along = 'depth': give either along"),
        ('against = "kl"', 'against = "lk"', r"figures\.0\.against: no number is called 'lk'; there are kept, kl, at1"),
        ('number = "kept"', 'number = "at{depth}"', r"figures\.0\.against: no number is called 'at{depth}'; there are"),
        ('["usual", "slow"]', '["fast"]', r"figures\.0\.arms: no arm is called 'fast'; there are usual, slow"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(against: Path, old: str, new: str, line: str):
    against.write_text(AGAINST.replace(old, new))
    with pytest.raises(PonderError, match=line) as raised:
        load_study(against)
    assert "\n" not in str(raised.value)
