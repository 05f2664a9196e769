from __future__ import annotations

import pytest

from fakes import ask
from ponder.solve.solution import Why
from ponder.solve.solver import Solver
from ponder.types import PonderError
from ponder.verifiers.extract import Kind
from solve.scripted import CUT, LOST, ScriptedJudge, ScriptedSource


def source(*lines: str, longest: int = 20) -> ScriptedSource:
    return ScriptedSource(lines=lambda problem: lines, longest=longest)


def test_unanimous_answers_take_six_samples_in_one_round():
    drawn = source("7", "7.0", "The answer is 7.", "7", "7", "7")
    (found,) = Solver(source=drawn, kind=Kind.NUMBER).solve([ask("3+4?")])
    assert (found.why, found.answer, found.counts) == (Why.AGREED, "7", {"7": 6})
    assert drawn.rounds == [[[0, 1, 2, 3, 4, 5]]]
    assert (found.tokens, found.thinking_tokens, found.answer_tokens, found.verifier_tokens) == (72, 60, 12, 0)


def test_a_hard_question_takes_more_than_an_easy_one_beside_it():
    easy, hard = ask("easy"), ask("hard", index=1)
    drawn = ScriptedSource(lines=lambda problem: ["7"] if problem is easy else ["7", "8", "9", "8", "7", "8", "8"])
    found = Solver(source=drawn).solve([easy, hard])
    assert [one.why for one in found] == [Why.AGREED, Why.AGREED]
    assert [one.answer for one in found] == ["7", "8"]
    assert len(found[0].tries) == 6 < len(found[1].tries)
    assert [len(each) for each in drawn.rounds[:2]] == [2, 1], "who is solved is asked no more"
    numbers = [number for each in drawn.rounds for number in each[-1]]
    assert numbers == list(range(len(found[1].tries))), "samples go on where the round before ended"


def test_what_was_cut_or_is_empty_is_no_vote():
    (found,) = Solver(source=source("8" + CUT, "", "8" + CUT, "7")).solve([ask("3+4?")])
    assert found.votes[:4] == (None, None, None, "7")
    assert (found.answer, found.why, len(found.tries)) == ("7", Why.AGREED, 9), "three without a vote, and six"
    assert found.chosen == 3


def test_the_samples_come_to_an_end():
    (found,) = Solver(source=source("1", "2", "3", "2", "5"), samples=5).solve([ask("?")])
    assert (found.why, found.answer, len(found.tries)) == (Why.MOST, "2", 5)


def test_a_tie_is_given_to_who_came_first():
    (found,) = Solver(source=source("2", "1", "1", "2"), samples=4).solve([ask("?")])
    assert found.answer == "2"


def test_votes_that_cannot_change_any_more_end_it_below_an_error_that_takes_longer():
    """At an error of a millionth agreement takes over 20 votes; after 6 of 11 the rest changes nothing."""
    lines = ["7"] * 11
    (found,) = Solver(source=source(*lines), samples=11, error=1e-6).solve([ask("?")])
    assert (found.why, len(found.tries)) == (Why.MOST, 11), "eleven are drawn at once: so many might be needed"


def test_after_a_dissent_the_rest_may_be_settled():
    """Six, then as many as agreement would take; with 5 to 1 and 3 left nobody can overtake."""
    (found,) = Solver(source=source("7", "7", "8", "7", "7", "7"), samples=9).solve([ask("?")])
    assert (found.why, found.answer, len(found.tries)) == (Why.SETTLED, "7", 6)


def test_no_more_is_spent_than_may_be():
    """A sample takes 12 tokens and may take 20: after 5 are 60 spent, and 5 more would take up to 100."""
    drawn = source("1", "2", "3", "4", "5", "6", "7")
    (found,) = Solver(source=drawn, spend=100).solve([ask("?")])
    assert found.why is Why.SPENT and found.tokens <= 100
    assert [len(each[0]) for each in drawn.rounds] == [5, 2], "100 // 20, and (100 - 60) // 20"


def test_a_verifier_that_is_sure_ends_it_after_one():
    judge = ScriptedJudge(say=lambda answer: 0.96)
    (found,) = Solver(source=source("7"), verifier=judge).solve([ask("?")])
    assert (found.why, len(found.tries), found.verifier_tokens) == (Why.VERIFIED, 1, 3)
    assert found.verified and found.verified.value == 0.96


def test_a_verifier_that_is_not_sure_enough_leaves_it_to_the_votes():
    judge = ScriptedJudge(say=lambda answer: 0.94)
    (found,) = Solver(source=source("7"), verifier=judge).solve([ask("?")])
    assert (found.why, len(found.tries), judge.seen) == (Why.AGREED, 6, ["7"])


def test_a_verifier_is_asked_about_those_that_lead_only():
    judge = ScriptedJudge(say={"1": 0.2, "2": None, "3": 0.99}.get)
    (found,) = Solver(source=source("1", "2", "3", "3"), verifier=judge).solve([ask("?")])
    assert (found.why, found.answer) == (Why.VERIFIED, "3")
    assert judge.seen[0] == "1" and sorted(judge.seen) == sorted(set(judge.seen))


def test_among_answers_with_as_many_votes_the_verifiers_is_taken():
    judge = ScriptedJudge(say={"1": 0.2, "2": 0.6}.get)
    (found,) = Solver(source=source("1", "2"), verifier=judge, samples=2).solve([ask("?")])
    assert (found.answer, found.why) == ("2", Why.MOST)


def test_an_answer_that_keeps_to_the_spec_is_given():
    spec = ScriptedJudge(say=lambda answer: 0.9)
    (found,) = Solver(source=source("7"), spec=spec).solve([ask("?")])
    assert (found.why, found.kept, spec.seen, found.verifier_tokens) == (Why.AGREED, True, ["7"], 3)


def test_an_answer_that_breaks_the_spec_is_not_given_while_there_is_another():
    spec = ScriptedJudge(say=lambda answer: float(answer != "7"))
    (found,) = Solver(source=source(*"7777778777"), spec=spec, samples=10).solve([ask("?")])
    assert (found.answer, found.kept) == ("8", True)
    assert spec.seen == ["7", "8"] and found.verifier_tokens == 6


def test_where_all_break_it_the_most_voted_is_given_and_said_to():
    spec = ScriptedJudge(say=lambda answer: 0.1)
    (found,) = Solver(source=source("7", "8", "7"), spec=spec, samples=3).solve([ask("?")])
    assert (found.answer, found.kept, found.why) == ("7", False, Why.MOST)
    assert sorted(spec.seen) == ["7", "8"]


def test_a_spec_that_nobody_could_judge_is_told_and_refuses_nothing():
    spec = ScriptedJudge(say=lambda answer: None)
    (found,) = Solver(source=source("7"), spec=spec).solve([ask("?")])
    assert (found.answer, found.kept, found.why) == ("7", None, Why.AGREED)
    assert found.spec and found.spec.status == "unparseable"


def test_where_nobody_answers_it_ends_at_once():
    (found,) = Solver(source=source(LOST)).solve([ask("?")])
    assert (found.why, found.answer, found.chosen, len(found.tries)) == (Why.LOST, None, None, 6)
    assert set(found.lost()) == {"no reply within 1 s"}


def test_no_vote_is_no_answer():
    (found,) = Solver(source=source(""), samples=3).solve([ask("?")])
    assert (found.answer, found.why, found.counts) == (None, Why.MOST, {})


@pytest.mark.parametrize("error", [0.0, 0.5, -1.0, float("nan")])
def test_an_error_that_no_rule_can_hold(error: float):
    with pytest.raises(PonderError, match=r"must lie between 0 and 0\.5"):
        Solver(source=source("7"), error=error)


def test_a_bound_below_one_sample():
    with pytest.raises(PonderError, match="spend = 19: below what a question needs: one sample may take 20 tokens"):
        Solver(source=source("7"), spend=19)
    with pytest.raises(PonderError, match="samples = 0: must be at least 1"):
        Solver(source=source("7"), samples=0)
