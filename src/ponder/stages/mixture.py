"""Which problem comes next: domains by weight, each read in the order of its own stream, epoch after epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, islice

from ponder.streams import stream
from ponder.types import Domain, PonderError, Problem, Rollout

Place = tuple[str, int]
"""A domain's name, and the number of a problem in its stream."""


def tempered(weights: Mapping[str, float], temperature: float = 1.0) -> dict[str, float]:
    """weight^(1 / temperature), to which shares are proportional: 1 keeps the weights, infinity makes them equal.

    Multilingual sampling (arXiv:1911.02116), whose exponent alpha is 1 / temperature and whose weights are sizes.
    """
    assert temperature >= 1, "a mixture's temperature is at least 1"
    return {name: float(weight) ** (1.0 / temperature) for name, weight in weights.items()}


def schedule(weights: Mapping[str, float]) -> Iterator[str]:
    """Domain names without end, of which every stretch holds its share of each.

    Smooth weighted round-robin: each turn all gain their weight, the richest is taken and pays the total.
    """
    credit = dict.fromkeys(weights, 0.0)
    total = sum(weights.values())
    while True:
        for name, weight in weights.items():
            credit[name] += weight
        richest = max(credit, key=lambda name: credit[name])
        credit[richest] -= total
        yield richest


def epoch_steps(weights: Mapping[str, float], sizes: Mapping[str, int | None], *, epochs: int, batch: int) -> int:
    """Steps of `batch` problems until every problem of every domain has come at least `epochs` times.

    For a single domain ceil(epochs * size / batch). In a mixture the domain that is largest for its share decides, and
    smaller ones begin again meanwhile. Raises PonderError for a domain without end.
    """
    missing: Counter[str] = Counter()
    for name in weights:
        size = sizes[name]
        if size is None:
            raise PonderError(f"epochs = {epochs}: domain {name!r} makes problems without end; give steps instead")
        missing[name] = epochs * size
    for turns, name in enumerate(schedule(weights), start=1):
        missing[name] -= 1
        if missing[name] <= 0 and all(count <= 0 for count in missing.values()):
            return -(-turns // batch)
    raise AssertionError("a schedule has no end")


@lru_cache(maxsize=64)
def order(size: int, seed: int, epoch: int) -> Sequence[int]:
    """In which order an epoch reads the numbers 0 to `size - 1`: the first as they come, later ones shuffled.

    Either half is shuffled within itself, so that no problem comes twice within size // 2 + 1 in a row, not even where
    one epoch ends and the next begins.
    """
    if epoch == 0:
        return range(size)
    random = stream("epoch", seed, epoch)
    first, second = list(range(size // 2)), list(range(size // 2, size))
    random.shuffle(first)
    random.shuffle(second)
    return (*first, *second)


class Mixture:
    """Problems of several domains without end; which one comes at a position depends on the position alone.

    A domain of finite size is read epoch after epoch: each problem once in each, under the same id. Weights are always
    written down and never taken from sizes: a recipe then says what it mixes, and some domains have no size.
    """

    def __init__(
        self,
        domains: Mapping[str, Domain],
        weights: Mapping[str, float],
        *,
        seed: int,
        temperature: float = 1.0,
        split: str = "train",
    ) -> None:
        """Raises PonderError for a domain that has no problems in the split."""
        self.domains = {name: domains[name] for name in weights}
        self.sizes = {name: domain.size(split) for name, domain in self.domains.items()}
        for name, size in self.sizes.items():
            if size == 0:
                raise PonderError(f"domains.{name}: has no problems in its {split} split; leave it out of training")
        self.seed = seed
        self.split = split
        self._weights = tempered(weights, temperature)
        self._rewind()

    def draw(self, start: int, n: int) -> list[Problem]:
        """Problems number `start` to `start + n - 1` of the mixture."""
        return self.fetch([(name, self.number(name, position)) for name, position in self.turns(start, n)])

    def turns(self, start: int, n: int) -> list[Place]:
        """Turns number `start` to `start + n - 1`: whose it is, and how many that domain has had before.

        The cost is that of the turns since those asked for last; only going back counts from the beginning.
        """
        if start < self._read:
            self._rewind()
        ahead = start - self._read
        self._read = start + n
        return list(islice(self._turns, ahead, ahead + n))

    def number(self, name: str, position: int) -> int:
        """The number, in a domain's stream, of the problem that it gives as its own number `position` in training."""
        size = self.sizes[name]
        if size is None:
            return position
        epoch, place = divmod(position, size)
        return order(size, self.seed, epoch)[place]

    def fetch(self, places: Sequence[Place]) -> list[Problem]:
        """The problems at these places; a domain is asked for neighbours at once, as some take long to begin."""
        numbers = {name: [number for other, number in places if other == name] for name in self.domains}
        found = {name: self._fetch(name, asked) for name, asked in numbers.items()}
        return [next(found[name]) for name, _ in places]

    def _fetch(self, name: str, numbers: Sequence[int]) -> Iterator[Problem]:
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            together = [number for _, number in run]
            yield from self.domains[name].problems(self.split, seed=self.seed, n=len(together), start=together[0])

    def _rewind(self) -> None:
        self._turns = self._endless_turns()
        self._read = 0

    def _endless_turns(self) -> Iterator[Place]:
        had: Counter[str] = Counter()
        for name in schedule(self._weights):
            yield name, had[name]
            had[name] += 1


class InOrder:
    """Gives each step the next problems of a mixture, whatever came of those before."""

    def __init__(self, mixture: Mixture, problems: int) -> None:
        """`problems`: how many a step."""
        self.mixture = mixture
        self.problems = problems

    def source(self, index: int) -> list[Problem]:
        """The problems of step `index`."""
        return self.mixture.draw(index * self.problems, self.problems)

    def learned(self, index: int, rollouts: Sequence[Rollout]) -> None:
        """Nothing follows from them."""
