from __future__ import annotations

import math
import time
from collections import Counter
from itertools import islice

import pytest

from fakes import Numbered
from ponder.stages.mixture import InOrder, Mixture, epoch_steps, order, schedule, tempered
from ponder.types import PonderError

DOMAINS = {name: Numbered(name=name) for name in ("a", "b", "c")}


def first(weights: dict[str, float], n: int) -> list[str]:
    return list(islice(schedule(weights), n))


def finite(size: int, seed: int = 1) -> Mixture:
    return Mixture({"a": Numbered(name="a", count=size)}, {"a": 1}, seed=seed)


def indices(mixture: Mixture, start: int, n: int) -> list[int]:
    return [int(p.id.rsplit("/")[-1]) for p in mixture.draw(start, n)]


def test_the_schedule_by_hand():
    assert "".join(first({"a": 3, "b": 1}, 8)) == "aabaaaba"
    assert "".join(first({"a": 1, "b": 1, "c": 1}, 6)) == "abcabc"


@pytest.mark.parametrize("weights", [{"a": 5, "b": 3, "c": 2}, {"a": 0.7, "b": 0.2, "c": 0.1}, {"a": 1, "b": 1000}])
def test_every_stretch_holds_its_shares(weights: dict[str, float]):
    names, total = first(weights, 2000), sum(weights.values())
    for start, size in ((0, 100), (137, 500), (0, 2000)):
        counts = Counter(names[start : start + size])
        assert all(abs(counts[name] - size * w / total) <= 2 for name, w in weights.items())


def test_a_domain_of_no_weight_never_comes():
    assert set(first({"a": 1, "b": 0}, 50)) == {"a"}


def test_temperature_by_hand():
    assert tempered({"a": 9, "b": 1}, 2) == {"a": 3.0, "b": 1.0}
    assert tempered({"a": 8, "b": 27}, 3) == pytest.approx({"a": 2.0, "b": 3.0})
    assert tempered({"a": 0.1, "b": 7}, math.inf) == {"a": 1.0, "b": 1.0}


def test_temperature_one_keeps_weights_to_the_bit():
    weights = {"a": 0.1, "b": 1 / 3, "c": 1e-300}
    assert tempered(weights) == weights


def test_a_mixture_at_temperature_two():
    names = [p.domain for p in Mixture(DOMAINS, {"a": 9, "b": 1}, seed=1, temperature=2).draw(0, 8)]
    assert "".join(names) == "aabaaaba"


def test_it_does_not_matter_where_the_stream_is_cut_nor_what_was_asked_before():
    weights = {"a": 5, "b": 3, "c": 2}
    whole = Mixture(DOMAINS, weights, seed=1).draw(0, 10)
    mixture = Mixture(DOMAINS, weights, seed=1)
    assert [*mixture.draw(0, 4), *mixture.draw(4, 6)] == whole
    assert [mixture.draw(i, 1)[0] for i in reversed(range(10))] == whole[::-1]
    assert mixture.draw(7, 0) == []
    assert [p for index in range(5) for p in InOrder(mixture, 2).source(index)] == whole


def test_each_domain_is_read_in_its_own_order_without_gaps():
    drawn = Mixture(DOMAINS, {"a": 5, "b": 3, "c": 2}, seed=1).draw(0, 20)
    for name, count in (("a", 10), ("b", 6), ("c", 4)):
        assert [p.id for p in drawn if p.domain == name] == [f"{name}/train/1/{i}" for i in range(count)]


def test_the_split_can_be_chosen():
    (problem,) = Mixture(DOMAINS, {"b": 1}, seed=2, split="validation").draw(3, 1)
    assert problem.id == "b/validation/2/3"


def test_reading_on_costs_what_is_read():
    mixture = Mixture(DOMAINS, {"a": 1, "b": 1}, seed=0)
    mixture.turns(300_000, 1)
    began = time.perf_counter()
    for step in range(100):
        mixture.turns(300_001 + step, 1)
    assert time.perf_counter() - began < 0.1, "each would take .1 s if it counted from 0"


def test_a_domain_is_asked_for_neighbours_at_once():
    asked: list[tuple[int, int]] = []

    class Listening(Numbered):
        def problems(self, split: str, *, seed: int, n: int, start: int = 0):
            asked.append((start, n))
            return super().problems(split, seed=seed, n=n, start=start)

    mixture = Mixture({"a": Listening(name="a"), "b": Numbered(name="b")}, {"a": 1, "b": 1}, seed=0)
    mixture.draw(4, 6)
    found = mixture.fetch([("a", 7), ("a", 8), ("b", 0), ("a", 2)])
    assert asked == [(2, 3), (7, 2), (2, 1)]
    assert [p.id for p in found] == ["a/train/0/7", "a/train/0/8", "b/train/0/0", "a/train/0/2"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("batch", [1, 3, 4])
def test_each_epoch_holds_each_problem_once_whatever_the_batch(size: int, batch: int):
    mixture = finite(size)
    read = [i for step in range(-(-5 * size // batch)) for i in indices(mixture, step * batch, batch)]
    for epoch in range(5):
        assert sorted(read[epoch * size : (epoch + 1) * size]) == list(range(size))


def test_the_first_epoch_is_the_stream_and_later_ones_have_orders_of_their_own():
    mixture = finite(20)
    epochs = [indices(mixture, 20 * epoch, 20) for epoch in range(4)]
    assert epochs[0] == list(range(20))
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert indices(finite(20, seed=2), 20, 20) != epochs[1]


def test_a_problem_has_one_id_and_one_content_in_all_epochs():
    questions: dict[str, set[str]] = {}
    for problem in finite(6).draw(0, 30):
        questions.setdefault(problem.id, set()).add(problem.question)
    assert len(questions) == 6 and all(len(found) == 1 for found in questions.values())


@pytest.mark.parametrize("size", [1, 2, 5, 6, 33])
def test_no_problem_comes_twice_within_half_an_epoch(size: int):
    read = [number for epoch in range(6) for number in order(size, 3, epoch)]
    window = size // 2 + 1
    assert all(len(set(read[i : i + window])) == window for i in range(len(read) - window))


def test_finite_and_endless_domains_mix():
    domains = {"a": Numbered(name="a", count=2), "b": Numbered(name="b")}
    ids = [p.id for p in Mixture(domains, {"a": 1, "b": 1}, seed=0).draw(0, 12)]
    assert sorted(ids[::2]) == sorted(["a/train/0/0", "a/train/0/1"] * 3)
    assert ids[1::2] == [f"b/train/0/{i}" for i in range(6)]


def test_a_domain_without_problems_is_refused():
    with pytest.raises(PonderError) as raised:
        finite(0)
    assert str(raised.value) == "domains.a: has no problems in its train split; leave it out of training"


@pytest.mark.parametrize(
    ("size", "epochs", "batch", "steps"), [(10, 1, 5, 2), (10, 1, 4, 3), (10, 3, 4, 8), (1, 2, 8, 1), (0, 1, 8, 1)]
)
def test_steps_of_one_domain_are_epochs_by_size_by_batch(size: int, epochs: int, batch: int, steps: int):
    assert epoch_steps({"a": 1.0}, {"a": size}, epochs=epochs, batch=batch) == steps


def test_steps_of_a_mixture_cover_the_domain_that_takes_longest():
    assert epoch_steps({"a": 3, "b": 1}, {"a": 3, "b": 1}, epochs=2, batch=1) == 8
    assert epoch_steps({"a": 1, "b": 1}, {"a": 3, "b": 1}, epochs=1, batch=1) == 5, "a b a b a"


def test_epochs_of_a_domain_without_end_are_refused():
    with pytest.raises(PonderError) as raised:
        epoch_steps({"a": 1, "b": 1}, {"a": 3, "b": None}, epochs=2, batch=1)
    assert str(raised.value) == "epochs = 2: domain 'b' makes problems without end; give steps instead"
