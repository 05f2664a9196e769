import re

from contracts.domain import DomainContract
from ponder.domains.everyday.coin import Coin


class TestCoin(DomainContract):
    def domain(self) -> Coin:
        return Coin("coin", depth=(2, 4))


def test_the_answer_is_the_parity_of_the_flips():
    for problem in Coin("coin", depth=(1, 6)).problems("train", seed=0, n=200):
        flips, tails = len(re.findall("flips", problem.question)), "is tails up" in problem.question
        assert problem.reference == ("tails" if (flips + tails) % 2 else "heads")


def test_neither_answer_nor_last_action_gives_it_away():
    problems = Coin("coin", depth=3).problems("train", seed=0, n=1000)
    heads = [p.reference == "heads" for p in problems]
    as_the_start = [p.question.split()[3] == p.reference for p in problems]
    flipped_last = [p.question.split("Heads")[0].endswith("it. ") == (p.reference == "tails") for p in problems]
    assert all(430 < sum(cue) < 570 for cue in (heads, as_the_start, flipped_last))
