"""Which problem comes next: domains by weight, each read in the order of its own stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ponder.types import Domain, Problem


def schedule(weights: Mapping[str, float], n: int) -> list[str]:
    """The first `n` domain names of an endless sequence in which every stretch holds its share of each.

    Smooth weighted round-robin: each turn all gain their weight, the richest is taken and pays the total.
    """
    credit = dict.fromkeys(weights, 0.0)
    chosen = []
    for _ in range(n):
        for name, weight in weights.items():
            credit[name] += weight
        richest = max(credit, key=lambda name: credit[name])
        credit[richest] -= sum(weights.values())
        chosen.append(richest)
    return chosen


def draw(
    domains: Mapping[str, Domain], weights: Mapping[str, float], *, seed: int, start: int, n: int, split: str = "train"
) -> Sequence[Problem]:
    """Problems number `start` to `start + n - 1` of the mixture."""
    names = schedule(weights, start + n)
    streams = {}
    for name in weights:
        before = names[:start].count(name)
        count = names[start:].count(name)
        streams[name] = iter(domains[name].problems(split, seed=seed, n=count, start=before) if count else [])
    return [next(streams[name]) for name in names[start:]]
