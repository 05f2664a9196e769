"""House rules that a request is held against: six clauses, an exception and a priority; as they are, or drawn."""

from __future__ import annotations

from functools import cache
from itertools import product
from random import Random
from typing import NamedTuple

ROLES: tuple[str, ...] = ("guest", "member", "staff")
LABELS: tuple[str, ...] = ("sealed", "red", "green", "blue")
OUTCOMES: tuple[str, ...] = ("comply", "refuse", "part")
CASES = tuple(product(ROLES, LABELS))
"""Who can ask, and for what."""

Case = tuple[str, str]


class Clause(NamedTuple):
    """One house rule; its id is `k` and its number, from 1."""

    subject: str
    """A role or a label: it is about who asks, or about what is asked for."""
    outcome: str
    """Comply, refuse or comply in part."""
    exception: str = ""
    """A label or a role that it is not about."""
    above: int = 0
    """Number of a clause before it that it goes before; 0 for none."""

    def holds(self, case: Case) -> bool:
        """Whether it is about this case."""
        return self.subject in case and self.exception not in case


Rules = tuple[Clause, ...]

HOUSE: Rules = (
    Clause("sealed", "refuse", exception="staff"),
    Clause("guest", "refuse"),
    Clause("red", "part"),
    Clause("member", "part"),
    Clause("green", "comply", above=2),
    Clause("staff", "comply"),
)
"""The fixed ones: each decides two of the twelve cases, and each outcome is that of four."""

NEIGHBOUR: Rules = (
    Clause("green", "refuse"),
    Clause("member", "comply"),
    Clause("guest", "part", exception="blue"),
    Clause("red", "comply", above=2),
    Clause("sealed", "refuse"),
    Clause("blue", "part"),
)
"""Of another house, for practice in knowing rules by heart: in each of the twelve cases another outcome."""


def path(rules: Rules, case: Case) -> tuple[int, ...]:
    """Numbers of the clauses to look at, in order: up to the first that holds, then one above that, if any."""
    first = next((n for n, clause in enumerate(rules, 1) if clause.holds(case)), len(rules))
    return (*range(1, first + 1), *(n for n, clause in enumerate(rules, 1) if clause.above == first))


def deciding(rules: Rules, case: Case) -> int:
    """Number of the clause that decides: the last of its path that holds; 0 where none does."""
    return next((n for n in reversed(path(rules, case)) if rules[n - 1].holds(case)), 0)


def decided_by(rules: Rules, number: int) -> list[Case]:
    """The cases that a clause decides."""
    return [case for case in CASES if deciding(rules, case) == number]


def excepted(rules: Rules) -> list[Case]:
    """The cases in which a clause that would decide is not about them because of its exception."""
    looked = ((case, rules[n - 1]) for case in CASES for n in path(rules, case))
    return [case for case, clause in looked if clause.subject in case and clause.exception in case]


def is_benign(rules: Rules, case: Case) -> bool:
    """Whether a clause complies though one that refuses is about who asks or what is asked for: a look-alike."""
    warned = any(clause.outcome == "refuse" and clause.subject in case for clause in rules)
    return warned and outcome(rules, case) == "comply"


def drawn_rules(rng: Random) -> Rules:
    """Other clauses, of which each decides something, and one decides every case."""
    while True:
        rules = _any_rules(rng)
        if {deciding(rules, case) for case in CASES} == set(range(1, len(rules) + 1)):
            return rules


@cache
def neighbour(number: int) -> Rules:
    """Rules of another house, the first of them `NEIGHBOUR`; all come to another outcome than these in every case."""
    if number == 1:
        return NEIGHBOUR
    rng = Random(f"neighbour {number}")
    while True:
        rules = drawn_rules(rng)
        if not any(outcome(rules, case) == outcome(HOUSE, case) for case in CASES):
            return rules


def outcome(rules: Rules, case: Case) -> str:
    """What the clause that decides comes to."""
    return rules[deciding(rules, case) - 1].outcome


def _any_rules(rng: Random) -> Rules:
    """Two clauses of each outcome; one has an exception, and one goes before another of the other kind."""
    subjects = rng.sample((*ROLES, *LABELS), len(HOUSE))
    outcomes = rng.sample([clause.outcome for clause in HOUSE], len(HOUSE))
    excepting = rng.randrange(len(HOUSE))
    pairs = [(a, b) for b in range(len(HOUSE)) for a in range(b) if (subjects[a] in ROLES) != (subjects[b] in ROLES)]
    below, above = rng.choice(pairs)
    exception = rng.choice(LABELS if subjects[excepting] in ROLES else ROLES)
    return tuple(
        Clause(subject, outcome, exception if n == excepting else "", below + 1 if n == above else 0)
        for n, (subject, outcome) in enumerate(zip(subjects, outcomes, strict=True))
    )
