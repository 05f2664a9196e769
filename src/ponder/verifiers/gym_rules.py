"""What reasoning-gym's tasks pay full marks for, where their own scorers cannot be left alone.

The library's default pays any text that contains the answer; others evaluate the text as Python or sympy, stop at the
first number, ignore what they cannot read, or compare loosely. Each task is in one of three hands: `EQUAL` (the very
text of the reference), `RULES` (a rule of this module) or its own scorer, which runs in a worker and reads only
what has the form in `SHAPES`. Nothing here raises, whatever the answer.
"""

from __future__ import annotations

import ast
import json
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any

from ponder.verifiers.numbers import parse_number

LONGEST = 10_000
"""Characters; a longer answer is not read."""

Metadata = Mapping[str, Any]
Rule = Callable[[str, str, Metadata], bool]
"""(answer, reference, the entry's metadata) -> is it right."""

_DEFAULT = """
    acre aiw arc_1d base_conversion basic_arithmetic bf binary_alternation caesar_cipher count_bits count_primes
    course_schedule gcd isomorphic_strings largest_island lcm leg_counting letter_counting list_functions
    mahjong_puzzle maze modulo_grid number_filtering number_sequence ransom_note rotate_matrix rotten_oranges
    simple_equations simple_geometry string_manipulation string_splitting string_synthesis syllogism
    word_sequence_reversal
"""
# These pay full marks to the same text only, and a part to what they evaluate.
_TEXTUAL = "ab binary_matrix circuit_logic emoji_mystery self_reference spiral_matrix string_insertion"

EQUAL = frozenset([*_DEFAULT.split(), *_TEXTUAL.split()])
"""Tasks that pay the reference's very text and nothing else."""


def arithmetic(text: str) -> tuple[Fraction, list[int]] | None:
    """Value and numbers used of an expression in whole numbers, + - * / and brackets; None for any other text."""
    if not re.fullmatch(r"[0-9+\-*/() ]{1,200}", text):
        return None
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        numbers = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        return _value(tree), [number for number in numbers if isinstance(number, int)]
    except (SyntaxError, ValueError, KeyError, ZeroDivisionError, RecursionError, MemoryError):
        return None


_OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def _value(node: ast.expr) -> Fraction:
    """KeyError for an operation that is not among the four."""
    match node:
        case ast.Constant(value=int(number)):
            return Fraction(number)
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATIONS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=op, operand=operand):
            return _OPERATIONS[type(op)](_value(operand))
    raise ValueError(f"{type(node).__name__} is no arithmetic")


def _reaches(answer: str, target: Any, numbers: Any) -> bool:
    """The expression has the value `target` and uses each of `numbers` once."""
    found = arithmetic(answer)
    return found is not None and found[0] == target and sorted(found[1]) == sorted(numbers)


def _countdown(answer: str, _: str, metadata: Metadata) -> bool:
    return _reaches(answer, metadata["target"], metadata["numbers"])


def _puzzle24(answer: str, _: str, metadata: Metadata) -> bool:
    return _reaches(answer, 24, metadata["numbers"])


def _same_words(answer: str, reference: str, _: Metadata) -> bool:
    """Upper and lower case are the same, and so is any whitespace."""
    return answer.casefold().split() == reference.casefold().split()


def _same_rows(answer: str, reference: str, _: Metadata) -> bool:
    """Line by line the same words."""
    return [line.split() for line in answer.splitlines()] == [line.split() for line in reference.splitlines()]


def _same_number(answer: str, reference: str, metadata: Metadata) -> bool:
    """The same value where the reference is a number, else the same words."""
    wanted = parse_number(reference)
    return _same_words(answer, reference, metadata) if wanted is None else parse_number(answer) == wanted


def _within(*, absolute: Fraction = Fraction(0), relative: Fraction = Fraction(0)) -> Rule:
    def rule(answer: str, reference: str, _: Metadata) -> bool:
        return _near(parse_number(answer), parse_number(reference), absolute, relative)

    return rule


def _near(value: Fraction | None, wanted: Fraction | None, absolute: Fraction, relative: Fraction) -> bool:
    return value is not None and wanted is not None and abs(value - wanted) <= absolute + relative * abs(wanted)


def _pooled(answer: str, reference: str, _: Metadata) -> bool:
    """Every cell of the matrix to two decimals."""
    got, wanted = _matrix(answer), _matrix(reference)
    if [len(row) for row in got] != [len(row) for row in wanted]:
        return False
    cells = zip(chain(*got), chain(*wanted), strict=True)
    return all(_near(a, b, Fraction(1, 200), Fraction(0)) for a, b in cells)


def _matrix(text: str) -> list[list[Fraction | None]]:
    return [[parse_number(cell) for cell in line.split()] for line in text.splitlines()]


def _load(text: str) -> Any:
    """What a JSON text says, its numbers as they are written; None if it is none."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _same_json(answer: str, reference: str, _: Metadata) -> bool:
    return _load(answer) is not None and _load(answer) == _load(reference)


def _same_numbers(answer: str, reference: str, _: Metadata) -> bool:
    """Lists of numbers, quoted or not: the same values in the same order."""
    got, wanted = (_load(text.replace("'", '"')) for text in (answer, reference))
    return isinstance(got, list) and [_number(item) for item in got] == [_number(item) for item in wanted or ()]


def _number(item: Any) -> Any:
    value = parse_number(item) if isinstance(item, str) else None
    return item if value is None else value


def _a_valid_board(answer: str, _: str, metadata: Metadata) -> bool:
    rows = [line.split() for line in answer.splitlines()]
    return any(rows == [line.split() for line in board.splitlines()] for board in metadata["valid_answers"])


def _sorted_words(answer: str, _: str, metadata: Metadata) -> bool:
    return [word.strip() for word in answer.split(",")] == list(metadata["sorted_words"])


RULES: Mapping[str, Rule] = {
    "calendar_arithmetic": _same_number,  # pays a wrong number where the right one is negative
    "chain_sum": _same_number,
    "coin_flip": _within(relative=Fraction(1, 10_000)),  # pays 0 for any small chance; 1e999999999 hangs
    "color_cube_rotation": _same_words,
    "countdown": _countdown,  # evaluates the text
    "decimal_chain_sum": _same_number,
    "dice": _same_words,
    "family_relationships": _same_words,
    "figlet_font": _same_words,  # pays any ten right letters
    "futoshiki": _same_rows,
    "game_of_life": _same_json,  # ignores surplus cells
    "game_of_life_halting": _same_words,  # pays every text where the answer is True or False
    "gsm_symbolic": _same_number,  # reads the first number and drops its sign
    "letter_jumble": _same_words,  # ignores surplus words
    "manipulate_matrix": _same_rows,
    "mini_sudoku": _same_rows,
    "n_queens": _a_valid_board,  # evaluates the text
    "needle_haystack": _same_words,
    "number_format": _within(absolute=Fraction(1, 10**6)),  # within 0.01; some references carry float noise
    "number_sorting": _same_numbers,  # each number within 1
    "path_star": _same_words,
    "pool_matrix": _pooled,  # within 1%
    "products": _same_number,
    "puzzle24": _puzzle24,  # evaluates the text, cuts off decimals, pays any four numbers
    "rectangle_count": _same_number,
    "sentence_reordering": _same_words,
    "spell_backward": _same_words,  # pays the word with a tail, by rounding
    "sudoku": _same_rows,
    "survo": _same_rows,  # ignores words
    "tsumego": _same_words,
    "word_sorting": _sorted_words,
    "zebra_puzzles": _same_words,
}
"""Tasks whose scorer is replaced, with the reason where it is too forgiving or unsafe."""

_NUMBER = r"[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?"
_FUNCTIONS = "a?sinh?|a?cosh?|a?tanh?|exp|log|ln|sqrt|pi"
_TOWER = r"\*\*\s*(?:[\w.]+\s*\*\*|\([^()]*\*\*|[0-9]{4})"
_EXPRESSION = rf"(?!.*{_TOWER})(?:[0-9]++(?:\.[0-9]++)?|\b(?:{_FUNCTIONS}|[A-Za-z])\b|[-+*/() ]){{1,500}}"

SHAPES: Mapping[str, re.Pattern[str]] = {
    task: re.compile(pattern, re.DOTALL)
    for task, pattern in {
        "advanced_geometry": r"[-+0-9.,()°/ ]+",
        "bitwise_arithmetic": r"[+-]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]{1,400})",
        "boxnet": r"\[.*\]",
        "complex_arithmetic": r"[-+0-9.iIjJ() ]+",  # nan scores 1
        "decimal_arithmetic": _NUMBER,
        "fraction_simplification": r"\$?\s*(?:[0-9]+\s*/\s*[0-9]+|\\d?frac\{[0-9 ]+\}\{[0-9 ]+\})\s*\$?",
        "intermediate_integration": _EXPRESSION,  # evaluates the text; an Integral(...) of the question scores 1
        "kakurasu": r"[01\s]+",
        "polynomial_equations": rf'""|{_NUMBER}(?:\s*,\s*{_NUMBER})*',  # no roots: every text scores 1
        "polynomial_multiplication": _EXPRESSION,  # evaluates the text
        "power_function": _NUMBER,
        "prime_factorization": r"[0-9]{1,400}(?:\s*×\s*[0-9]{1,400})*",
        "propositional_logic": r"[A-Z∧∨→↔¬()\s]{1,500}",
        "quantum_lock": r"[ABC](?:[\s→,>-]*[ABC])*",  # picks letters out of any text
        "rubiks_cube": r"(?:[A-Za-z]['’]?[0-9]?\s*)+",  # F999999999 is expanded
        "rush_hour": r"(?:[A-Z][+-][0-9]{1,2}\s*)+",
        "simple_integration": _EXPRESSION,  # as intermediate_integration
        "sokoban": r"[UDLR]+",
        "time_intervals": r"(?:[0-9]+ days?)?(?:,? ?[0-9]+:[0-9]+(?::[0-9]+(?:\.[0-9]+)?)?)?|[0-9]+",
    }.items()
}
"""What an answer must look like before the task's own scorer reads it."""


def looks_right(task: str, answer: str) -> bool:
    """Whether the task's own scorer may read `answer`."""
    shape = SHAPES.get(task)
    return shape is None or shape.fullmatch(answer) is not None
