import inspect
import json
import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
import reasoning_gym
from reasoning_gym.composite import DatasetSpec
from reasoning_gym.dataset import ProceduralDataset
from reasoning_gym.factory import DATASETS

from contracts.verifier import JUNK, VerifierContract, problem, values
from ponder.domains.gym.references import REFERENCES
from ponder.types import Problem, Status, Submission
from ponder.verifiers.gym import GymScore
from ponder.verifiers.gym_rules import EQUAL, RULES, SHAPES, arithmetic, looks_right
from ponder.verifiers.workers import LIMIT, Pool, Task, shared

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
"""A library of reasoning-gym leaves its data file open."""

TASKS = sorted(set(DATASETS) - {"composite"})
MIXTURE = {"datasets": [DatasetSpec(name="gcd", weight=1, config={}), DatasetSpec(name="jugs", weight=1, config={})]}
LEGITIMATE = {("polynomial_equations", "0")}
"""Where the reference is `0.0`."""


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left() -> Iterator[None]:
    yield
    shared("ponder.verifiers.gym_worker:score", LIMIT).close()


def item(task: str, index: int = 0, **config: Any) -> Problem:
    """A problem of a task, its reference worked out where the task gives none."""
    random.seed(index)
    entry = reasoning_gym.create_dataset(task, seed=11, size=index + 1, **config)[index]
    reference = entry["answer"]
    if reference is None:
        reference = REFERENCES[entry["metadata"]["source_dataset"]](entry["metadata"])
    return problem(reference or "", question=entry["question"], task=task, config=config, entry=entry)


def paid(problem: Problem, *answers: str, lenient: bool = False) -> list[float | None]:
    submissions = [Submission(problem=problem, answer=answer) for answer in answers]
    return values(GymScore(lenient=lenient).verify(submissions))


def stated(reference: str, kind: str, /, **metadata: Any) -> Problem:
    """A problem of the task `kind` made by hand, for the tasks with a rule of ours."""
    return problem(reference, task=kind, config={}, entry={"answer": reference, "metadata": metadata})


class TestGym(VerifierContract):
    def verifier(self) -> GymScore:
        return GymScore()

    def problems(self) -> list[Problem]:
        tasks = ("chain_sum", "leg_counting", "mini_sudoku", "complex_arithmetic", "jugs", "countdown")
        return [item(task) for task in tasks]

    def failing(self):
        return GymScore(pool=Pool("verifiers.broken:act")), Submission(problem=item("jugs"), answer='["fill A"]')


class TestGymLenient(TestGym):
    def verifier(self) -> GymScore:
        return GymScore(lenient=True)


def audit(tasks: list[str], indices: range) -> None:
    """Gold scores 1, also in a tag and by the scorer itself; junk and the question itself score 0; nothing fails."""
    made = [item(task, index) for task in tasks for index in indices]
    problems = [problem for problem in made if problem.reference.strip()]  # `ab` now and then comes to nothing at all
    gold = [(p, answer) for p in problems for answer in (p.reference, f"<answer>{p.reference}</answer>")]
    junk = [(p, answer) for p in problems for answer in [*JUNK, p.question, "0", "True", "Yes"]]
    assert [p.facts["task"] for p, _, value in judged(gold) if value != 1.0] == []
    assert [p.facts["task"] for p in problems if not paid_in_full(p)] == []
    wrong = [(p.facts["task"], answer) for p, answer, value in judged(junk) if value != 0.0 and answer != p.reference]
    assert [(task, answer[:40]) for task, answer in wrong if (task, answer) not in LEGITIMATE] == []


def paid_in_full(problem: Problem) -> bool:
    """The hand that the task is in pays the reference, had it not been paid at sight."""
    task, reference, entry = problem.facts["task"], problem.reference.strip(), problem.facts["entry"]
    if task in RULES:
        return RULES[task](reference, reference, entry["metadata"])
    return (
        task in EQUAL or "Integral(" in reference or (looks_right(task, reference) and scored(task, reference, entry))
    )


def scored(task: str, answer: str, entry: dict[str, Any]) -> bool:
    pool = shared("ponder.verifiers.gym_worker:score", LIMIT)
    return pool.run([Task(payload=(task, {}, answer, entry))])[0].value == 1.0


def judged(pairs: list[tuple[Problem, str]]) -> list[tuple[Problem, str, float | None]]:
    verdicts = GymScore().verify([Submission(problem=p, answer=answer) for p, answer in pairs])
    return [(p, answer, verdict.value) for (p, answer), verdict in zip(pairs, verdicts, strict=True)]


def test_one_item_of_every_task():
    audit(TASKS, range(1))


@pytest.mark.slow
def test_eight_items_of_every_task():
    audit(TASKS, range(8))


def test_every_task_is_in_one_hand_and_the_default_scorer_in_none():
    default = {t for t, (made, _) in DATASETS.items() if made.score_answer is ProceduralDataset.score_answer}
    assert default < EQUAL
    assert EQUAL | set(RULES) | set(SHAPES) < set(DATASETS)
    assert EQUAL.isdisjoint(RULES) and EQUAL.isdisjoint(SHAPES) and set(RULES).isdisjoint(SHAPES)


def test_no_scorer_that_evaluates_text_is_left_alone():
    sources = {task: inspect.getsource(dataset.score_answer) for task, (dataset, _) in DATASETS.items()}
    evaluating = {task for task, source in sources.items() if "eval(answer" in source or "parse_expr(answer" in source}
    assert len(evaluating) >= 9 and evaluating <= EQUAL | set(RULES) | set(SHAPES)


def test_the_substring_that_the_library_pays_is_not_paid():
    legs = item("leg_counting")
    wrong = [answer.format(legs.reference) for answer in ("{} or 7", "{}0", "It is {}", "{0} {0}")]
    assert paid(legs, legs.reference, *wrong) == [1.0] + [0.0] * 4


def test_lenient_reads_prose():
    legs = item("leg_counting")
    prose = f"There are 3 cows. That makes {legs.reference}."
    assert paid(legs, prose) == [0.0] and paid(legs, prose, lenient=True) == [1.0]


def test_partial_credit_counts_nothing():
    hanoi = item("tower_of_hanoi")
    verdict = GymScore().verify([Submission(problem=hanoi, answer=hanoi.reference.splitlines()[0].strip("[]' "))])[0]
    assert (verdict.value, verdict.status) == (0.0, Status.JUDGED)


def test_another_right_answer_than_the_reference_is_paid():
    jugs = stated('["fill A"]', "jugs", puzzle={"jug_capacities": [3, 5], "target": 3})
    assert paid(jugs, '["fill B", "fill A"]', '["fill B"]') == [1.0, 0.0]
    assert paid(stated("0x10", "bitwise_arithmetic", problem="0x8 + 0x8"), "16", "0b10000", "17") == [1.0, 1.0, 0.0]


def test_an_item_of_a_composite_goes_to_the_part_that_made_it():
    problems = [item("composite", index, **MIXTURE) for index in range(8)]
    assert {p.facts["entry"]["metadata"]["source_dataset"] for p in problems} == {"gcd", "jugs"}
    submissions = [Submission(problem=p, answer=a) for p in problems for a in (p.reference, '["fill A"]', "no")]
    assert values(GymScore().verify(submissions)) == [1.0, 0.0, 0.0] * 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(8 - 2) * 4 / 1", (24, [8, 2, 4, 1])),
        ("-3 + 27", (24, [3, 27])),
        ("1/3", (Fraction(1, 3), [1, 3])),
        ("2**3", None),
        ("7//2", None),
        ("1/0", None),
        ("3 + ", None),
        ("__import__('os')", None),
        ("(" * 150 + ")" * 50, None),
        ("-" * 200, None),
        ("007", None),
    ],
)
def test_arithmetic_is_read_and_never_evaluated(text: str, expected: tuple[Fraction, list[int]] | None):
    found = arithmetic(text)
    assert (found is None) == (expected is None)
    assert found is None or expected is None or (found[0], sorted(found[1])) == (expected[0], sorted(expected[1]))


@pytest.mark.parametrize(
    ("task", "reference", "metadata", "right", "wrong"),
    [
        ("puzzle24", "(9-1)*3*1", {"numbers": [9, 1, 3, 1]}, ["3*(9-1)/1"], ["4*6*1*1", "(9-1)*3", "24"]),
        ("countdown", "5*4+1", {"numbers": [5, 4, 1], "target": 21}, ["1+4*5"], ["21", "7*3", "5*4+1-1+1"]),
        ("gsm_symbolic", "-5", {}, ["-5.0"], ["5", "-5 or 6"]),
        ("coin_flip", "0.00001", {}, ["1/100000", "1e-5"], ["0", "0.00002"]),
        ("game_of_life_halting", "False", {}, ["false"], ["True", "yes", "0"]),
        ("game_of_life", "[[1,0]]", {}, ["[[1, 0]]"], ["[[1,0],[1]]", "[[true,false]]", "[[1,0,1]]"]),
        ("figlet_font", "ABCDEFGHIJKL", {}, ["abcdefghijkl"], ["ABCDEFGHIJKM", "ABCDEFGHIJ"]),
        ("spell_backward", "ainomma", {}, ["Ainomma"], ["ainommaa", "ainomma x"]),
        ("letter_jumble", "one two", {}, ["One two"], ["one two three"]),
        ("number_sorting", "['-1.0', '2.5']", {}, ['["-1", "2.50"]', "[-1, 2.5]"], ["['-1', '2.6']", "[]"]),
        ("number_format", "611003738.0500001", {"solution": 611003738.0500001}, ["611,003,738.05"], ["611003738.06"]),
        ("pool_matrix", "4.67 4.9\n3 5", {}, ["4.667 4.9\n3 5.0"], ["4.68 4.9\n3 5", "4.67 4.9 3 5", "nan 4.9\n3 5"]),
        ("calendar_arithmetic", "-3", {"task": "count_days"}, ["-3"], ["-2", "3"]),
        ("calendar_arithmetic", "Monday", {"task": "weekday_of_date"}, ["monday"], ["Monday Tuesday"]),
        ("n_queens", "Q _\n_ Q", {"valid_answers": ["Q _\n_ Q", "_ Q\nQ _"]}, ["_ Q\nQ _"], ["Q Q\nQ Q", "[['Q']]"]),
        ("word_sorting", "a, b", {"sorted_words": ["a", "b"]}, ["a,b"], ["b, a", "a, b, c"]),
        ("survo", "1 2\n3 4", {}, ["1  2\n3 4"], ["1 2 x\n3 4", "1 2 3 4"]),
    ],
)  # fmt: skip
def test_rules_of_ours(task: str, reference: str, metadata: dict[str, Any], right: list[str], wrong: list[str]):
    assert task in RULES
    problem = stated(reference, task, **metadata)
    assert paid(problem, reference, *right) == [1.0] * (1 + len(right))
    assert paid(problem, *wrong) == [0.0] * len(wrong)


HOLES = {
    "complex_arithmetic": ["nan", "nan+nanj"],
    "polynomial_multiplication": ["__import__('os')._exit(0)", "(lambda: 0)()"],
    "simple_integration": ["Integral({integrand}, {variable})", "integrate({integrand}, {variable})"],
    "intermediate_integration": ["Integral({integrand}, {variable})"],
    "quantum_lock": ["I press {reference} because", "<b>{reference}</b>"],
    "rubiks_cube": ["F9999999999"],
    "prime_factorization": ["{reference} × x"],
    "time_intervals": ["{reference} or so"],
    "fraction_simplification": ["{reference} or 1/2"],
    "kakurasu": ["Row: {reference}"],
    "sokoban": ["{reference} is my way"],
    "coin_flip": ["1e999999999"],
}


def test_known_holes_are_closed():
    problems = {task: item(task) for task in HOLES}
    holes = [
        (problems[task], hole.format(reference=problems[task].reference, **_words(problems[task])))
        for task in HOLES
        for hole in HOLES[task]
    ]
    verdicts = GymScore().verify([Submission(problem=p, answer=answer) for p, answer in holes])
    assert [(v.value, v.status) for v in verdicts] == [(0.0, Status.JUDGED)] * len(holes)


def _words(problem: Problem) -> dict[str, str]:
    metadata = problem.facts["entry"]["metadata"]
    return {word: metadata.get(word, "") for word in ("integrand", "variable")}


def test_a_problem_without_facts_is_not_judged():
    verdict = GymScore().verify([Submission(problem=problem("5"), answer="5")])[0]
    assert verdict.value is None and verdict.explanation == "the problem's facts lack task, config, entry"


def test_a_task_that_does_not_exist_is_the_verifiers_failure():
    unknown = problem("5", task="no_such_task", config={}, entry={"answer": "5", "metadata": {}})
    verdict = GymScore().verify([Submission(problem=unknown, answer="6")])[0]
    assert (verdict.value, verdict.status) == (None, Status.ERROR)
    assert "the verifier fails on the reference too" in verdict.explanation


def test_entries_survive_the_way_to_the_worker():
    assert json.loads(json.dumps(paid(item("word_ladder"), "A,B", item("word_ladder").reference))) == [0.0, 1.0]
