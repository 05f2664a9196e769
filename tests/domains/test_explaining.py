from __future__ import annotations

from collections import Counter

import pytest

from contracts.domain import DomainContract
from ponder.domains import build
from ponder.domains.explaining import Explaining
from ponder.domains.judging import Judging, line_by_line
from ponder.types import Domain, PonderError, Submission
from ponder.verifiers.text import Exact

SPEC = "privacy"


class TestExplaining(DomainContract):
    def domain(self) -> Domain:
        return Explaining("explaining", of="lab-arithmetic", options={"depth": [2, 5]})


class TestJudgingOfExplanations(DomainContract):
    def domain(self) -> Domain:
        return Judging("judging", of="explaining", options={"of": "lab-programs", "options": {"depth": [2, 4]}})


def test_an_explanation_is_the_worked_thinking_and_what_it_comes_to():
    options = {"depth": 3}
    (problem,) = Explaining("e", of="lab-arithmetic", options=options).problems("train", seed=0, n=1)
    (own,) = build("e", "lab-arithmetic", options).problems("train", seed=0, n=1)
    assert problem.question == f"{own.question}\nExplain every step."
    assert problem.reference == f"{own.facts['worked']}\nSo {own.reference}"
    assert problem.reference.count("\n") == 3 and own.id == problem.id


def test_japanese_is_asked_and_ended_in_japanese():
    (problem,) = Explaining("e", of="lab-lamps", options={"language": "ja"}).problems("train", seed=0, n=1)
    assert problem.question.endswith("説明してください。") and "\nだから" in problem.reference


def test_thinking_that_slips_is_explained_as_it_went_and_not_paid():
    problems = Explaining("e", of="lab-programs", options={"depth": 4}, slips=1.0).problems("train", seed=0, n=60)
    wrong = [p for p in problems if p.facts["concluded"] != p.reference]
    assert len(wrong) > 50
    given = [Submission(problem=p, answer=p.facts["concluded"]) for p in problems]
    paid = [v.value for v in Exact(casefold=True).verify(given)]
    assert paid == [float(p.facts["concluded"] == p.reference) for p in problems]
    assert all(p.facts["concluded"].startswith(p.facts["worked"]) for p in problems)


def test_labels_of_judged_explanations_are_what_the_program_says():
    problems = Judging("j", of="explaining", options={"of": "lab-arithmetic"}).problems("train", seed=0, n=400)
    given = [Submission(problem=p.facts["of"], answer=p.facts["said"]) for p in problems]
    assert [v.value for v in Exact(casefold=True).verify(given)] == [float(p.reference == "yes") for p in problems]
    kinds = Counter(p.facts["kind"] for p in problems)
    assert min(kinds[kind] for kind in ("slip", "line", "short", "other", "opening", "order")) > 10


def test_a_domain_that_tells_no_slips_is_explained_and_judged_without_them():
    (one,) = Explaining("e", of="chains").problems("train", seed=0, n=1)
    assert one.reference == one.facts["concluded"]
    problems = Judging("j", of="explaining", options={"of": "chains"}).problems("train", seed=0, n=100)
    assert {p.facts["kind"] for p in problems} == {"right", "other", "opening", "order"}


@pytest.mark.parametrize(
    ("right", "said", "found"),
    [
        ("1: a\nSo 2", "1: a\nSo 2", "1: 1: yes, a a yes\nSo So yes, 2 2 yes"),
        ("1: a\nSo 2", "1: b\nSo 3", "1: 1: yes, a b no"),
        ("1: a\nSo 2", "1: a", "1: 1: yes, a a yes\nSo - no"),
        ("1: a\nSo 2", "", "1: - no"),
        ("1: a\nSo 2", "1: a\nSo 2\nYes", "1: 1: yes, a a yes\nSo So yes, 2 2 yes\n- Yes no"),
    ],
)
def test_lines_are_compared_to_the_first_word_that_differs(right: str, said: str, found: str):
    assert line_by_line(right, said) == found


def test_a_judge_is_shown_the_spec_that_its_form_has_a_place_for():
    plain, shown = (
        build("j", "judging", {"of": "explaining", "options": {"of": "lab-arithmetic"}, **options})
        for options in ({}, {"form": "lab-rules", "spec": SPEC})
    )
    (one,), (other,) = (domain.problems("train", seed=0, n=1) for domain in (plain, shown))
    assert other.question.endswith(one.question) and "privacy." in other.question[: -len(one.question)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "lab-cups", "form": "lab-rules"}, r"j.spec: form 'lab-rules' shows one"),
        ({"of": "lab-cups", "spec": SPEC}, r"j.spec: form 'lab' shows no spec; leave it out"),
        ({"of": "lab-cups", "form": "lab-rules", "spec": "pri"}, r"spec = 'pri': no such spec"),
        ({"of": "explaining"}, r"missing"),
        ({"of": "explaining", "options": {"of": "where", "slips": 0.5}}, r"j.slips: .*|j.slips = 0.5.*"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict, message: str):
    with pytest.raises(PonderError, match=message):
        build("j", "judging", options)
