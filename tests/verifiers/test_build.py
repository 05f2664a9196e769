import subprocess
import sys
from typing import Any

import pytest

from ponder.types import PonderError, Verifier
from ponder.verifiers import VERIFIERS, build

CONTROLS = ("chance", "format")
"""They read no answer, and all of the thinking."""


@pytest.mark.parametrize("name", VERIFIERS)
def test_every_verifier_is_built_under_its_name(name: str):
    verifier = build(name, {} if name in CONTROLS else {"lenient": True})
    assert isinstance(verifier, Verifier)
    assert (verifier.name, verifier.reads_thinking, verifier.deterministic) == (name, name in CONTROLS, True)


def test_options_reach_the_verifier():
    assert build("number", {"tolerance": 1}) != build("number")
    assert build("choice", {"choices": ["a", "b"]}) == build("choice", {"choices": ("a", "b")})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("numbr", {}, "verifier = 'numbr': there is none of that name; did you mean 'number'?"),
        (
            "zzz",
            {},
            "verifier = 'zzz': there is none of that name; there are exact, number, choice, maths, gym, chance, format",
        ),
        ("exact", {"case": True}, "exact.case = True: there is no such option; did you mean 'casefold'?"),
        ("exact", {"name": "x"}, "exact.name = 'x': there is no such option; there are lenient, casefold"),
        ("gym", {"pool": None}, "gym.pool = None: there is no such option; there are lenient, limit"),
        ("maths", {"lenient": "yes"}, "maths.lenient = 'yes': give true or false"),
        ("maths", {"limit": True}, "maths.limit = True: give a number"),
        ("maths", {"limit": 0}, "limit = 0: give the seconds that one answer may take, above 0"),
        ("choice", {"choices": "AB"}, "choice.choices = 'AB': give a list of texts"),
        ("number", {"tolerance": -1}, "number.tolerance = -1: give a number from 0 up"),
    ],
)
def test_mistakes_are_one_line(name: str, options: dict[str, Any], message: str):
    with pytest.raises(PonderError) as raised:
        build(name, options)
    assert str(raised.value) == message


def test_importing_verifiers_imports_nothing_heavy():
    code = "import sys, ponder.verifiers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint(
        {"sympy", "math_verify", "reasoning_gym", "torch", "numpy", "ponder.domains"}
    )
