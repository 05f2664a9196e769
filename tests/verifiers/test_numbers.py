from fractions import Fraction

import pytest

from ponder.verifiers.numbers import last_number, parse_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        (" 42. ", 42),
        ("+7", 7),
        ("-7", -7),
        ("−7", -7),
        ("- 7", -7),
        ("007", 7),
        ("1,234,567", 1_234_567),
        ("1,234.50", Fraction(2469, 2)),
        (".5", Fraction(1, 2)),
        ("0.1", Fraction(1, 10)),
        ("$3.25", Fraction(13, 4)),
        ("-$5", -5),
        ("$-5", -5),
        ("\\$18", 18),
        ("$18$", 18),
        ("€1,000", 1000),
        ("50%", 50),
        ("50\\%", 50),
        ("3/4", Fraction(3, 4)),
        ("-6 / 8", Fraction(-3, 4)),
        ("\\frac{1}{3}", Fraction(1, 3)),
        ("-\\dfrac{ 2 }{ 4 }", Fraction(-1, 2)),
        ("1.5e3", 1500),
        ("2E-2", Fraction(1, 50)),
        ("１，２３４", 1234),
        ("10000000000000000000000000000001", 10**31 + 1),
    ],
)
def test_numbers_are_read_exactly(text: str, value: Fraction):
    assert parse_number(text) == value


NO_NUMBERS = "|.|-|--5|-$-5|five|5 6|5 or 6|5 apples|12,34|1,2345|1/0|1/2/3|0x10|1_000|nan|inf|1e|1e9999|٤٢|5²|x=5|$|%"


@pytest.mark.parametrize("text", [*NO_NUMBERS.split("|"), "9" * 5000, "\0", "\\frac{1}{0}"])
def test_other_texts_are_no_numbers(text: str):
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3 + 4 = 7.", "7"),
        ("2 - 5 = -3", "-3"),
        ("so 3 - 5", "5"),
        ("from 3-5", "5"),
        ("it costs $1,250.75 in all", "1250.75"),
        ("first 9, then \\frac{1}{2}", "\\frac{1}{2}"),
        ("a half: 1/2 of it", "1/2"),
        ("18ドルです", "18"),
        ("x2 has 5km", "5"),
        ("１８", "18"),
        ("none", None),
    ],
)
def test_the_last_number_of_a_text(text: str, number: str | None):
    assert last_number(text) == number


def test_long_texts_take_no_time():
    assert last_number("7 " * 500_000) == "7"
    assert last_number("1," * 500_000) == "1"
    assert last_number("9" * 1_000_000) == "9" * 1_000_000
