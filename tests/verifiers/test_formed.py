from __future__ import annotations

import pytest

from contracts.verifier import JUNK, problem, values
from ponder.types import Submission, Verifier
from ponder.verifiers.formed import REPEATED, Formed

LINE = "k2 guest: yes, so it is refused"


def value(thinking: str | None, answer: str = "refuse k2", clauses: tuple[str, ...] = ("k1", "k2")) -> float | None:
    (verdict,) = Formed(clauses=clauses).verify([Submission(problem=problem("7"), answer=answer, thinking=thinking)])
    return verdict.value


def test_it_is_a_verifier_that_reads_thinking_and_never_fails():
    verifier = Formed(clauses=("k1",))
    assert isinstance(verifier, Verifier) and verifier.reads_thinking and verifier.deterministic
    asked = [Submission(problem=problem("7"), answer=a, thinking=t) for a in JUNK for t in (None, "", "\ud800", "so")]
    assert set(values(verifier.verify(asked))) == {0.0}
    assert verifier.verify([]) == []


@pytest.mark.parametrize(("thinking", "worth"), [(LINE, 1.0), (None, 0.0), (" \n", 0.0), ("guest: refused", 0.0)])
def test_thinking_names_a_clause(thinking: str | None, worth: float):
    assert value(thinking) == worth


def test_where_no_clause_need_be_named_any_thinking_will_do():
    assert value("guest: refused", clauses=()) == 1.0
    assert value(None, clauses=()) == 0.0


def test_an_answer_is_free_of_the_analysis():
    assert len(LINE) >= REPEATED
    assert value(LINE, f"refuse k2, since {LINE}") == 0.0
    assert value("k2: yes", "k2: yes") == 1.0, "a line as short as an answer may be said again"
