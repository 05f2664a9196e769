"""Worked thinking in small sums: one operation a line."""

from __future__ import annotations

import ast
import importlib
import operator
from collections.abc import Iterable
from itertools import accumulate, pairwise

from ponder.types import Problem

OPERATORS = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.floordiv),
}


def write_expression(problem: Problem) -> str:
    """`4+7=11`, `11-3=8`: every operation in the order of evaluation."""
    lines: list[str] = []
    value = _reduce(ast.parse(problem.facts["entry"]["metadata"]["expression"], mode="eval").body, lines)
    return "\n".join(lines) or str(value)


def write_legs(problem: Problem) -> str:
    """`tiger 2*4=8`, `duck 3*2=6`, `8+6=14`: each kind, then the running total."""
    legs = importlib.import_module("reasoning_gym.arithmetic.leg_counting").ANIMALS
    animals = problem.facts["entry"]["metadata"]["animals"]
    lines = [f"{animal} {count}*{legs[animal]}={count * legs[animal]}" for animal, count in animals.items()]
    return "\n".join([*lines, *_totals(count * legs[animal] for animal, count in animals.items())])


def write_letters(problem: Problem) -> str:
    """`tests 2`, `most 1`, `2+1=3`: each word that has the letter, then the running total."""
    metadata = problem.facts["entry"]["metadata"]
    letter = metadata["target_letter"].lower()
    counts = [(word, word.lower().count(letter)) for word in metadata["span"]]
    found = [(word, count) for word, count in counts if count]
    lines = [f"{word} {count}" for word, count in found]
    return "\n".join([*lines, *_totals(count for _, count in found)]) or "0"


def _reduce(node: ast.expr, lines: list[str]) -> int:
    """The value of an expression; what it takes is added to `lines`."""
    if isinstance(node, ast.UnaryOp):
        value = _reduce(node.operand, lines)
        if not isinstance(node.operand, ast.Constant):
            lines.append(f"0-{value}={-value}")
        return -value
    if isinstance(node, ast.BinOp):
        left, right = _reduce(node.left, lines), _reduce(node.right, lines)
        sign, apply = OPERATORS[type(node.op)]
        value = apply(left, right)
        lines.append(f"{left}{sign}{right}={value}")
        return value
    assert isinstance(node, ast.Constant) and isinstance(node.value, int), "expressions are of whole numbers"
    return node.value


def _totals(numbers: Iterable[int]) -> list[str]:
    """Running totals: `8+6=14`."""
    totals = list(accumulate(numbers))
    return [f"{before}+{after - before}={after}" for before, after in pairwise(totals)]
