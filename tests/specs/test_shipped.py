"""What holds for every spec that ships with ponder."""

import re

import pytest

from ponder.specs import Level, Spec, load, parse, score, shipped

EVERY = [(name, language) for name, languages in shipped().items() for language in languages]
RUBRICS = {"explanation"}
PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", "（": "）", "(": ")", "［": "］", "[": "]"}


@pytest.fixture(params=EVERY, ids=".".join)
def spec(request: pytest.FixtureRequest) -> Spec:
    name, language = request.param
    return load(name, language=language)


def texts(spec: Spec) -> list[str]:
    clauses = [text for c in spec.clauses for text in (c.title, c.text, *(example.text for example in c.examples))]
    return [spec.title, spec.preamble, *clauses]


def test_these_ship_in_english_and_japanese():
    assert shipped() == dict.fromkeys(["explanation", "format", "honesty", "privacy"], ("en", "ja"))


def test_it_is_what_its_name_says(spec: Spec):
    assert spec.is_rubric == (spec.name in RUBRICS)
    assert 8 <= len(spec.clauses) <= 10 and spec.title and spec.preamble


def test_it_is_written_out_as_it_was_read(spec: Spec):
    assert parse(spec.text(), name=spec.name, language=spec.language) == spec


def test_every_clause_says_what_it_means_and_shows_it(spec: Spec):
    for clause in spec.clauses:
        assert clause.text, clause.id
        assert [example.good for example in clause.examples] == [True, False], clause.id
        assert clause.examples[0].text != clause.examples[1].text


def test_good_and_bad_examples_answer_the_same(spec: Spec):
    for clause in spec.clauses:
        asked = [example.text.replace("\n", " ").split("→")[0] for example in clause.examples]
        assert asked[0] == asked[1] or clause.id == "format.lists", clause.id


def test_ids_have_one_prefix_and_titles_are_short(spec: Spec):
    assert len({clause.id.split(".")[0] for clause in spec.clauses}) == 1
    for clause in spec.clauses:
        assert re.fullmatch(r"[a-z]+\.[a-z]+", clause.id) and len(clause.title) <= 70
        assert not clause.title.endswith((".", "。"))


def test_must_stands_before_should(spec: Spec):
    levels = [clause.level for clause in spec.clauses]
    assert levels == sorted(levels, key=list(Level).index)


def test_marks_come_in_pairs(spec: Spec):
    for text in texts(spec):
        for opening, closing in PAIRS.items():
            if opening != "‘":
                assert text.count(opening) == text.count(closing), text


def test_it_speaks_of_clauses_that_are_there(spec: Spec):
    prefix = spec.clauses[0].id.split(".")[0]
    for id in re.findall(rf"\b{prefix}\.[a-z]+", " ".join(texts(spec))):
        assert spec.clause(id)


@pytest.mark.parametrize("name", shipped())
def test_both_languages_have_the_same_clauses(name: str):
    english, japanese = (load(name, language=language) for language in ("en", "ja"))
    assert [(c.id, c.level, c.weight) for c in english.clauses] == [(c.id, c.level, c.weight) for c in japanese.clauses]


def test_each_is_written_in_its_language(spec: Spec):
    for text in texts(spec):
        kana = len(re.findall(r"[ぁ-ヿ]", text))
        assert kana > 0 if spec.language == "ja" else kana == 0


def test_a_perfect_explanation_is_worth_one():
    rubric = load("explanation")
    met = {clause.id: clause.weight > 0 for clause in rubric.clauses}
    assert score(rubric, met) == 1.0
    # Positive weights: 3 x 1 + 2 x 0.7 + 2 x 0.3 = 5; to beg costs 1 of them.
    assert score(rubric, met | {"explain.begging": True}) == pytest.approx(0.8)
    assert score(rubric, {id: not value for id, value in met.items()}) == 0.0
