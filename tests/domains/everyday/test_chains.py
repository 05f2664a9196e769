import re

import pytest

from contracts.domain import DomainContract
from ponder.domains.everyday.chains import Chains
from ponder.types import PonderError


class TestChains(DomainContract):
    def domain(self) -> Chains:
        return Chains("chains", depth=(2, 4))


def test_a_chain_by_hand():
    domain = Chains("chains", depth=3, limit=10)
    (problem,) = domain.problems("train", seed=0, n=1)
    assert (problem.question, problem.reference, problem.difficulty) == ("3+4-6+8=?", "9", 3.0)
    assert domain.worked(problem) == "3+4=7\n7-6=1\n1+8=9"


@pytest.mark.parametrize("limit", [4, 10, 100])
def test_every_step_is_small_and_right(limit: int):
    domain = Chains("chains", depth=(1, 6), limit=limit)
    for problem in domain.problems("train", seed=0, n=200):
        lines = (domain.worked(problem) or "").splitlines()
        steps = [tuple(map(int, re.fullmatch(r"(\d+)([+-]\d)=(\d+)", line).groups())) for line in lines]  # pyright: ignore
        assert all(left + amount == total and 0 <= total < limit for left, amount, total in steps)
        assert [left for left, _, _ in steps[1:]] == [total for _, _, total in steps[:-1]]
        assert problem.question == f"{steps[0][0]}{''.join(f'{amount:+d}' for _, amount, _ in steps)}=?"
        assert len(steps) == problem.difficulty and steps[-1][2] == int(problem.reference)


@pytest.mark.parametrize("limit", [3, 101])
def test_a_limit_out_of_range_is_refused(limit: int):
    with pytest.raises(PonderError, match=rf"c\.limit = {limit}: must lie within 4 and 100"):
        Chains("c", limit=limit)


@pytest.mark.parametrize("depth", [0, 65, (3, 2)])
def test_a_depth_out_of_range_is_refused(depth: int | tuple[int, int]):
    with pytest.raises(
        PonderError, match=r"c\.depth = .*: must be a number or \[low, high\] with 1 <= low <= high <= 64"
    ):
        Chains("c", depth=depth)
