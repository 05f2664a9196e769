import contextlib
import io
import re
from collections import Counter

from contracts.domain import DomainContract
from ponder.domains.everyday.programs import Programs


def printed(program: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(program, {})
    return out.getvalue().strip()


class TestPrograms(DomainContract):
    def domain(self) -> Programs:
        return Programs("programs", depth=(2, 4))


def test_python_prints_the_reference():
    for problem in Programs("programs", depth=(1, 6)).problems("train", seed=0, n=200):
        program, _ = problem.question.rsplit("\n", 1)
        assert printed(program) == problem.reference


def test_every_step_is_small_and_right():
    domain = Programs("programs", depth=(1, 6), limit=10)
    for problem in domain.problems("train", seed=0, n=200):
        for line in (domain.worked(problem) or "").splitlines():
            left, sign, right, value = re.fullmatch(r"\w=(\d+)([+-])(\d+)=(\d+)", line).groups()  # pyright: ignore
            assert int(left) + int(sign + right) == int(value) and 0 <= int(value) < 10


def test_every_statement_reads_the_one_before():
    for problem in Programs("programs", depth=(1, 6)).problems("train", seed=0, n=100):
        *statements, last = problem.question.split("\n")[:-1]
        for before, after in zip(statements, [*statements[1:], last], strict=True):
            assert before[0] in re.split(r"[=(]", after)[1]
        assert len(statements) == (problem.difficulty or 0) + 1


def test_no_answer_is_common():
    problems = Programs("programs", depth=3, limit=10).problems("train", seed=0, n=1000)
    counts = Counter(p.reference for p in problems)
    assert len(counts) == 10 and max(counts.values()) < 160
