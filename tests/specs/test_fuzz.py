"""Small changes to good files: what comes of them is a spec that is written out again, or a line that says why not."""

import random
from collections.abc import Callable

import pytest

from ponder.specs import load, parse, shipped
from ponder.types import PonderError
from specs.test_foreign import ATTRIBUTED, NUMBERED
from specs.test_parse import WHOLE

MARKS = "#|##|###|(|)|-|*|:|…|🎉|```|~~~|**|CAPITALS|第一条|（必須）|- good: g|- bad:|- 良い例：|1. one|SP0.a x|# x"
CLAUSES = "## a (must) A|## a (essential, 2) A|(pitfall, -1)|{#b authority=user}|# A {#b authority=user}|a (R1 - b)"
PIECES = [*f"{MARKS}|{CLAUSES}".split("|"), *" \n\r\t\0\ud800\u2028\x85\u3000\ufeff", "  ", "\n\n"]

SOURCES = {
    "whole": WHOLE,
    "attributed": ATTRIBUTED,
    "numbered": NUMBERED,
    **{f"{name}.{language}": load(name, language=language).text() for name in shipped() for language in ("en", "ja")},
}


def insert(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(PIECES) + text[at:]


def insert_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(PIECES))
    return "\n".join(lines)


def remove(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.choice([1, 2, 5, 40]) :]


def remove_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def swap_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def indent(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    lines[at] = chance.choice([" ", "  ", "    ", "\t", "\u3000"]) + lines[at]
    return "\n".join(lines)


CHANGES: list[Callable[[str, random.Random], str]] = [insert, insert_line, remove, remove_line, swap_lines, indent]


@pytest.mark.parametrize("source", SOURCES)
def test_a_changed_file_is_read_or_refused_in_a_line(source: str):
    chance = random.Random(source)
    read = 0
    for _ in range(200):
        text = SOURCES[source]
        for _ in range(chance.randint(1, 4)):
            text = chance.choice(CHANGES)(text, chance)
        try:
            spec = parse(text, name="changed")
        except PonderError as error:
            assert str(error).startswith("changed:") and "\n" not in str(error) and len(str(error)) < 250
        else:
            read += 1
            for written in (spec, turned := spec.backwards()):
                assert parse(written.text(), name="changed") == written, text
            assert turned.backwards() == spec
            assert all(spec.clause(clause.id) is clause for clause in spec.clauses)
    assert read > 20, "most of the changes should be harmless"
