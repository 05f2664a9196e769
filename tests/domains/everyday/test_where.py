import re

from contracts.domain import DomainContract
from ponder.domains.everyday.where import Where


class TestWhere(DomainContract):
    def domain(self) -> Where:
        return Where("where", depth=(2, 4))


def test_the_answer_follows_the_swaps():
    for problem in Where("where", depth=(1, 6)).problems("train", seed=0, n=200):
        holder = re.findall(r"in (\w+)'s bag", problem.question)[0]
        for one, other in re.findall(r"(\w+) and (\w+) swap", problem.question):
            holder = {one: other, other: one}.get(holder, holder)
        assert problem.reference == holder


def test_the_key_stays_with_nobody_in_particular():
    problems = Where("where", depth=3).problems("train", seed=0, n=1000)
    stayed = sum(f"in {p.reference}'s bag" in p.question for p in problems)
    last = sum(re.findall(r"(\w+) swap", p.question)[-1] == p.reference for p in problems)
    assert 280 < stayed < 390 and 280 < last < 390
