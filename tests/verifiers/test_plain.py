"""The shortcuts past math-verify never say what it would not."""

import json
import string
from collections.abc import Iterator

import pytest

from ponder.verifiers.maths import readable
from ponder.verifiers.plain import same_number
from ponder.verifiers.workers import Pool, Task
from shared_data import data

TRICKY = [
    *["0", "-0", "1", "5", "-5", "7", "007", "50", "100", "500", "1000", "32348", "1234567"],
    *["1,000", "1,234,567", "1.000", "1.0", "5.0", "5.00", "-5.5", ".5", "0.5", "0.50", "0.75", "0.05", "5."],
    *["0.333333", "0.3333333", "0.33", "1000.5", "1,000.5", "$5", "\\$5", "$1,000", "- 5"],
    *["1/2", "3/4", "1/3", "-1/2", "2001/2", "10/2", "1000/3", "3 / 4"],
    *["\\frac{1}{2}", "\\dfrac{1}{2}", "-\\frac{1}{2}", "\\frac{3}{4}", "\\frac{10}{2}", "\\frac{-1}{2}"],
    *["50%", "50\\%", "50 %", "50.0%", "5%", "500%", "100%", "150%", "-50%", "33%", "1,000%"],
    *["x = 5", "n=5", "x=-5", "y = 0.5", "x = 1,000"],
    *["5 apples", "5\\text{ cm}", "5 cm", "5 dollars", "5.00 dollars", "1,000 dollars", "0 dollars", "5 minutes"],
    *["1 000", "12:30", "10^2", "٣", "½", "\\frac12", "5 or 6", "(5)", "5!", "e", "5e", "5 e", "\\pi"],
]
"""Each is an answer to every third."""
NOT_NUMBERS = ["1 000", "12:30", "10^2", "٣", "½", "\\frac12", "5 apples", "5\\text{ cm}", "5 dollars", "5 or 6", ""]
WIDER = [("1e3", "1000"), ("１", "1"), ("1,000/2", "500"), ("+1,000", "1000"), ("- 1,000", "-1000")]
"""Equal numbers that math-verify misreads: plain to see, and paid."""
WORDS = ["dollars", "apples", "pieces", "ie", "e", "pi", "in", "per", "inf", "nan", "log", "sin", "and"]


@pytest.fixture(scope="module")
def alone() -> Iterator[Pool]:
    with Pool("verifiers.unaided:judge", limit=30.0) as pool:
        yield pool


@pytest.fixture(scope="module")
def beside() -> Iterator[Pool]:
    with Pool("verifiers.unaided:agree", limit=30.0) as pool:
        yield pool


def check(alone: Pool, pairs: list[tuple[str, str]]) -> int:
    """How many (answer, reference) are told at sight; asserts that they are told as math-verify tells them."""
    seen = [(readable(answer), readable(reference)) for answer, reference in pairs]
    told = {pair: right for pair in seen if (right := same_number(*pair)) is not None}
    replies = alone.run([Task(payload=pair) for pair in told])
    wrong = [pair for (pair, right), reply in zip(told.items(), replies, strict=True) if reply.value != right]
    assert wrong == []
    return len(told)


def test_numbers_written_in_tricky_ways(alone: Pool):
    assert check(alone, [(answer, reference) for answer in TRICKY for reference in TRICKY[::3]]) > 900


def test_an_assignment_to_any_letter_is_its_right_side(alone: Pool):
    answers = [f"{letter} = {number}" for letter in string.ascii_letters for number in ("5", "6", "50%")]
    assert check(alone, [(answer, "5") for answer in answers]) == len(answers)


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_no_plain_number_is_left_to_math_verify(text: str):
    assert same_number(text, "5") is same_number("5", text) is None


def test_where_rounding_decides_it_is_left_to_math_verify():
    for answer, reference in [("0.333333", "1/3"), ("0.3333335", "1/3"), ("2.0000001", "2"), ("50.0%", "0.5")]:
        assert same_number(answer, reference) is None
    assert same_number("0.3333", "1/3") is same_number("2.00001", "2") is False
    assert same_number("12345678901234567.5", "12345678901234568.5") is None


@pytest.mark.parametrize(("answer", "reference"), WIDER)
def test_equal_numbers_are_equal_however_math_verify_reads_them(answer: str, reference: str):
    assert same_number(answer, reference) is same_number(reference, answer) is True


def test_amounts_in_words_are_judged_in_the_worker_as_by_math_verify_alone(beside: Pool):
    amounts = ["-5", "2.5", "1,500", "3/7", "0"]
    pairs = [(f"{amount} {word}", reference) for amount in amounts for word in WORDS for reference in {amount, "5"}]
    pairs += [(answer, reference) for answer in TRICKY[-27:] for reference in ("5", "0", "x", "0.5", "1,000", "\\")]
    replies = beside.run([Task(payload=(readable(answer), readable(reference))) for answer, reference in pairs])
    assert [reply.explanation for reply in replies if reply.value != 1.0] == []


def gsm8k(step: int) -> list[str]:
    lines = data("gsm8k", "test.jsonl").read_text().splitlines()
    return [json.loads(line)["answer"].rpartition("####")[2].strip() for line in lines[::step]]


def math500(step: int) -> list[str]:
    lines = data("math500", "test.jsonl").read_text().splitlines()
    return [json.loads(line)["answer"] for line in lines[::step]]


def altered(reference: str) -> list[str]:
    """The reference in other forms, and near misses."""
    value = int(reference.replace(",", ""))
    right = [reference, f"{value}", f"{value}.00", f"\\${reference}", f"x = {value}", f"{value}%", f"{value * 100}%"]
    return [*right, f"{value + 1}", f"{value}.5", f"{value}/7", f"{value * 10:,}", f"-{value}", f"{value}.0000001"]


def test_a_sample_of_the_references_right_and_altered(alone: Pool):
    references = gsm8k(40)
    pairs = [(answer, reference) for reference in references for answer in altered(reference)]
    assert check(alone, pairs) > 7 * len(set(references))
    maths = math500(9)
    check(alone, [(answer, reference) for reference in maths[:20] for answer in maths])


@pytest.mark.slow
def test_all_references_right_and_altered(alone: Pool):
    references = gsm8k(1)
    pairs = [(answer, reference) for reference in references for answer in altered(reference)]
    assert len(references) == 1319 and check(alone, pairs) > 7 * len(set(references))
    maths = math500(1)
    check(alone, [(answer, reference) for reference in maths for answer in maths[::5]])
