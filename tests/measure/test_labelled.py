"""Labelled answers: from files of many kinds, from domains, and what is refused in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ponder.measure.labelled import find
from ponder.types import PonderError

ROWS = [
    {"question": "1+1?", "answer": "2", "label": True, "reference": "2", "language": "en", "difficulty": 1},
    {"question": "1+1?", "answer": "3", "label": 0, "reference": "2", "kind": "slip"},
    {"question": "2+2?", "answer": "", "label": "No", "pair_id": "p"},
]


def write(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_rows_become_answers(tmp_path: Path):
    found = find(write(tmp_path / "sums.jsonl", *ROWS))
    one, other, empty = found.answers
    assert (found.name, found.warnings) == ("sums", ())
    assert (one.right, one.kind, one.problem.difficulty, one.problem.language) == (True, "right", 1.0, "en")
    assert (other.right, other.kind, other.sample, other.problem.id) == (False, "slip", 1, one.problem.id)
    assert (empty.right, empty.kind, empty.answer, empty.problem.pair_id) == (False, "wrong", "", "p")


def test_a_table_says_the_same(tmp_path: Path):
    path = tmp_path / "sums.csv"
    path.write_text("question,answer,label,difficulty\n1+1?,2,yes,\n1+1?,3,FALSE,2.5\n")
    found = find(str(path)).answers
    assert [(each.answer, each.right, each.problem.difficulty) for each in found] == [
        ("2", True, None),
        ("3", False, 2.5),
    ]


def test_what_is_said_twice_is_taken_once_and_told(tmp_path: Path):
    found = find(write(tmp_path / "sums.jsonl", *ROWS, ROWS[1], ROWS[0]))
    assert len(found.answers) == 3
    assert "2 rows say what an earlier one says" in found.warnings[0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "holds no rows"),
        ([ROWS[0]], "all 1 answers are labelled right; an audit needs both kinds"),
        ([ROWS[1], ROWS[2]], "all 2 answers are labelled wrong"),
        ([ROWS[0] | {"anser": "x"}], "line 1: column 'anser': no such column; the nearest is 'answer'"),
        ([{"question": "x", "answer": "y"}], "column 'label' is missing; it has only question, answer"),
        ([ROWS[0], ROWS[1] | {"label": "maybe"}], "line 2: label = 'maybe': give true or false, 1 or 0, yes or no"),
        ([ROWS[0] | {"label": 0.5}], "label = 0.5"),
        ([ROWS[0] | {"difficulty": "hard"}], "line 1: difficulty = 'hard': must be a number"),
        ([ROWS[0] | {"question": " "}], "line 1: question is empty"),
        ([ROWS[0], ROWS[0] | {"label": False}], "'2' to '1+1?' is labelled both right and wrong"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, rows: list[dict[str, Any]], said: str):
    with pytest.raises(PonderError) as refused:
        find(write(tmp_path / "sums.jsonl", *rows))
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("none.jsonl", "there is no such file"),
        ("lab-aritmetic", "the nearest is 'lab-arithmetic'"),
        ("gym", "this kind of domain needs options; give a file of labelled answers"),
    ],
)
def test_what_is_neither_a_file_nor_a_domain(on: str, said: str):
    with pytest.raises(PonderError, match=said):
        find(on)


def test_a_number_of_problems_is_for_domains(tmp_path: Path):
    with pytest.raises(PonderError, match="--problems = 5: a file is audited whole"):
        find(write(tmp_path / "sums.jsonl", *ROWS), problems=5)


def test_a_domain_is_asked_in_both_languages_about_the_same(tmp_path: Path):
    found = find("lab-counting", problems=40).answers
    told = {
        language: {e.problem.pair_id: e for e in found if e.problem.language == language} for language in ("en", "ja")
    }
    assert told["en"].keys() == told["ja"].keys() and len(told["en"]) > 20
    assert all(told["ja"][pair].kind == each.kind for pair, each in told["en"].items())
    assert all((each.answer == each.problem.reference) == each.right for each in found)
    assert {each.problem.split for each in found} == {"test"}
    assert found == find("lab-counting", problems=40).answers
