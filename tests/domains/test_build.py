import subprocess
import sys
from typing import Any

import pytest

from ponder.domains import DOMAINS, build
from ponder.domains.lab import FAMILIES
from ponder.types import PonderError

MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("gim", {}, "sums.use = 'gim': no such kind of domain; the nearest is 'gym'"),
    ("coin", {"dept": 3}, "sums.dept = 3: no such option; the nearest is 'depth'"),
    ("coin", {"depth": 0}, "sums.depth = 0: must be a number or [low, high] with 1 <= low <= high <= 12"),
    ("where", {"depth": [3, 1]}, "sums.depth = [3, 1]: must be a number or [low, high] with 1 <= low <= high <= 12"),
    ("coin", {"depth": "a"}, "sums.depth = 'a': must be a whole number or a list of 2 numbers"),
    ("coin", {"depth": True}, "sums.depth = True: must be a whole number or a list of 2 numbers"),
    ("privacy", {"depth": [1, 2, 3]}, "sums.depth = [1, 2, 3]: must be a whole number or a list of 2 numbers"),
    ("programs", {"limit": 2}, "sums.limit = 2: must lie within 4 and 100"),
    ("programs", {"limit": 9.5}, "sums.limit = 9.5: must be a whole number"),
    ("chains", {"limit": 101}, "sums.limit = 101: must lie within 4 and 100"),
    ("chains", {"depth": 65}, "sums.depth = 65: must be a number or [low, high] with 1 <= low <= high <= 64"),
    ("gym", {}, "sums.task is missing: give text"),
    ("gym", {"task": "gcd", "config": 3}, "sums.config = 3: must be a table"),
    ("file", {"path": 3}, "sums.path = 3: must be text or a path"),
]


@pytest.mark.parametrize(("use", "options", "line"), MISTAKES)
def test_a_mistake_is_one_line_with_the_remedy(use: str, options: dict[str, Any], line: str):
    with pytest.raises(PonderError) as raised:
        build("sums", use, options)
    assert str(raised.value) == line


@pytest.mark.parametrize("use", ["chains", "coin", "privacy", "programs", "where"])
def test_a_range_out_of_toml_is_a_list(use: str):
    problems = build("d", use, {"depth": [1, 3]}).problems("train", seed=0, n=30)
    assert {p.difficulty for p in problems} == {1.0, 2.0, 3.0}


def test_renaming_a_domain_does_not_change_its_items():
    one, other = (build(name, "coin", {}).problems("train", seed=0, n=5) for name in ("a", "b"))
    assert [p.messages for p in one] == [p.messages for p in other]
    assert [p.id for p in one] != [p.id for p in other]


def test_importing_the_domains_loads_nothing_heavy():
    heavy = "{'reasoning_gym', 'numpy', 'pyarrow', 'torch', 'sympy'}"
    code = f"import sys, ponder.domains; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_every_kind_is_listed():
    lab = {f"lab-{kind}" for kind in FAMILIES}
    others = {"chains", "coin", "explaining", "file", "gym", "judging", "privacy", "programs", "reading", "where"}
    assert DOMAINS.keys() - lab == others
    assert len(DOMAINS.keys() & lab) == 15
