from __future__ import annotations

from collections import Counter

import pytest

from contracts.domain import DomainContract
from ponder.domains import build
from ponder.domains.judging import OPENINGS, Judging, compared
from ponder.specs.asking import FORMS
from ponder.types import Domain, PonderError, Submission
from ponder.verifiers.text import Exact, Number


class TestJudging(DomainContract):
    def domain(self) -> Domain:
        return Judging("judging", of="lab-arithmetic", options={"depth": [2, 5]})


class TestJudgingOfText(DomainContract):
    def domain(self) -> Domain:
        return Judging("judging", of="lab-lamps", options={"depth": [2, 5], "language": "ja"})


@pytest.mark.parametrize(("kind", "checks"), [("arithmetic", Number()), ("cups", Exact(casefold=True))])
def test_labels_are_what_the_domains_own_verifier_says(kind: str, checks: Exact | Number):
    problems = Judging("j", of=f"lab-{kind}", options={"depth": 4}).problems("train", seed=0, n=300)
    given = [Submission(problem=p.facts["of"], answer=p.facts["said"]) for p in problems]
    assert [v.value for v in checks.verify(given)] == [float(p.reference == "yes") for p in problems]


def test_half_are_right_and_most_others_are_slips():
    problems = Judging("j", of="lab-programs", options={"depth": 4}).problems("train", seed=1, n=600)
    kinds = Counter(p.facts["kind"] for p in problems)
    assert 260 < kinds["right"] < 340
    assert kinds["slip"] > kinds["other"] > 20 and kinds["opening"] > 15 and kinds["order"] > 15
    assert {p.facts["said"] for p in problems if p.facts["kind"] == "opening"} == set(OPENINGS)


def test_a_problem_is_what_the_judge_asks():
    (problem,) = Judging("j", of="lab-arithmetic", form="alone").problems("test", seed=0, n=1)
    own = problem.facts["of"]
    assert problem.messages == FORMS["alone"].messages(own, problem.facts["said"])
    end = f"{compared(own.reference, problem.facts['said'])}: {problem.reference}"
    assert problem.facts["worked"].endswith(f"\n{end}")


@pytest.mark.parametrize(
    ("right", "said", "last"),
    [
        ("7", "7", "7 7 yes"),
        ("E D B", "E B D", "E E yes, D B no"),
        ("Yes", "yes", "Yes yes yes"),
        ("refuse k2", "refuse", "refuse refuse yes, k2 - no"),
        ("3", "", "3 - no"),
        ("3", "3. This is right.", "3 3. no"),
    ],
)
def test_answers_are_compared_to_the_first_word_that_differs(right: str, said: str, last: str):
    assert compared(right, said) == f"so {right}, said {said}\n{last}"


def test_both_languages_judge_the_same_answers():
    one, other = (
        Judging("j", of="lab-arithmetic", options={"language": language}).problems("train", seed=0, n=80)
        for language in ("en", "ja")
    )
    assert [(p.reference, p.facts["said"], p.pair_id) for p in one] == [
        (p.reference, p.facts["said"], p.pair_id) for p in other
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "lab-arithmetics"}, r"j.use = 'lab-arithmetics': no such kind of domain"),
        ({"of": "judging"}, r"j.use = 'judging': no such kind of domain"),
        ({"of": "lab-cups", "form": "lap"}, r"j.form = 'lap': no such form; the nearest is 'lab'"),
        ({"of": "lab-cups", "right": 2.0}, r"j: right = 2, empty = 0.1: give shares"),
        ({"of": "lab-cups", "options": {"dept": 2}}, r"j.dept = 2: no such option; the nearest is 'depth'"),
    ],
)
def test_what_cannot_be_judged_is_refused(options: dict, message: str):
    with pytest.raises(PonderError, match=message):
        build("j", "judging", options)
