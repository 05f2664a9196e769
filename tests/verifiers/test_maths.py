import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.verifier import VerifierContract, problem, values
from ponder.types import Status, Submission
from ponder.verifiers.maths import Maths
from ponder.verifiers.workers import LIMIT, Pool, Task, shared
from shared_data import data


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left() -> Iterator[None]:
    yield
    for limit in (2.0, LIMIT):
        shared("ponder.verifiers.maths_worker:judge", limit).close()


class TestMaths(VerifierContract):
    def verifier(self) -> Maths:
        return Maths(limit=2.0)

    def problems(self):
        return [problem("\\frac{3}{4}"), problem("x^2+2x+1"), problem("\\text{Evelyn}"), problem("(-\\infty, 2]")]

    def failing(self):
        return Maths(pool=Pool("verifiers.broken:act")), Submission(problem=problem("x^2"), answer="x*x")


class TestMathsLenient(TestMaths):
    def verifier(self) -> Maths:
        return Maths(lenient=True, limit=2.0)


def value(answer: str, reference: str, *, lenient: bool = False) -> float | None:
    submission = Submission(problem=problem(reference), answer=answer)
    return Maths(lenient=lenient).verify([submission])[0].value


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("0.75", "\\frac{3}{4}"),
        ("(x+1)^2", "x^2+2x+1"),
        ("3*sqrt(2)/2", "\\frac{3\\sqrt{2}}{2}"),
        ("Evelyn", "\\text{Evelyn}"),
        ("x=5", "5"),
        ("5\\text{ cm}", "5"),
        ("\\{2,1\\}", "\\{1,2\\}"),
        ("$\\frac12$", "0.5"),
        ("\\dfrac{1}{2}", "\\frac{1}{2}"),
        ("50\\%", "0.5"),
        ("32,348", "\\$32,348"),
        ("1e3", "1000"),
    ],
)
def test_equal_in_another_form(answer: str, reference: str):
    assert value(answer, reference) == 1.0


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("5 or 6", "5"),
        ("5$ or $6", "6"),
        ("5, 6", "5"),
        ("\\{1,2,3,4,5\\}", "5"),
        ("4 < x < 6", "5"),
        ("5 \\pm 1", "6"),
        ("I think 5", "5"),
        ("(1,2)", "(2,1)"),
        ("[-2,3]", "(-2,3)"),
        ("x", "y"),
        ("0.33", "1/3"),
        ("x = 5 \\text{ or } x = 6", "6"),
    ],
)
def test_not_equal(answer: str, reference: str):
    assert value(f"<answer>{answer}</answer>", reference) == 0.0


def test_prose_counts_only_if_lenient():
    prose = "We add them.\nThe answer is $\\frac{6}{8}$."
    assert value(prose, "\\frac{3}{4}") == 0.0
    assert value(prose, "\\frac{3}{4}", lenient=True) == 1.0


def test_the_explanation_names_the_rule_and_the_reading():
    verdict = Maths().verify([Submission(problem=problem("2x"), answer="\\boxed{x + x}")])[0]
    assert verdict.explanation == "box: 'x + x': read as x + x; wanted '2x'"


def test_an_answer_that_hangs_is_wrong_and_its_neighbours_are_judged():
    answers = ["x+x", "10^{10^{10^{10}}}", "3x-x"]
    with Pool("ponder.verifiers.maths_worker:judge", limit=1.0) as pool:
        verdicts = Maths(pool=pool).verify([Submission(problem=problem("2x"), answer=answer) for answer in answers])
    assert [(v.value, v.status) for v in verdicts] == [(v, Status.JUDGED) for v in (1.0, 0.0, 1.0)]
    assert "cannot be digested: twice no result within 1 s" in verdicts[1].explanation


def test_equal_answers_to_equal_questions_are_asked_once():
    with Pool("verifiers.unaided:judge") as pool:
        asked, run = [], pool.run
        pool.run = lambda tasks: asked.extend(task.payload for task in tasks) or run(tasks)
        pairs = [("x+x", "2x"), ("3x-x", "2x"), ("x+x", "2x"), ("x+x", "3x"), ("x + x", "2x")]
        verdicts = Maths(pool=pool).verify([Submission(problem=problem(r), answer=answer) for answer, r in pairs])
    assert values(verdicts) == [1.0, 1.0, 1.0, 0.0, 1.0]
    assert asked == [("x+x", "2x"), ("3x-x", "2x"), ("x+x", "3x"), ("x + x", "2x")]


def test_plain_numbers_start_no_worker_and_import_no_algebra():
    code = (
        "import sys; from contracts.verifier import problem; from ponder.types import Submission\n"
        "from ponder.verifiers.maths import Maths; from ponder.verifiers.workers import Pool\n"
        "pool = Pool('ponder.verifiers.maths_worker:judge')\n"
        "answers = ['1,000', '$1000', '999', '1000.00', 'x = 1000', '1000%', '7/3']\n"
        "verdicts = Maths(pool=pool).verify([Submission(problem=problem('1000'), answer=a) for a in answers])\n"
        "print([v.value for v in verdicts], pool.pids, 'sympy' in sys.modules)"
    )
    tests = Path(__file__).parents[1]
    said = subprocess.run([sys.executable, "-c", code], cwd=tests, capture_output=True, text=True, check=True).stdout
    assert said == "[1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0] () False\n"


def test_without_workers_plain_numbers_are_still_judged():
    maths = Maths(pool=Pool("verifiers.broken:act"))
    answers = ["5", "6", "x^2", "5.0"]
    verdicts = maths.verify([Submission(problem=problem("5"), answer=answer) for answer in answers])
    assert values(verdicts) == [1.0, 0.0, None, 1.0]
    assert verdicts[2].status is Status.ERROR and "no worker can be started" in verdicts[2].explanation


def math500(step: int) -> list[str]:
    lines = data("math500", "test.jsonl").read_text().splitlines()
    return [json.loads(line)["answer"] for line in lines[::step]]


def gsm8k(step: int) -> list[str]:
    lines = data("gsm8k", "test.jsonl").read_text().splitlines()
    return [json.loads(line)["answer"].rpartition("####")[2].strip() for line in lines[::step]]


def by_math_verify(pairs: list[tuple[str, str]]) -> list[float | None]:
    """What math-verify says of (answer, reference) without our shortcuts."""
    bare = [(answer.replace("\\$", ""), reference.replace("\\$", "")) for answer, reference in pairs]
    replies = shared("ponder.verifiers.maths_worker:judge", LIMIT).run([Task(payload=pair) for pair in bare])
    return [reply.value for reply in replies]


def check_references(references: list[str]) -> None:
    """Each is equal to itself, in our eyes and in math-verify's."""
    answers = [Submission(problem=problem(r), answer=f"So \\boxed{{{r}}}") for r in references]
    assert values(Maths().verify(answers)) == [1.0] * len(references)
    assert by_math_verify([(r, r) for r in references]) == [1.0] * len(references)


def check_changed(references: list[str]) -> None:
    """None is equal to the next number up."""
    pairs = [(str(int(r.replace(",", "")) + 1), r) for r in references]
    answers = [Submission(problem=problem(r), answer=f"<answer>{changed}</answer>") for changed, r in pairs]
    assert values(Maths().verify(answers)) == [0.0] * len(references)
    assert by_math_verify(pairs) == [0.0] * len(references)


def test_a_sample_of_the_references_of_math500_and_gsm8k():
    check_references(math500(13) + gsm8k(33))
    check_changed(gsm8k(33))


@pytest.mark.slow
def test_all_references_of_math500():
    references = math500(1)
    assert len(references) == 500
    check_references(references)


@pytest.mark.slow
def test_all_references_of_gsm8k():
    references = gsm8k(1)
    assert len(references) == 1319
    check_references(references)
    check_changed(references)


@pytest.mark.slow
def test_references_of_math500_are_not_equal_to_the_next_ones():
    """Of 500 neighbours three are equal: twice the same number, and `5` where `x=5` is wanted."""
    references = math500(1)
    shifted = references[-1:] + references[:-1]
    pairs = zip(references, shifted, strict=True)
    verdicts = Maths().verify([Submission(problem=problem(r), answer=f"\\boxed{{{s}}}") for r, s in pairs])
    assert {v.explanation for v in verdicts if v.value} == {
        "box: '5': read as 5; wanted 'x=5'",
        "box: '7' is right",
        "box: '3' is right",
    }
