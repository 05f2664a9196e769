"""When votes agree: a sequential test, valid however often it is looked at, that an answer is the model's commonest.

A model answers a question with unknown probabilities p, over answers that nobody has listed. Against each answer m,
those not seen yet included, a player bets that m is not the commonest. Before each vote the rival j is the answer that
leads among all but m, and the bet pays

    2 s  where the vote is j,    2 (1 - s)  where it is m,    1  elsewhere,
    s = max(1/2, (n_j + 1) / (n_j + n_m + 5/4)),

with n the votes before. Where m is a commonest answer, p_j <= p_m, so no bet gains in expectation: the wealth is a
supermartingale that begins with 1, and reaches 1 / error with a chance of at most `error` (Ville's inequality). Who
stops once every answer but one is ruled out has ruled out a commonest one with at most that chance, whenever he looks,
and with nothing to pay for how many answers there are: only the bets against the true one can err.

One rival at a time is what PPR-1v1 does (arXiv:2109.05047), which shares its error among a known number of answers;
arXiv:2510.17472 and arXiv:2605.05873 bring such tests to the votes of language models. Adaptive-Consistency
(arXiv:2305.11860) looks at a posterior instead, whose error holds for one look. The 1 and 1/4 of s (a Beta prior, where
1/2 and 1/2 would be the bets of Krichevsky and Trofimov) were chosen among seven pairs by simulated votes, as those
that stop soonest where nine of ten votes agree: six unanimous votes will do for an error of .05, and no rule of this
kind can do with fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

FOR, AGAINST = 1.0, 0.25
"""Votes that a bet counts for the rival and against it before there are any."""


@dataclass(slots=True)
class Bets:
    """Votes so far, and what the player has against each answer; the key None stands for every answer not seen."""

    counts: dict[str, int] = field(default_factory=dict)
    """Votes of each answer, in the order in which they were first seen."""
    wealth: dict[str | None, float] = field(default_factory=lambda: {None: 1.0})
    """Now."""
    peak: dict[str | None, float] = field(default_factory=lambda: {None: 1.0})
    """At most so far: what has been ruled out once stays ruled out."""

    def copy(self) -> Bets:
        """Bets that go on by themselves."""
        return replace(self, counts=dict(self.counts), wealth=dict(self.wealth), peak=dict(self.peak))

    def add(self, vote: str) -> None:
        """One vote more."""
        if vote not in self.wealth:
            self.wealth[vote], self.peak[vote] = self.wealth[None], self.peak[None]
        first, second = ranked(self.counts)
        for answer in self.wealth:
            rival = second if answer == first else first
            if rival is not None and vote in (rival, answer):
                share = stake(self.counts[rival], self.counts.get(answer, 0) if answer is not None else 0)
                self.wealth[answer] *= 2 * (share if vote == rival else 1 - share)
                self.peak[answer] = max(self.peak[answer], self.wealth[answer])
        self.counts[vote] = self.counts.get(vote, 0) + 1

    def agreed(self, error: float) -> str | None:
        """The one answer that is not ruled out, where there is just one."""
        left = [answer for answer, most in self.peak.items() if most * error < 1]
        return left[0] if len(left) == 1 else None


def stake(rival: int, own: int) -> float:
    """Share of the money that is put on the rival, of votes so many: at least the half of it."""
    return max(0.5, (rival + FOR) / (rival + own + FOR + AGAINST))


def ranked(counts: dict[str, int]) -> tuple[str | None, str | None]:
    """The two answers with most votes; of equals the one that was seen first; None where there is none."""
    first = max(counts, key=lambda answer: counts[answer], default=None)
    others = (answer for answer in counts if answer != first)
    return first, max(others, key=lambda answer: counts[answer], default=None)


def bets_on(votes: Sequence[str]) -> Bets:
    """What the player has after these votes, in this order."""
    bets = Bets()
    for vote in votes:
        bets.add(vote)
    return bets


def agreed(votes: Sequence[str], error: float) -> str | None:
    """The answer that the votes agree on; None as long as they might be of a model that has another commonest one.

    Over all ways to look and to stop, the answer is no commonest one of the model with a chance of at most `error`.
    It says nothing of whether the model is right. The order must be one that the votes have no part in: that in which
    they were asked for, and not that in which they were finished.
    """
    return bets_on(votes).agreed(error)


def needed(votes: Sequence[str], error: float, most: int) -> int:
    """Further votes until `votes` agree, if all of them go to whoever leads; `most` where that takes more.

    So many can be drawn at once: who looks after each would not see them agree sooner.
    """
    bets = bets_on(votes)
    leader = ranked(bets.counts)[0] or ""
    for count in range(1, most):
        bets.add(leader)
        if bets.agreed(error) is not None:
            return count
    return most


def settled(counts: dict[str, int], left: int) -> bool:
    """Whether `left` more votes cannot change who has most of them."""
    first, second = ranked(counts)
    return first is not None and counts[first] - (counts[second] if second is not None else 0) > left
