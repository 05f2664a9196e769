from __future__ import annotations

import pytest

from ponder.specs.citing import cited

IDS = ("k1", "k2", "k12", "house.red")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1: k2 guest: yes, see k1\n2: k1 red: no", ("k2", "k1")),
        ("k1, then k2, then k1 again", ("k2", "k1")),
        ("k12 and not the first", ("k12",)),
        ("規則k2による", ("k2",)),
        ("by house.red.", ("house.red",)),
        ("by house.red.x or xk1 or k1-b", ()),
        ("", ()),
    ],
)
def test_clauses_are_told_in_the_order_in_which_they_are_last_named(text: str, found: tuple[str, ...]):
    assert cited(text, IDS) == found
