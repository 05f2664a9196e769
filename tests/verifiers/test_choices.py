import pytest

from ponder.verifiers.choices import last_choice, named, the_choice

LETTERS = ("A", "B", "C")


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("A", "a"),
        ("a", "a"),
        ("(A)", "a"),
        ("A.", "a"),
        ("**B**", "b"),
        ("(B) the red one", "b"),
        ("C: a dog", "c"),
        ("(A) or (B)", None),
        ("A. no, B", None),
        ("A B", None),
        ("A dog", None),
        ("D", None),
        ("", None),
    ],
)
def test_letters(text: str, choice: str | None):
    assert the_choice(text, LETTERS) == choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [("Yes", "yes"), ("no.", "no"), ("yes no", None), ("not yes", None), ("yesterday", None), ("'NO'", "no")],
)
def test_words(text: str, choice: str | None):
    assert the_choice(text, ("yes", "no")) == choice


def test_words_within_words_do_not_count():
    assert named("It is invalid", ("valid", "invalid")) == {"invalid"}
    assert named("A book is on (c)", LETTERS) == {"a", "c"}


def test_the_last_line_that_names_a_choice_decides():
    assert last_choice("A or B?\nB it is.\nDone", LETTERS) == "b"
    assert last_choice("B it is\nor A, or C", LETTERS) is None
    assert last_choice("who knows", LETTERS) is None
