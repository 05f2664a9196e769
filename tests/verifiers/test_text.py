import csv
import json

import pytest

from contracts.verifier import VerifierContract, problem, values
from ponder.types import PonderError, Status, Submission
from ponder.verifiers.text import Choice, Exact, Number
from shared_data import data


class TestExact(VerifierContract):
    def verifier(self) -> Exact:
        return Exact()

    def problems(self):
        return [problem("the kitchen"), problem("public"), problem("1 2\n3 4")]

    def failing(self):
        return None


class TestExactLenient(TestExact):
    def verifier(self) -> Exact:
        return Exact(lenient=True, casefold=True)


class TestNumber(VerifierContract):
    def verifier(self) -> Number:
        return Number()

    def problems(self):
        return [problem("42"), problem("-1,234.5"), problem("3/7"), problem("$1,000,000")]

    def failing(self):
        return Number(), Submission(problem=problem("many"), answer="5")


class TestNumberWithTolerance(TestNumber):
    def verifier(self) -> Number:
        return Number(tolerance=0.01)


class TestChoice(VerifierContract):
    def verifier(self) -> Choice:
        return Choice()

    def problems(self):
        return [
            problem("A", choices=["red", "blue"]),
            problem("B", choices=["red", "blue"]),
            problem("yes", choices=["yes", "no"]),
            problem("(C)", choices=["(A)", "(B)", "(C)"]),
        ]

    def failing(self):
        return Choice(), Submission(problem=problem("A"), answer="A")


class TestChoiceLenient(TestChoice):
    def verifier(self) -> Choice:
        return Choice(lenient=True)


def value(verifier: Exact | Number | Choice, answer: str, reference: str) -> float | None:
    return verifier.verify([Submission(problem=problem(reference), answer=answer)])[0].value


def test_exact_normalises_whitespace_only():
    assert value(Exact(), " the \t kitchen ", "the kitchen") == 1.0
    assert value(Exact(), "The kitchen", "the kitchen") == 0.0
    assert value(Exact(casefold=True), "The kitchen", "the kitchen") == 1.0
    assert value(Exact(), "the kitchen.", "the kitchen") == 0.0


def test_numbers_are_compared_exactly():
    assert value(Number(), "0.5", "1/2") == 1.0
    assert value(Number(), "0.3333333333333333", "1/3") == 0.0
    assert value(Number(), "10000000000000000000001", "10000000000000000000000") == 0.0
    assert value(Number(tolerance=0.25), "0.75", "1/2") == 1.0
    assert value(Number(tolerance=0.25), "0.7501", "1/2") == 0.0


def test_the_explanation_names_the_rule():
    verdict = Number().verify([Submission(problem=problem("5"), answer="\\boxed{6}")])[0]
    assert verdict.explanation == "box: '6' is not '5'"
    assert Number().verify([Submission(problem=problem("5"), answer="six")])[0].explanation == "no answer found"


def test_lenient_reads_prose():
    assert value(Number(), "So she has 5 apples.", "5") == 0.0
    assert value(Number(lenient=True), "So she has 5 apples.", "5") == 1.0
    assert value(Exact(lenient=True), "The answer is the hall.", "the hall") == 1.0
    assert value(Choice(lenient=True, choices=("yes", "no")), "No one lies, so yes.\nFinal: yes", "yes") == 1.0


def test_a_choice_among_several_named_is_not_paid():
    for lenient in (False, True):
        verifier = Choice(lenient=lenient, choices=("yes", "no"))
        assert value(verifier, "yes no", "no") == value(verifier, "<answer>yes or no</answer>", "no") == 0.0


def test_a_choice_outside_of_the_choices_is_the_verifiers_failure():
    verdict = Choice(choices=("A", "B")).verify([Submission(problem=problem("C"), answer="C")])[0]
    assert verdict.value is None and verdict.status is Status.ERROR and "none of the choices" in verdict.explanation


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_tolerance_is_a_distance(tolerance: float):
    with pytest.raises(PonderError, match=r"number\.tolerance"):
        Number(tolerance=tolerance)


def test_every_reference_of_gsm8k_is_read_and_none_with_another_number():
    rows = [json.loads(line) for line in data("gsm8k", "test.jsonl").read_text().splitlines()]
    references = [row["answer"].rpartition("####")[2].strip() for row in rows]
    assert len(references) == 1319
    right = [Submission(problem=problem(r), answer=f"<answer>{r}</answer>") for r in references]
    wrong = [Submission(problem=problem(r), answer=f"\\boxed{{{int(r.replace(',', '')) + 1}}}") for r in references]
    assert values(Number().verify(right)) == [1.0] * 1319
    assert values(Number().verify(wrong)) == [0.0] * 1319


def test_references_of_mgsm_are_numbers_in_every_language():
    for language in ("en", "ja"):
        with data("mgsm", f"{language}.tsv").open() as file:
            references = [row[1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
        answers = [Submission(problem=problem(r), answer=f"答えは{r}です。") for r in references]
        assert values(Number(lenient=True).verify(answers)) == [1.0] * len(references)


def test_references_of_bbh_are_paid_and_others_not():
    examples = json.loads(data("bbh", "logical_deduction_three_objects.json").read_text())["examples"]
    verifier = Choice(choices=("(A)", "(B)", "(C)"))
    problems = [problem(example["target"]) for example in examples]
    for answer in ("(A)", "B", "c."):
        verdicts = verifier.verify([Submission(problem=p, answer=answer) for p in problems])
        assert [v.value == 1.0 for v in verdicts] == [answer.strip("().").upper() in p.reference for p in problems]
