"""Figures that set one number against another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ponder.studies import results
from ponder.studies.figures import Found, drawn
from ponder.studies.schema import load_study
from ponder.types import PonderError
from recipes.small import write_small

STUDY = """
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
def file(tmp_path: Path, tiny: Path) -> Path:
    write_small(tmp_path, tiny, cold=3, rl=1)
    path = tmp_path / "letters.toml"
    path.write_text(STUDY)
    return path


def bars(drawing: str) -> list[tuple[float, float]]:
    """Width and height, in points, of the intervals of the first arm."""
    line = r'd="M (\S+) (\S+) \nL (\S+) (\S+) \n" clip-path="[^"]*" style="fill: none; stroke: #0b62a4"'
    found = [tuple(map(float, each)) for each in re.findall(line, drawing)]
    return [(abs(c - a), abs(d - b)) for a, b, c, d in found]


def test_an_arm_is_a_point_with_intervals_in_both_directions(file: Path, tmp_path: Path):
    study = load_study(file)
    results.write(study, FOUND, tmp_path)
    drawing = (tmp_path / "forgetting.svg").read_text()
    assert ">usual<" in drawing and ">accuracy<" in drawing and ">nats<" in drawing
    assert ">slow<" not in drawing, "it lacks one of the numbers"
    assert "![What is kept, against how far it moved](forgetting.svg)" in (tmp_path / results.README).read_text()
    assert drawn(study.figures[0], study.each, FOUND).decode() == drawing
    (wide, flat), (thin, tall) = bars(drawing)
    assert flat == thin == 0 and wide > 50 and tall > 50


def test_one_seed_is_a_point_and_no_numbers_are_an_empty_frame(file: Path):
    study = load_study(file)
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
def test_what_cannot_be_drawn_is_one_line(file: Path, old: str, new: str, line: str):
    file.write_text(STUDY.replace(old, new))
    with pytest.raises(PonderError, match=line) as raised:
        load_study(file)
    assert "\n" not in str(raised.value)
