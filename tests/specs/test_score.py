"""What answers are worth by rubrics, worked out by hand."""

import pytest

from ponder.specs import WEIGHTS, Level, Spec, parse, score
from ponder.types import PonderError

RUBRIC = parse("# R\n\n## e (essential) E\n\n## i (important) I\n\n## o (optional) O\n\n## p (pitfall) P\n", name="r")
"""Its positive weights add up to 2."""

OWN = parse("# R\n\n## e (essential, 3) E\n\n## o (optional) O\n\n## p (pitfall, -1.5) P\n", name="own")
"""Its positive weights add up to 3.3."""

CASES = [
    (RUBRIC, {"e": True, "i": True, "o": True, "p": False}, 1.0),
    (RUBRIC, {"e": False, "i": False, "o": False, "p": False}, 0.0),
    (RUBRIC, {"e": True, "i": False, "o": False, "p": False}, 0.5),
    (RUBRIC, {"e": False, "i": True, "o": True, "p": False}, 0.5),
    (RUBRIC, {"e": True, "i": True, "o": True, "p": True}, 0.55),
    (RUBRIC, {"e": True, "i": False, "o": False, "p": True}, 0.05),
    (RUBRIC, {"e": False, "i": True, "o": False, "p": True}, 0.0),
    (RUBRIC, {"e": 0.5, "i": 1, "o": 0, "p": 0.25}, 0.4875),
    (OWN, {"e": True, "o": False, "p": True}, 1.5 / 3.3),
    (OWN, {"e": False, "o": True, "p": 0.1}, 0.15 / 3.3),
]


@pytest.mark.parametrize(("rubric", "met", "worth"), CASES)
def test_the_sum_of_what_is_met_over_the_positive_weights(rubric: Spec, met: dict[str, float], worth: float):
    assert score(rubric, met) == pytest.approx(worth, abs=1e-12)


def test_weights_are_those_of_the_levels_unless_the_file_says_otherwise():
    assert [clause.weight for clause in RUBRIC.clauses] == [1.0, 0.7, 0.3, -0.9]
    assert [clause.weight for clause in OWN.clauses] == [3.0, 0.3, -1.5]
    assert "## p (pitfall, -1.5) P" in OWN.text() and "(essential, 3)" in OWN.text() and "(optional) O" in OWN.text()
    assert parse(OWN.text(), name="own") == OWN and OWN.is_rubric


def test_more_met_is_never_worth_less_and_a_pitfall_never_more():
    for step in range(10):
        met = {"e": 0.4, "i": 0.6, "o": 0.2, "p": 0.1}
        for clause in RUBRIC.clauses:
            less, more = met | {clause.id: step / 10}, met | {clause.id: (step + 1) / 10}
            assert (score(RUBRIC, more) - score(RUBRIC, less)) * clause.weight >= 0


BAD = {
    "missing": (
        {"e": True, "i": True, "o": True},
        "met has no 'p': r has this criterion; give it a number from 0 to 1",
    ),
    "unknown": ({"e": 1, "i": 1, "o": 1, "p": 0, "x": 1}, "clause = 'x': r has no such clause; take e, i, o, p"),
    "too much": ({"e": 1.5, "i": 1, "o": 1, "p": 0}, r"met\['e'\] = 1.5: must be from 0 to 1"),
    "below": ({"e": -1, "i": 1, "o": 1, "p": 0}, r"met\['e'\] = -1.0: must be from 0 to 1"),
    "nan": ({"e": float("nan"), "i": 1, "o": 1, "p": 0}, r"met\['e'\] = nan: must be from 0 to 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_met_has_to_be_said_of_every_criterion(name: str):
    met, message = BAD[name]
    with pytest.raises(PonderError, match=message):
        score(RUBRIC, met)


def test_a_spec_is_no_rubric():
    spec = parse("# S\n\n## a (must) A\n", name="s")
    assert not spec.is_rubric and spec.clauses[0].level not in WEIGHTS and Level.PITFALL in WEIGHTS
    with pytest.raises(PonderError, match="s: no weight is above 0; take a rubric with a criterion"):
        score(spec, {"a": True})
