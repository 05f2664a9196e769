from typing import Any

import pytest

from ponder.domains.gym import Gym
from ponder.domains.worked import WORKED
from ponder.types import Message, Problem

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("chain_sum", {"expression": "4 + 7 - 3"}, "4+7=11\n11-3=8"),
    ("chain_sum", {"expression": "4 - 7 - 30"}, "4-7=-3\n-3-30=-33"),
    ("basic_arithmetic", {"expression": "2 + 3 * (8 - 6 / 2)"}, "6/2=3\n8-3=5\n3*5=15\n2+15=17"),
    ("basic_arithmetic", {"expression": "-5"}, "-5"),
    ("leg_counting", {"animals": {"tiger": 2, "duck": 3}}, "tiger 2*4=8\nduck 3*2=6\n8+6=14"),
    ("leg_counting", {"animals": {"spider": 2}}, "spider 2*8=16"),
    (
        "letter_counting",
        {"target_letter": "t", "span": ["Tests", "for", "the", "most"]},
        "Tests 2\nthe 1\nmost 1\n2+1=3\n3+1=4",
    ),
    ("letter_counting", {"target_letter": "z", "span": ["no", "such"]}, "0"),
]


@pytest.mark.parametrize(("task", "metadata", "worked"), CASES)
def test_what_is_written(task: str, metadata: dict[str, Any], worked: str):
    facts = {"entry": {"metadata": metadata}}
    message = Message(role="user", content="?")
    problem = Problem(id="1", domain="d", split="train", messages=(message,), reference="?", facts=facts)
    assert WORKED[task](problem) == worked


@pytest.mark.parametrize("task", sorted(WORKED))
def test_it_ends_in_the_reference(task: str):
    gym = Gym("g", task=task)
    for problem in gym.problems("train", seed=0, n=60):
        assert (gym.worked(problem) or "").replace("=", " ").split()[-1] == problem.reference


def test_most_tasks_have_none():
    gym = Gym("g", task="gcd")
    assert gym.worked(gym.problems("train", seed=0, n=1)[0]) is None
