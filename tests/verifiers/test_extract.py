import pytest

from contracts.verifier import JUNK
from ponder.verifiers.extract import LONGEST_LINE, Kind, extract


def found(answer: str, kind: Kind = Kind.TEXT, *, lenient: bool = False, choices: tuple[str, ...] = ()):
    extracted = extract(answer, lenient=lenient, kind=kind, choices=choices)
    return None if extracted is None else (extracted.rule, extracted.text)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("<answer>5</answer>", "5"),
        ("a <answer>4</answer> no, <answer> 5\n</answer> b", "5"),
        ("<Answer>5</ANSWER>", "5"),
        ("<answer><answer>5</answer>", "5"),
        ("<answer>5</answer></answer>", "5"),
        ("<answer>\\boxed{5}</answer>", "5"),
        ("<answer>5</answer> <answer>6", "5"),
        ("\\boxed{4} <answer>5</answer> \\boxed{6}", "5"),
        ("<think>\\boxed{3}</think><answer>5</answer>", "5"),
        ("still <answer>4</answer></think><answer>5</answer>", "5"),
        ("<answer>5</answer><think>or <answer>6</answer>", "5"),
    ],
)
def test_the_last_closed_tag(answer: str, text: str):
    assert found(answer) == ("answer tag", text)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("\\boxed{5}", "5"),
        ("\\boxed{4} or rather \\boxed{5}.", "5"),
        ("$\\boxed{\\frac{1}{2}}$", "\\frac{1}{2}"),
        ("\\boxed{\\{1,2\\}}", "\\{1,2\\}"),
        ("\\boxed {5}", "5"),
        ("\\boxed{5} \\boxed{6", "5"),
        ("{ \\boxed{5}", "5"),
        ("<answer>\\boxed{5}", "5"),
    ],
)
def test_the_last_balanced_box(answer: str, text: str):
    assert found(answer) == ("box", text)


def test_bare_answers():
    assert found(" Paris \n") == ("whole text", "Paris")
    assert found("It is\nParis") is None
    assert found("x" * LONGEST_LINE) == ("whole text", "x" * LONGEST_LINE)
    assert found("x" * (LONGEST_LINE + 1)) is None
    assert found("1 2\n3 4", Kind.BLOCK) == ("whole text", "1 2\n3 4")
    assert found("1,234.", Kind.NUMBER) == ("whole text", "1,234.")
    assert found("It is 5", Kind.NUMBER) is None
    assert found("(B)", Kind.CHOICE, choices=("A", "B")) == ("whole text", "(B)")
    assert found("A or B", Kind.CHOICE, choices=("A", "B")) is None


@pytest.mark.parametrize(
    ("answer", "kind", "expected"),
    [
        ("The answer is Paris.", Kind.TEXT, ("phrase", "Paris")),
        ("Final answer: **Paris**\nThanks", Kind.TEXT, ("phrase", "Paris")),
        ("The answer is 3. I mean the answer is 5 apples. Or 6", Kind.NUMBER, ("phrase", "5")),
        ("the answer is 1.5.", Kind.NUMBER, ("phrase", "1.5")),
        ("3 + 4 makes 7 apples", Kind.NUMBER, ("last number", "7")),
        ("1,234", Kind.NUMBER, ("whole text", "1,234")),
        ("First\nParis", Kind.TEXT, ("last line", "Paris")),
        ("Paris", Kind.TEXT, ("whole text", "Paris")),
        ("The answer is (B)", Kind.CHOICE, ("phrase", "b")),
        ("The answer is clearly B, I think", Kind.CHOICE, ("phrase", "b")),
        ("A looks good.\nBut B is better", Kind.CHOICE, ("last choice", "b")),
        ("It is A or B", Kind.CHOICE, None),
        ("nothing", Kind.NUMBER, None),
    ],
)
def test_lenient_rules(answer: str, kind: Kind, expected: tuple[str, str] | None):
    assert found(answer, kind, lenient=True, choices=("A", "B")) == expected
    assert found(answer, kind, choices=("A", "B")) in (None, ("whole text", answer))


def test_an_empty_tag_is_no_answer():
    assert found("<answer> </answer>", Kind.NUMBER) is None
    assert found("") is None


def test_it_says_what_it_found():
    assert str(extract("<answer>5</answer>", lenient=False, kind=Kind.TEXT)) == "answer tag: '5'"


@pytest.mark.parametrize("kind", Kind)
def test_junk_takes_no_time_and_never_raises(kind: Kind):
    for junk in [*JUNK, "answer is " * 100_000, "\\boxed{" * 100_000 + "}" * 100_000, "</answer>" * 100_000]:
        extract(junk, lenient=True, kind=kind, choices=("A", "B"))
