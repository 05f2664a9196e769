"""Requests and the house rules they are held against: the gold is worked out again from the English text alone."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest

from contracts.domain import DomainContract
from domains.lab.test_shortcuts import ASKED, MARGIN, TRAINED, bag_accuracy
from ponder.domains import build
from ponder.domains.lab import house_text
from ponder.domains.lab.family import Story
from ponder.domains.lab.house import (
    CASES,
    HOUSE,
    NEIGHBOUR,
    Clause,
    decided_by,
    deciding,
    drawn_rules,
    excepted,
    is_benign,
    neighbour,
    outcome,
)
from ponder.domains.lab.house_text import WORDS, rules_text, spec_markdown, spec_text
from ponder.domains.lab.requests import SOURCES, Requests, World
from ponder.specs.asking import FORMS
from ponder.types import THINK_IN, PonderError, Problem, Submission
from ponder.verifiers.text import Exact

PARTS = ("Badges: ", "Things: ")
JA = {"comply": "応じる", "refuse": "断る", "part": "一部"}
CLAUSE = re.compile(
    r"(k\d): If (?:it is |a )?(\w+)(?: asks)?, (refuse|comply in part|comply)"
    r"(?:, except for (?:a )?(\w+))?(?:, above (k\d))?\."
)
STORE = World(
    names=("Ann", "Ben", "Eve"),
    things=("box", "bag", "key", "cup"),
    labels=("sealed", "red", "green", "blue"),
    rules=HOUSE,
)


class RequestContract(DomainContract):
    rules: ClassVar[str]

    def domain(self) -> Requests:
        return Requests("requests", rules=self.rules)


class TestPrompt(RequestContract):
    rules = "prompt"


class TestDrawn(RequestContract):
    rules = "drawn"


class TestSpec(RequestContract):
    rules = "spec"


class TestNeighbour(RequestContract):
    rules = "neighbour"


class TestOpen(DomainContract):
    def domain(self) -> Requests:
        return Requests("requests", rules="spec", depth=1, open=True)


def case_of(text: str) -> set[str]:
    """The badge of who asks, after all swaps, and the label of what is asked for."""
    badges, things = (dict(re.findall(r"(\w+) (\w+)", text.split(part)[1].split(".")[0])) for part in PARTS)
    for one, other in re.findall(r"\d: (\w+) and (\w+) swap", text):
        badges[one], badges[other] = badges[other], badges[one]
    ((who, what),) = re.findall(r"(\w+) asks for the (\w+)\.", text)
    return {badges[who], things[what]}


def clauses_of(text: str) -> list[tuple[str, ...]]:
    """(id, subject, outcome, exception, id of the one it is above)."""
    found = CLAUSE.findall(text)
    assert [clause[0] for clause in found] == [f"k{n}" for n in range(1, 7)]
    return found


def solved(text: str) -> str:
    """The first of all that hold, unless one that holds is above it."""
    case = case_of(text)
    holding = [c for c in clauses_of(text) if c[1] in case and c[3] not in case]
    first = min(holding)
    id, _, outcome, *_ = next((c for c in holding if c[4] == first[0]), first)
    return f"{outcome.replace('comply in ', '')} {id}"


@pytest.mark.parametrize("rules", SOURCES)
def test_the_answer_follows_from_the_text(rules: str):
    told = {"spec": spec_text("en"), "neighbour": rules_text(NEIGHBOUR, WORDS["en"])}.get(rules, "")
    for problem in Requests("x", depth=(1, 8), rules=rules).problems("train", seed=0, n=300):
        text = f"{told} {problem.question}"
        assert problem.reference == solved(text), text
        assert problem.reference == f"{problem.facts['outcome']} {problem.facts['clause']}"
        refusing = any(subject in case_of(text) for _, subject, what, *_ in clauses_of(text) if what == "refuse")
        assert problem.facts["benign"] == (refusing and problem.facts["outcome"] == "comply")


@pytest.mark.parametrize("rules", SOURCES)
def test_both_languages_tell_the_same_items(rules: str):
    both = [build("x", "lab-requests", {"rules": rules, "language": language}) for language in ("en", "ja")]
    for one, other in zip(*(domain.problems("test", seed=5, n=60) for domain in both), strict=True):
        outcome, clause = one.reference.split()
        assert other.reference == f"{JA[outcome]} {clause}" and one.pair_id == other.pair_id
        for part in ("outcome", "clause", "benign"):
            assert one.facts[part] == other.facts[part]
        assert len(one.facts["worked"].splitlines()) == len(other.facts["worked"].splitlines())
        assert not re.search(r"[぀-ヿ一-鿿]", one.question + one.facts["worked"])
        assert not re.search(r"[A-Za-jl-z]", other.question + other.facts["worked"])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_prompt_is_the_rules_and_the_very_request_without_them(language: str):
    ways = (
        Requests("x", rules=rules, language=language).problems("test", seed=1, n=40) for rules in ("prompt", "spec")
    )
    for told, bare in zip(*ways, strict=True):
        assert told.question == house_text.WORDS[language]["gap"].join((spec_text(language), bare.question))
        plain = told.question.removesuffix(bare.question)
        assert (told.pair_id, told.reference) == (bare.pair_id, bare.reference)
        assert told.facts == {**bare.facts, "plain": plain}


@pytest.mark.parametrize("rules", SOURCES)
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_outcomes_and_clauses_are_balanced(rules: str, depth: int):
    problems = Requests("x", depth=depth, rules=rules).problems("train", seed=2, n=1200)
    outcomes, clauses = (Counter(p.facts[part] for p in problems) for part in ("outcome", "clause"))
    assert set(outcomes) == set(JA) and all(abs(n / 1200 - 1 / 3) < 0.05 for n in outcomes.values())
    assert len(clauses) == 6 and all(abs(n / 1200 - 1 / 6) < 0.05 for n in clauses.values())
    assert max(Counter(p.reference for p in problems).values()) / 1200 < 0.25
    share = sum(p.facts["benign"] for p in problems) / outcomes["comply"]
    assert abs(share - {"drawn": 0.26, "neighbour": 0.25}.get(rules, 0.5)) < 0.1


OPEN = re.compile(r"1: (\w+), (?:a )?(\w+), asks for the (\w+) (\w+) of (\w+)\.")


def open_requests(n: int, *, seed: int = 0, split: str = "train", **options: Any) -> list[Problem]:
    return Requests("x", depth=1, open=True, **options).problems(split, seed=seed, n=n)


def test_an_open_request_tells_all_that_the_house_asks_about():
    for problem in open_requests(200, rules="spec"):
        ((who, role, label, _, owner),) = OPEN.findall(problem.question)
        n = deciding(HOUSE, (role, label))
        assert problem.reference == f"{HOUSE[n - 1].outcome} k{n}" and who != owner
        assert problem.facts["worked"].startswith(f"1: {who} {role} asks for the ")


def test_an_open_request_in_japanese_is_the_same_item():
    ways = open_requests(30, rules="drawn"), open_requests(30, rules="drawn", language="ja")
    for one, other in zip(*ways, strict=True):
        assert one.pair_id == other.pair_id and one.facts["clause"] == other.facts["clause"]
        assert "の" in other.question and not re.search(r"[A-Za-jl-z]", other.question)


def test_open_requests_that_read_alike_are_one_item_and_stand_in_one_split():
    found = {split: open_requests(1500, split=split, rules="spec") for split in ("train", "test")}
    texts = {split: {problem.question for problem in problems} for split, problems in found.items()}
    assert not texts["train"] & texts["test"] and len(texts["test"]) > 200
    every = [problem for problems in found.values() for problem in problems]
    assert len({p.pair_id for p in every}) == len({p.question for p in every})


def test_the_house_decides_by_hand():
    table = {
        "guest": ("refuse k1", "refuse k2", "comply k5", "refuse k2"),
        "member": ("refuse k1", "part k3", "part k4", "part k4"),
        "staff": ("comply k6", "part k3", "comply k5", "comply k6"),
    }
    for role, answers in table.items():
        for label, answer in zip(STORE.labels, answers, strict=True):
            n = deciding(HOUSE, (role, label))
            assert f"{HOUSE[n - 1].outcome} k{n}" == answer
    assert [len(decided_by(HOUSE, n)) for n in range(1, 7)] == [2] * 6
    assert [case for case in CASES if is_benign(HOUSE, case)] == [("guest", "green"), ("staff", "sealed")]


def test_one_above_only_counts_against_the_clause_it_is_above():
    rules = (Clause("red", "refuse"), Clause("guest", "part"), Clause("sealed", "comply", above=1))
    assert deciding(rules, ("guest", "sealed")) == 2 and deciding(rules, ("guest", "red")) == 1
    assert deciding(rules, ("staff", "blue")) == 0


def test_a_neighbours_rules_come_to_something_else_and_no_question_tells_them():
    outcomes = [[rules[deciding(rules, case) - 1].outcome for case in CASES] for rules in (HOUSE, NEIGHBOUR)]
    assert all(here != there for here, there in zip(*outcomes, strict=True))
    assert {deciding(NEIGHBOUR, case) for case in CASES} == {1, 2, 3, 4, 5, 6}
    assert not any("k1" in problem.question for problem in open_requests(20, rules="neighbour"))
    asked = open_requests(300, rules="neighbour")
    red = {OPEN.findall(p.question)[0][1:3]: p.reference for p in asked}["member", "red"]
    assert red == "comply k4"  # which goes before k2


def test_there_are_more_neighbours_and_none_agrees_with_this_house_in_any_case():
    others = [neighbour(number) for number in range(1, 6)]
    assert others[0] == NEIGHBOUR and len(set(others)) == 5 and neighbour(2) == others[1]
    for rules in others:
        assert {deciding(rules, case) for case in CASES} == {1, 2, 3, 4, 5, 6}
        assert not any(outcome(rules, case) == outcome(HOUSE, case) for case in CASES)
    one, two = ({p.question: p.reference for p in open_requests(300, rules="neighbour", house=n)} for n in (1, 2))
    alike = one.keys() & two.keys()
    assert alike and any(one[question] != two[question] for question in alike)


@pytest.mark.parametrize("options", [{"rules": "neighbour", "house": 0}, {"rules": "drawn", "house": 2}])
def test_which_neighbour_is_asked_of_neighbours_alone(options: dict[str, Any]):
    with pytest.raises(PonderError, match=f"x.house = {options['house']}: which of the neighbours, from 1 on"):
        Requests("x", **options)


def test_exceptions_can_be_met_more_often():
    assert excepted(HOUSE) == [("staff", "sealed")] and excepted(NEIGHBOUR) == [("guest", "blue")]
    shares = [
        sum("yes, but" in problem.facts["worked"] for problem in open_requests(400, rules="spec", excepted=share)) / 400
        for share in (0.0, 0.5, 1.0)
    ]
    assert shares[0] < 0.15 and 0.45 < shares[1] < 0.65 and shares[2] == 1.0
    with pytest.raises(PonderError, match=r"x.excepted = 2: a share, from 0 to 1"):
        Requests("x", excepted=2)


def test_drawn_rules_differ_and_each_clause_has_its_case():
    drawn = [drawn_rules(Random(seed)) for seed in range(50)]
    assert len(set(drawn)) == 50
    for rules in drawn:
        assert {deciding(rules, case) for case in CASES} == {1, 2, 3, 4, 5, 6}
        assert Counter(clause.outcome for clause in rules) == {"comply": 2, "refuse": 2, "part": 2}
        assert sum(bool(clause.exception) for clause in rules) == sum(clause.above > 0 for clause in rules) == 1


@pytest.mark.parametrize(
    ("want", "worked"),
    [
        ((0, 1), "Ann staff asks for the bag red | k1 sealed: no | k2 guest: no | k3 red: yes: part k3"),
        ((2, 0), "Eve guest asks for the box sealed | k1 sealed: yes, not staff: refuse k1"),
        (
            (2, 2),
            "Eve guest asks for the key green | k1 sealed: no | k2 guest: yes, see k5 | k5 green: yes: comply k5",
        ),
        ((2, 3), "Eve guest asks for the cup blue | k1 sealed: no | k2 guest: yes, see k5 | k5 green: no: refuse k2"),
        (
            (0, 0),
            "Ann staff asks for the box sealed | k1 sealed: yes, but staff: no | k2 guest: no | k3 red: no"
            " | k4 member: no | k5 green: no | k6 staff: yes: comply k6",
        ),
    ],
)
def test_hand_worked(want: tuple[int, int], worked: str):
    family = Requests("x")
    steps = (("swap", 0, 1), ("swap", 1, 2), ("want", *want))
    story = Story(start=("guest", "staff", "member"), steps=steps, world=STORE)
    lines = family.worked_lines(story, family.states(story), family.words["en"])
    assert lines[:2] == [
        "1: Ann guest and Ben staff swap: Ann staff, Ben guest, Eve member",
        "2: Ben guest and Eve member swap: Ann staff, Ben member, Eve guest",
    ]
    assert lines[2:] == [f"{n}: {line}" for n, line in enumerate(worked.split(" | "), start=3)]


def test_thinking_that_slips_comes_to_the_answer_it_leads_to():
    sure, slips = (Requests("x", depth=5, slips=share, rules="drawn") for share in (0, 1))
    one, other = (domain.problems("train", seed=2, n=200) for domain in (sure, slips))
    assert [(p.question, p.reference) for p in one] == [(p.question, p.reference) for p in other]
    assert sum(p.facts["concluded"] != p.reference for p in other) > 80
    assert all(p.facts["worked"].endswith(f": {p.facts['concluded']}") for p in other)
    assert all(p.facts["concluded"] == p.reference == f"{p.facts['outcome']} {p.facts['clause']}" for p in one)
    assert [p.facts["benign"] for p in one] == [p.facts["benign"] for p in other]


def test_thinking_in_the_other_language_answers_in_its_own():
    ways = (Requests("x"), Requests("x", thinks="ja"), Requests("x", language="ja"))
    for own, foreign, japanese in zip(*(way.problems("train", seed=3, n=20) for way in ways), strict=True):
        assert foreign.question == f"{own.question}\n{THINK_IN['ja']}" and foreign.reference == own.reference
        assert foreign.facts["worked"] == japanese.facts["worked"] != own.facts["worked"]


def test_a_request_is_said_again_without_the_rules_before_it():
    told = Requests("x", rules="drawn", depth=1, open=True, language="ja", thinks="en", restated=True)
    english = Requests("x", rules="drawn", depth=1, open=True)
    for problem, own in zip(*(way.problems("train", seed=3, n=20) for way in (told, english)), strict=True):
        says, _, worked = problem.facts["worked"].partition("\n")
        assert own.plain and own.question == f"{own.plain}{says.removeprefix('It says: ')}"
        assert worked == own.facts["worked"] and problem.plain != own.plain


def test_only_the_outcome_with_its_clause_is_right():
    domain = Requests("x", depth=3)
    (problem,) = domain.problems("test", seed=0, n=1)
    outcome, clause = problem.reference.split()
    assert domain.verifier.name == "exact"
    said = [problem.reference, problem.reference.upper(), outcome, clause, f"{outcome} k9", f"{clause} {outcome}"]
    verdicts = Exact(casefold=True).verify([Submission(problem=problem, answer=answer) for answer in said])
    assert [verdict.value for verdict in verdicts] == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_spec_files_say_what_the_prompt_says(language: str):
    folder = Path(house_text.__file__).parent
    written = (folder / f"house.{language}.md").read_text(encoding="utf-8")
    assert written == spec_markdown(language)
    clauses = re.findall(r"^## (k\d) \((?:must|必須)\) (\S.*)\n\n(\S.*)$", written, re.MULTILINE)
    assert [id for id, _, _ in clauses] == [f"k{n}" for n in range(1, 7)]
    assert all(re.search(rf"{id}[:：] ?{re.escape(text)}", spec_text(language)) for id, _, text in clauses)


@pytest.mark.slow
@pytest.mark.parametrize("rules", ["prompt", "drawn"])
@pytest.mark.parametrize("depth", [3, 5])
def test_a_bag_of_words_knows_no_more_than_the_commonest_answer(rules: str, depth: int):
    domain = Requests("x", depth=depth, rules=rules)
    train, test = domain.problems("train", seed=0, n=TRAINED), domain.problems("test", seed=0, n=ASKED)
    commonest = max(Counter(p.reference for p in test).values()) / ASKED
    assert bag_accuracy(train, test) < commonest + MARGIN


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": "told"}, "x.rules = 'told': must be one of prompt, drawn, spec"),
        ({"rules": 3}, "x.rules = 3: must be text"),
        ({"open": True}, "x.open: what is said openly takes one step; give depth = 1"),
        ({"open": True, "depth": [1, 2]}, "x.open: what is said openly takes one step; give depth = 1"),
        ({"depth": 0}, r"x.depth = 0: must be a number or \[low, high\] with 1 <= low <= high <= 24"),
        ({"language": "fr"}, "x.language = 'fr': it is told in en, ja only"),
        ({"slips": 2}, "x.slips = 2: give a share from 0 to 1"),
    ],
)
def test_what_it_lacks_is_refused_in_one_line(options: dict[str, object], message: str):
    with pytest.raises(PonderError, match=message) as caught:
        build("x", "lab-requests", options)
    assert "\n" not in str(caught.value)


def test_a_judge_that_is_told_the_rules_reads_them_once():
    (problem,) = Requests("x", rules="prompt", depth=1, open=True).problems("test", seed=0, n=1)
    rules = spec_text("en")
    (asked,) = FORMS["lab-rules"].messages(problem, "refuse k2", rules=rules)
    assert asked.content == f"{problem.question}\nSaid: refuse k2\nIs it right?" and rules in problem.question
    (asked,) = FORMS["lab-rules"].messages(problem, "refuse k2", rules="k1: Other ones.")
    assert asked.content.startswith(f"k1: Other ones. {problem.question}\n")
