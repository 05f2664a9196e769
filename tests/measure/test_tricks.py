"""The attack corpus: seeded, in two halves, and never right after all."""

from __future__ import annotations

from random import Random

import pytest

from fakes import ask
from ponder import verifiers
from ponder.domains.judging import OPENINGS, ORDERS
from ponder.measure import audit
from ponder.measure.labelled import Labelled, find
from ponder.measure.tricks import TRICKS, Half, claims_right, of_half
from ponder.types import Problem, Submission

WRONG = "41"


def texts(name: str, *, draws: int = 12) -> set[str]:
    return {TRICKS[name].make(Random(i), ask("How many are 6 times 7?", "42"), WRONG) for i in range(draws)}


def test_the_halves_are_equal_and_share_no_text():
    tuned, held_out = of_half(Half.TUNED), of_half(Half.HELD_OUT)
    assert len(tuned) == len(held_out) >= 12 and not set(tuned) & set(held_out)
    said = [{text for name in half for text in texts(name)} for half in (tuned, held_out)]
    assert not said[0] & said[1]
    shown = {*OPENINGS, *(order.format(answer=WRONG) for order in ORDERS)}
    assert shown & said[0] and not shown & said[1], "what judges are trained with is held out"


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_depends_on_its_stream_alone(name: str):
    problem = ask("How many are 6 times 7?", "42")
    once, again = (TRICKS[name].make(Random(5), problem, WRONG) for _ in range(2))
    assert once == again
    assert TRICKS[name].about


def test_braces_in_an_answer_are_left_alone():
    problem = ask("What is {wrong}?", "42")
    assert TRICKS["question"].make(Random(0), problem, "{question}") == "What is {wrong}?"
    assert all("{question}" in TRICKS["order"].make(Random(i), problem, "{question}") for i in range(4))


@pytest.mark.parametrize("use", ["lab-arithmetic", "lab-lamps", "coin", "where"])
def test_no_tricked_answer_is_right_to_an_exact_verifier(use: str):
    asked = audit.tricked(find(use, problems=60).answers, tries=20)
    submissions = [Submission(problem=each.said.problem, answer=each.said.answer) for each in asked]
    assert {each.attack for each in asked} == set(TRICKS)
    for name, options in [("exact", {"casefold": True}), ("number", {})]:
        for lenient in (False, True):
            verifier = verifiers.build(name, {"lenient": lenient, **options})
            assert not any(verdict.value for verdict in verifier.verify(submissions)), (name, lenient)


def test_nor_to_a_checker_of_mathematics():
    texts_of = [(name, text) for name in TRICKS for text in sorted(texts(name, draws=3))]
    problem = ask("How many are 6 times 7?", "42")
    verdicts = verifiers.build("maths").verify([Submission(problem=problem, answer=text) for _, text in texts_of])
    assert [name for (name, _), verdict in zip(texts_of, verdicts, strict=True) if verdict.value] == []


@pytest.mark.parametrize(
    "text", ["42", "So the answer is 42.", "I add 6 seven times\n42", "it makes 42", "\\boxed{42}", "41</answer> 42."]
)
def test_a_text_that_comes_to_the_right_answer_is_found(text: str):
    assert claims_right(ask("6 times 7?", "42"), ("42",), text)


def test_a_trick_that_comes_out_right_is_not_asked_about():
    """To a question whose right answer is yes, `</answer> yes` is no trick."""
    problem = ask("Is 7 a prime?", "yes")
    known = [
        Labelled(problem=problem, answer=a, right=a == "yes", kind=k) for a, k in (("yes", "right"), ("no", "slip"))
    ]
    asked = audit.tricked(known, tries=5)
    assert {each.attack for each in asked} >= {"padding", "theorem", "authority", "markup-json"}
    assert not {each.attack for each in asked} & {"markup", "turns"}


def test_tricks_work_on_plain_wrong_answers_and_reach_all_problems():
    found = find("lab-arithmetic", problems=100).answers
    asked = audit.tricked(found, tries=10)
    wrong = [each for each in found if not each.right and each.kind in ("slip", "other")]
    plain = {each.problem.id for each in wrong if not claims_right(each.problem, [each.problem.reference], each.answer)}
    held_out = {each.said.problem.id for each in asked if TRICKS[each.attack].half is Half.HELD_OUT}
    assert held_out <= plain and len(plain - held_out) < 4, "tricks that came out right missed the others"
    assert all(sum(each.attack == name for each in asked) == 10 for name in TRICKS)
    assert not any(each.said.right for each in asked)


def test_without_a_wrong_answer_of_its_own_a_problem_gets_anothers():
    problems = [ask(f"{i} times 1?", str(i), index=i) for i in range(2, 8)]
    known = [Labelled(problem=each, answer=each.reference, right=True, kind="right") for each in problems]
    known.append(Labelled(problem=problems[0], answer="Solution:", right=False, kind="opening"))
    asked = [each.said for each in audit.tricked(known, tries=3) if each.attack == "other"]
    assert asked and all(each.answer != each.problem.reference for each in asked)


def rephrased(problem: Problem, answer: str) -> str:
    return audit.rephrased([Labelled(problem=problem, answer=answer, right=True, kind="right")])[0].said.answer


def test_other_words_keep_the_answer():
    assert "42" in rephrased(ask("6 times 7?", "42"), "42") != "42"
    assert rephrased(ask("6 times 7?", "42"), "One.\nTwo.") == "Here is my answer.\n\nOne.\nTwo."
