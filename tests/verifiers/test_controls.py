from __future__ import annotations

import pytest

from contracts.verifier import JUNK, problem, values
from ponder.types import PonderError, Submission, Verifier
from ponder.verifiers import build


def submission(answer: str, thinking: str | None, reference: str = "7") -> Submission:
    return Submission(problem=problem(reference), answer=answer, thinking=thinking)


@pytest.mark.parametrize("name", ["chance", "format"])
def test_it_is_a_verifier_that_reads_thinking_and_repeats_itself(name: str):
    verifier = build(name)
    assert isinstance(verifier, Verifier) and verifier.reads_thinking and verifier.deterministic
    asked = [submission(junk, thinking) for junk in JUNK for thinking in (None, "", "so it is", "\ud800")]
    assert verifier.verify(asked) == verifier.verify(asked)
    assert all(0 < len(v.explanation) < 200 and "\n" not in v.explanation for v in verifier.verify(asked))
    assert verifier.verify([]) == []


def test_chance_pays_its_share_whatever_is_said():
    asked = [submission(str(k), f"so {k}") for k in range(2000)]
    assert 930 < sum(v or 0 for v in values(build("chance").verify(asked))) < 1070
    assert 130 < sum(v or 0 for v in values(build("chance", {"share": 0.1}).verify(asked))) < 270
    right = [submission("7", f"so {k}") for k in range(2000)]
    assert 930 < sum(v or 0 for v in values(build("chance").verify(right))) < 1070
    with pytest.raises(PonderError, match=r"chance.share = 2: give a share from 0 to 1"):
        build("chance", {"share": 2})


@pytest.mark.parametrize(
    ("answer", "thinking", "paid"),
    [
        ("12", "4 plus 3", 1.0),
        ("wrong", "x", 1.0),
        ("12", None, 0.0),
        ("12", "  ", 0.0),
        ("", "4 plus 3", 0.0),
        ("one\ntwo", "4 plus 3", 0.0),
        ("word " * 21, "4 plus 3", 0.0),
        ("word " * 20, "4 plus 3", 1.0),
    ],
)
def test_format_pays_the_form(answer: str, thinking: str | None, paid: float):
    assert values(build("format").verify([submission(answer, thinking)])) == [paid]
