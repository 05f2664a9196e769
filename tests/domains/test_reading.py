"""Other domains' problems in writings: the text is changed, and what is right stays."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from contracts.domain import DomainContract
from ponder import attacks
from ponder.domains import build
from ponder.domains.lab.house_text import spec_text
from ponder.domains.reading import Reading
from ponder.types import Domain, PonderError, Submission
from ponder.verifiers import build as verifier

WAYS = ["doubled", "spaced", {"use": "rot_n", "n": 1}, {"use": "reversed", "by": "word"}]
SUMS: dict[str, Any] = {"of": "lab-arithmetic", "options": {"depth": [2, 4]}, "ways": WAYS}


class TestReading(DomainContract):
    def domain(self) -> Domain:
        return Reading("reading", **SUMS)


class TestWritingOut(DomainContract):
    def domain(self) -> Domain:
        return Reading("reading", **SUMS, solve=False)


def test_the_text_is_what_one_of_the_attacks_makes_of_it():
    problems = Reading("r", **SUMS).problems("train", seed=0, n=80)
    owns = build("r", "lab-arithmetic", SUMS["options"]).problems("train", seed=0, n=80)
    made = [attacks.build("doubled", {}), attacks.build("spaced", {}), attacks.build("rot_n", {"n": 1})]
    made.append(attacks.build("reversed", {"by": "word"}))
    found: Counter[int] = Counter()
    for problem, own in zip(problems, owns, strict=True):
        texts = [way.apply(own, strength=1.0, seed=0).question for way in made]
        found[texts.index(problem.question)] += 1
        assert (problem.id, problem.reference, problem.difficulty) == (own.id, own.reference, own.difficulty)
        assert problem.facts["worked"] == f"It says: {own.question}\n{own.facts['worked']}"
    assert min(found[i] for i in range(4)) > 8


def test_what_is_only_written_out_says_nothing_of_the_answer():
    domain = Reading("r", **SUMS, solve=False)
    for problem in domain.problems("train", seed=0, n=20):
        assert problem.question.endswith("\nOnly write out what it says.")
        assert problem.reference.startswith("Start with") and problem.facts == {
            "worked": f"It says: {problem.reference}"
        }
        check = verifier(domain.verifier.name, domain.verifier.options)
        said = [problem.reference, problem.reference.upper(), problem.reference[:-1]]
        verdicts = check.verify([Submission(problem=problem, answer=answer) for answer in said])
        assert [verdict.value for verdict in verdicts] == [1, 1, 0]


def test_japanese_is_read_in_japanese():
    options = {"of": "lab-lamps", "options": {"language": "ja"}, "ways": ["reversed"], "solve": False}
    (problem,) = Reading("r", **options).problems("train", seed=0, n=1)
    assert problem.question.endswith("\n書いてあることだけを書いてください。")
    assert problem.facts["worked"] == f"書いてあること：{problem.reference}"


def test_rules_that_a_question_tells_stay_in_plain_writing():
    options = {"rules": "prompt", "depth": 1, "open": True}
    told = Reading("r", of="lab-requests", options=options, ways=["doubled"]).problems("train", seed=0, n=5)
    bare = Reading("r", of="lab-requests", options=options | {"rules": "spec"}, ways=["doubled"])
    for one, other in zip(told, bare.problems("train", seed=0, n=5), strict=True):
        assert one.question == f"{spec_text('en')} {other.question}"
        assert one.facts["worked"] == other.facts["worked"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ways": []}, "r.ways: names no writing; give kinds of attacks"),
        ({"ways": ["doubld"]}, r"r.ways.use = 'doubld': no such attack"),
        ({"ways": [{"n": 1}]}, r"r.ways: \{'n': 1\} has no `use`"),
        ({"ways": [{"use": "rot_n", "n": 99}]}, r"r.ways.n = 99: must lie within 1 and 25"),
        ({"of": "lab-sums"}, r"r.use = 'lab-sums': no such kind of domain"),
        ({"of": "judging"}, r"r.use = 'judging': no such kind of domain"),
        ({"options": {"restated": True}}, r"r.options.restated: thinking says the question once; leave it out"),
    ],
)
def test_what_cannot_be_read_is_refused(changed: dict[str, Any], message: str):
    with pytest.raises(PonderError, match=message):
        build("r", "reading", SUMS | changed)
