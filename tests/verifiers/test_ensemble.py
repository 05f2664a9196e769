from __future__ import annotations

from typing import Any

import pytest

from contracts.verifier import VerifierContract, problem
from ponder.types import PonderError, Status, Submission
from ponder.verifiers.ensemble import COMBINED, Ensemble
from ponder.verifiers.text import Exact, Number

GIVEN = Submission(problem=problem("7"), answer="7")


class TestEnsemble(VerifierContract):
    def verifier(self) -> Ensemble:
        return Ensemble(members=(Exact(), Number()))

    def problems(self):
        return [problem("42"), problem("3"), problem("17")]

    def failing(self):
        return Ensemble(members=(Exact(), Number())), Submission(problem=problem("many"), answer="5")


@pytest.mark.parametrize(
    ("combine", "value"), [("mean", 0.6), ("majority", 1.0), ("minimum", 0.2), ("cautious", 0.6 - 0.08**0.5)]
)
def test_values_are_combined(combine: str, value: float):
    assert COMBINED[combine]([0.2, 0.8, 0.8]) == pytest.approx(value)


def test_doubt_is_not_paid_below_nothing():
    assert COMBINED["cautious"]([0.0, 1.0]) == 0.0 and COMBINED["cautious"]([0.4, 0.4]) == pytest.approx(0.4)


def test_a_verdict_names_all_members():
    (verdict,) = Ensemble(members=(Exact(), Number()), combine="mean").verify(
        [Submission(problem=problem("7"), answer="7.0")]
    )
    assert verdict.parts == {"exact": 0.0, "number": 1.0} and verdict.value == 0.5
    assert verdict.explanation == "exact 0.00; number 1.00"


def test_where_one_cannot_judge_nobody_has():
    (verdict,) = Ensemble(members=(Exact(), Number())).verify([Submission(problem=problem("many"), answer="many")])
    assert (verdict.value, verdict.status, verdict.verifier) == (None, Status.ERROR, "ensemble")
    assert verdict.explanation.startswith("number: ")


@pytest.mark.parametrize("options", [{"members": (Exact(), Exact())}, {"combine": "most"}])
def test_what_is_no_ensemble_is_refused(options: dict[str, Any]):
    given: dict[str, Any] = {"members": (Exact(), Number())} | options
    with pytest.raises(PonderError, match="ensemble: an ensemble has members of two names at least"):
        Ensemble(**given)
