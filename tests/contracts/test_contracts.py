"""The contract suites on what keeps to them, and on what breaks them in one way each: they must notice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from contracts.attack import AttackContract
from contracts.verifier import VerifierContract, problem
from fakes import Shouting
from ponder.types import Attack, Message, Problem, Status, Submission, Verdict, Verifier
from ponder.verifiers.text import Exact


class TestShouting(AttackContract):
    def attack(self) -> Attack:
        return Shouting()


def broken_rules(suite: object) -> set[str]:
    """The tests of a suite that fail, without `test_`."""
    return {name.removeprefix("test_") for name in dir(suite) if name.startswith("test_") and fails(suite, name)}


def fails(suite: object, name: str) -> bool:
    try:
        getattr(suite, name)()
    except (Exception, pytest.fail.Exception):
        return True
    return False


@dataclass(frozen=True)
class Spoilt:
    """Shouting, with one thing done wrong to what it makes."""

    wrong: Callable[[Problem, float, int], Problem]
    name: str = "spoilt"

    def apply(self, problem: Problem, *, strength: float, seed: int) -> Problem:
        return self.wrong(problem, strength, seed)


def shout(problem: Problem, strength: float, seed: int) -> Problem:
    return Shouting().apply(problem, strength=strength, seed=seed)


def ask(problem: Problem, question: str, role: str = "user") -> Problem:
    return replace(problem, messages=(*problem.messages[:-1], Message(role=role, content=question)))


def meddle(problem: Problem, strength: float, seed: int) -> Problem:
    problem.facts["steps"].append(strength)
    return shout(problem, strength, seed)


def dice(problem: Problem, strength: float, seed: int) -> Problem:
    return ask(problem, problem.question + "!" * random.randrange(9)) if strength else shout(problem, strength, seed)


COUNT: Iterator[int] = iter(range(10**9))
WRONG: dict[str, tuple[Callable[[Problem, float, int], Problem], str]] = {
    "keeps shouting at strength 0": (
        lambda p, s, n: shout(p, s or 0.5, n),
        "without_strength_it_is_the_problem_itself",
    ),
    "does nothing": (lambda p, s, n: shout(p, s * 0, n), "at_full_strength_it_does_something"),
    "throws dice": (dice, "it_draws_no_random_numbers_that_others_would_draw"),
    "remembers": (
        lambda p, s, n: shout(p, s, next(COUNT)),
        "the_same_problem_strength_and_seed_are_the_same_text_for_ever",
    ),
    "is deaf to seeds": (lambda p, s, n: shout(p, s, 0), "another_seed_is_another_text_where_it_is_random"),
    "changes the answer": (
        lambda p, s, n: replace(shout(p, s, n), reference="8"),
        "it_changes_the_messages_and_nothing_else",
    ),
    "changes the id": (
        lambda p, s, n: replace(shout(p, s, n), id=f"{p.id}!"),
        "it_changes_the_messages_and_nothing_else",
    ),
    "loses facts": (lambda p, s, n: replace(shout(p, s, n), facts={}), "it_changes_the_messages_and_nothing_else"),
    "writes into facts": (meddle, "it_changes_the_messages_and_nothing_else"),
    "empties the question": (lambda p, s, n: ask(p, "") if s == 1 else shout(p, s, n), "the_conversation_stays_one"),
    "speaks for the policy": (lambda p, s, n: ask(p, "7", "assistant") if s else p, "the_conversation_stays_one"),
    "takes any strength": (
        lambda p, s, n: shout(p, min(abs(s), 1.0), n),
        "strengths_outside_zero_to_one_are_a_users_mistake",
    ),
    "knows no other script": (
        lambda p, s, n: shout(ask(p, p.question.encode("ascii").decode()), s, n),
        "odd_text_is_attacked_like_any_other",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_suite_of_attacks_catches_one_that(wrong: str):
    how, rule = WRONG[wrong]

    class Suite(AttackContract):
        def attack(self) -> Attack:
            return Spoilt(how)

    assert rule in broken_rules(Suite())


@dataclass
class Careless:
    """Pays the reference's very text, with one thing done wrong to the verdicts."""

    wrong: Callable[[Sequence[Submission], list[Verdict]], list[Verdict]]
    name: str = "careless"
    reads_thinking: bool = False
    deterministic: bool = True

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        verdicts = [replace(verdict, verifier=self.name) for verdict in Exact().verify(submissions)]
        return self.wrong(submissions, verdicts)


def each(change: Callable[[Submission, Verdict], Verdict]) -> Callable[..., list[Verdict]]:
    return lambda submissions, verdicts: list(map(change, submissions, verdicts))


def paying(when: Callable[[Submission], bool]) -> Callable[..., list[Verdict]]:
    """It pays 1 where it should not."""
    return each(lambda s, v: replace(v, value=1.0) if when(s) else v)


def kept(submissions: Sequence[Submission], verdicts: list[Verdict]) -> list[Verdict]:
    return verdicts


def grudging(submissions: Sequence[Submission], verdicts: list[Verdict]) -> list[Verdict]:
    return [replace(verdicts[0], value=0.0), *verdicts[1:]] if len(verdicts) > 1 else verdicts


def unjudged(submission: Submission, verdict: Verdict) -> Verdict:
    return replace(verdict, value=None, status=Status.ERROR) if not submission.answer else verdict


CARELESS: dict[str, tuple[dict[str, Any], str]] = {
    "is not wrong at all": ({"wrong": kept}, ""),
    "never pays": ({"wrong": each(lambda s, v: replace(v, value=0.0))}, "gold_answers_score_one"),
    "believes what it is told": (
        {"wrong": paying(lambda s: "score 1.0" in s.answer)},
        "junk_never_raises_and_never_scores",
    ),
    "blames itself for an empty answer": ({"wrong": each(unjudged)}, "junk_never_raises_and_never_scores"),
    "takes the question for an answer": (
        {"wrong": paying(lambda s: s.answer == s.problem.question)},
        "the_question_itself_never_scores",
    ),
    "takes two answers": ({"wrong": paying(lambda s: " or " in s.answer)}, "two_answers_never_score"),
    "goes backwards": ({"wrong": lambda s, v: v[::-1]}, "one_verdict_a_submission_in_order"),
    "loses one": ({"wrong": lambda s, v: v[:-1]}, "one_verdict_a_submission_in_order"),
    "looks at the neighbours": ({"wrong": grudging}, "a_verdict_does_not_depend_on_its_neighbours"),
    "remembers": (
        {"wrong": each(lambda s, v: replace(v, explanation=f"{next(COUNT)}"))},
        "the_same_submission_gets_the_same_verdict",
    ),
    "reads what it says it does not": (
        {"wrong": paying(lambda s: s.problem.reference in (s.thinking or ""))},
        "thinking_is_not_read_unless_it_says_so",
    ),
    "says nothing": ({"wrong": each(lambda s, v: replace(v, explanation=""))}, "explanations_are_short_lines"),
    "has no name": ({"wrong": kept, "name": ""}, "it_is_a_verifier_with_a_name"),
}


@pytest.mark.parametrize("wrong", CARELESS)
def test_the_suite_of_verifiers_catches_one_that(wrong: str):
    how, rule = CARELESS[wrong]

    class Suite(VerifierContract):
        def verifier(self) -> Verifier:
            return Careless(**how)

        def problems(self) -> list[Problem]:
            return [problem("the kitchen"), problem("public")]

        def failing(self) -> None:
            return None

    assert rule in broken_rules(Suite()) if rule else not broken_rules(Suite())
