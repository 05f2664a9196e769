from __future__ import annotations

from random import Random

import pytest

from ponder.domains.lab import KNOWN
from ponder.model.corruption import another_number, corrupted


def test_one_number_of_one_line_changes_and_what_follows_is_cut():
    thinking = "4 plus 3 is 7\n7 times 9 is 3\n3 plus 8 is 1"
    for seed in range(50):
        found = corrupted(thinking, Random(seed))
        assert found
        lines, whole = found.split("\n"), thinking.split("\n")
        assert 1 <= len(lines) <= 2, "something is left to follow"
        assert lines[:-1] == whole[: len(lines) - 1]
        before, after = whole[len(lines) - 1].rsplit(" ", 1), lines[-1].rsplit(" ", 1)
        assert before[0] == after[0] and before[1] != after[1] and after[1].isdigit()


@pytest.mark.parametrize(
    ("thinking", "possible"),
    [
        ("hall red attic\nattic blue garden", {"hall red garden"}),
        ("on off on\noff off on", {"on off off"}),
        ("1 and 4: D B C A E\n2 and 3: D C B A E", {"1 and 4: D B C E A"}),
        ("5", {str(k) for k in range(10)} - {"5"}),
        ("", {None}),
        ("...\n!!", {None}),
        ("one", {None}),
    ],
)
def test_what_a_line_can_become(thinking: str, possible: set[str | None]):
    assert {corrupted(thinking, Random(seed)) for seed in range(100)} <= possible


def test_a_number_keeps_its_length_and_sign():
    for seed in range(50):
        found = another_number("-120.5", Random(seed))
        assert len(found) == 6 and found[0] == "-" and found[4] == "." and found != "-120.5"


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("family", KNOWN)
def test_every_family_of_the_lab_can_be_led_astray(family: type, language: str):
    problems = family("x", depth=4, language=language).problems("test", seed=0, n=50)
    found = [(p.facts["worked"], corrupted(p.facts["worked"], Random(k))) for k, p in enumerate(problems)]
    changed = [after for before, after in found if after and not before.startswith(after)]
    assert len(changed) > 40
