from __future__ import annotations

from collections import Counter

import pytest

from fakes import Numbered
from ponder.stages.mixture import draw, schedule

DOMAINS = {name: Numbered(name=name) for name in ("a", "b", "c")}


def test_the_schedule_by_hand():
    assert "".join(schedule({"a": 3, "b": 1}, 8)) == "aabaaaba"
    assert "".join(schedule({"a": 1, "b": 1, "c": 1}, 6)) == "abcabc"


@pytest.mark.parametrize("weights", [{"a": 5, "b": 3, "c": 2}, {"a": 0.7, "b": 0.2, "c": 0.1}, {"a": 1, "b": 1000}])
def test_every_stretch_holds_its_shares(weights: dict[str, float]):
    names, total = schedule(weights, 2000), sum(weights.values())
    for start, size in ((0, 100), (137, 500), (0, 2000)):
        counts = Counter(names[start : start + size])
        assert all(abs(counts[name] - size * w / total) <= 2 for name, w in weights.items())


def test_a_longer_schedule_begins_like_a_shorter_one():
    weights = {"a": 0.35, "b": 0.55, "c": 0.1}
    assert schedule(weights, 300)[:77] == schedule(weights, 77)
    assert schedule(weights, 0) == []


def test_a_domain_of_no_weight_never_comes():
    assert set(schedule({"a": 1, "b": 0}, 50)) == {"a"}


def test_it_does_not_matter_where_the_stream_is_cut():
    weights = {"a": 5, "b": 3, "c": 2}
    whole = draw(DOMAINS, weights, seed=1, start=0, n=10)
    parts = [draw(DOMAINS, weights, seed=1, start=start, n=n) for start, n in ((0, 4), (4, 6))]
    assert list(whole) == [*parts[0], *parts[1]]
    single = [draw(DOMAINS, weights, seed=1, start=i, n=1)[0] for i in range(10)]
    assert list(whole) == single


def test_each_domain_is_read_in_its_own_order_without_gaps():
    drawn = draw(DOMAINS, {"a": 5, "b": 3, "c": 2}, seed=1, start=0, n=20)
    for name, count in (("a", 10), ("b", 6), ("c", 4)):
        assert [p.id for p in drawn if p.domain == name] == [f"{name}/train/1/{i}" for i in range(count)]


def test_the_split_can_be_chosen():
    (problem,) = draw(DOMAINS, {"b": 1}, seed=2, start=3, n=1, split="validation")
    assert problem.id == "b/validation/2/3"
