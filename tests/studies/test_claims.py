"""Claims of the project, decided by made-up results of studies; and the project's own, which say what those found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.command import ponder
from ponder.report import claims as pages
from ponder.runs.result import Number
from ponder.studies.claims import decided, read, shown
from ponder.types import PonderError

ROOT = Path(__file__).parents[2]

CLAIMS = """
about = "What we argue."

[[claims]]
says = "It works."
rests = [
    {study = "rate", claim = "Faster is better."},
    {study = "rate", claim = "Slower is better.", against = true},
]
awaits = ["depth"]
[claims.found]
held = "It gains {rate:fast.gain:+} [see](../studies/rate/README.md)."
"not held" = "It does not."

[[claims]]
says = "It is deep."
awaits = ["depth"]
"""


def results(folder: Path, *, faster: str = "held", slower: str = "not held") -> Path:
    """A folder with the claims above and the results of their one study."""
    record: dict[str, Any] = {"value": 0.25, "low": 0.125, "high": 0.375, "n": 5}
    claims = [
        {"says": "Faster is better.", "word": faster, **record},
        {"says": "Slower is better.", "word": slower, "value": -0.0125, "low": -0.02, "high": -0.005, "n": 5},
        {"says": "Nobody asked.", "word": "undecided"},
    ]
    (folder / "rate").mkdir(parents=True, exist_ok=True)
    found = {"study": "rate", "numbers": {"fast.gain": record | {"unit": "", "query": ""}}, "claims": claims}
    (folder / "rate" / "results.json").write_text(json.dumps(found))
    path = folder / "claims.toml"
    path.write_text(CLAIMS)
    return path


def test_the_pages_say_what_the_studies_found():
    page = read(ROOT / "studies" / "claims.toml")
    again = "not what the studies' results say: run `make claims`"
    assert (ROOT / "docs" / "claims.md").read_text(encoding="utf-8") == pages.markdown(page), f"claims.md: {again}"
    assert (ROOT / "docs" / "claims.html").read_text(encoding="utf-8") == pages.html(page), f"claims.html: {again}"


def test_every_outcome_that_came_about_has_its_text():
    page = read(ROOT / "studies" / "claims.toml")
    assert [claim.says for claim in page.claims if claim.evidence and not claim.found] == []


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([], "not tested yet"),
        (["held", "held"], "held"),
        (["not held", "not held"], "not held"),
        (["held", "not held"], "held in part"),
        (["held", "undecided"], "held in part"),
        (["not held", "undecided"], "undecided"),
    ],
)
def test_all_must_hold_for_held_and_none_for_not_held(words: list[str], word: str):
    assert decided(words) == word


def test_a_claim_that_speaks_against_counts_the_other_way_round(tmp_path: Path):
    told = read(results(tmp_path)).claims[0]
    assert told.word == "held" and [each.counts for each in told.evidence] == ["held", "held"]
    assert told.found == "It gains +.25 [+.12, +.38] [see](../studies/rate/README.md)."
    assert told.commands == ("ponder study studies/rate/rate.toml",) and told.awaits == ("depth",)


def test_the_text_of_another_outcome_is_not_told(tmp_path: Path):
    told = read(results(tmp_path, slower="undecided")).claims[0]
    assert told.word == "held in part" and told.found == ""
    told = read(results(tmp_path, faster="not held", slower="held")).claims[0]
    assert told.word == "not held" and told.found == "It does not."


def test_what_is_not_cited_is_told_all_the_same(tmp_path: Path):
    page = read(results(tmp_path))
    assert [other.says for other in page.others] == ["Nobody asked."]
    assert "Nobody asked. | undecided | neither | no seed has both | · |" in pages.markdown(page)
    assert "Nobody asked." in pages.html(page)


def test_what_has_no_results_yet_is_not_tested_yet(tmp_path: Path):
    page = read(results(tmp_path))
    assert page.claims[1].word == "not tested yet"
    assert pages.summary(page.claims) == "Of 2 claims, 1 held, 1 is not tested yet."
    assert "waits for studies/depth" in pages.markdown(page)
    (tmp_path / "rate" / "results.json").unlink()
    told = read(tmp_path / "claims.toml").claims[0]
    assert told.word == "not tested yet" and told.found == "" and told.awaits == ("rate", "depth")


@pytest.mark.parametrize(
    ("number", "form", "text"),
    [
        (Number(0.919, 0.903, 0.935, 6), "", ".919 [.903, .935]"),
        (Number(0.454, 0.414, 0.494, 6), "+", "+.45 [+.41, +.49]"),
        (Number(-0.0008, -0.023, 0.021, 6), "+", "-.001 [-.023, +.021]"),
        (Number(25.049, 22.77, 27.33, 5), "", "25.0 [22.8, 27.3]"),
        (Number(0.738, 0.66, 0.8, 160), "%", "74% [66, 80]"),
        (Number(0.219, 0.16, 0.28, 320), "+%", "+22 [+16, +28]"),
        (Number(10.6, 10.6, 10.6, 1), "", "10.6"),
        (Number(0.0, 0.0, 0.0, 10), "+", ".00 [.00, .00]"),
        (Number(None, None, None, 0), "", "·"),
    ],
)
def test_a_number_has_as_many_digits_as_its_interval_is_worth(number: Number, form: str, text: str):
    assert shown(number, form) == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("rate:fast.gain", "rate:fast.gian"), "claims.0.found: rate has no number 'fast.gian'"),
        (('"Faster is better."', '"Fast is better."'), "study rate decides no claim 'Fast is better.'"),
        (("held = ", "hold = "), "claims.0.found: 'hold' is no outcome; there are held, "),
        (("awaits = ", "await = "), "unknown key; did you mean 'awaits'"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, change: tuple[str, str], message: str):
    path = results(tmp_path)
    path.write_text(CLAIMS.replace(*change))
    with pytest.raises(PonderError, match=message):
        read(path)


@pytest.mark.parametrize("content", ["{", "[]", '{"claims": []}', "null"])
def test_results_that_are_none_are_one_line(tmp_path: Path, content: str):
    path = results(tmp_path)
    (tmp_path / "rate" / "results.json").write_text(content)
    with pytest.raises(PonderError, match=r"results\.json: not the results of a study; run the study again"):
        read(path)


def test_the_verb_writes_both_pages_and_what_is_written_is_inert(tmp_path: Path):
    path = results(tmp_path)
    path.write_text(CLAIMS.replace("It is deep.", "<script>1</script>"))
    done = ponder("claims", str(path), "--out", str(tmp_path), "--json")
    assert done.exit_code == 0, done.output
    html = (tmp_path / "claims.html").read_text()
    assert "<script" not in html and "&lt;script&gt;1&lt;/script&gt;" in html
    assert '<a href="../studies/rate/README.md">see</a>' in html
    assert json.loads(done.stdout)["claims"]["It works."] == "held"
