"""What every domain keeps to."""

from __future__ import annotations

import pickle
import re

import pytest

from ponder.domains.splits import SPLITS, content_hash
from ponder.stages.mixture import Mixture
from ponder.types import Domain, PonderError, Problem


class DomainContract:
    """Inherited by the tests of every kind of domain."""

    many = 150
    """Problems of each split that are compared by content."""
    shared = 0.1
    """Largest share of contents that neighbouring seeds may have in common."""

    def domain(self) -> Domain:
        """A fresh object, always of the same configuration."""
        raise NotImplementedError

    def few(self) -> list[Problem]:
        return self.domain().problems("train", seed=3, n=8)

    def test_it_is_a_domain(self) -> None:
        assert isinstance(self.domain(), Domain)

    def test_a_problem_depends_on_split_seed_and_index_only(self) -> None:
        domain = self.domain()
        later = domain.problems("train", seed=3, n=2, start=5)
        assert later == self.few()[5:7]
        assert domain.problems("train", seed=3, n=8) == self.few()

    def test_splits_are_disjoint_by_content(self) -> None:
        first, second, third = (self.contents(split, 0, self.many) for split in SPLITS)
        assert not (first & second or first & third or second & third)

    def test_neighbouring_seeds_share_few_contents(self) -> None:
        one, other = (self.contents("train", seed, 40) for seed in (42, 43))
        assert len(one & other) <= self.shared * min(len(one), len(other))

    def test_ids_are_unique_and_say_where_a_problem_comes_from(self) -> None:
        domain = self.domain()
        problems = [p for split in SPLITS for seed in (0, 1) for p in domain.problems(split, seed=seed, n=5)]
        assert len({p.id for p in problems}) == len(problems)
        assert problems[0].id == f"{domain.name}/train/0/0"
        assert {(p.domain, p.split) for p in problems} == {(domain.name, split) for split in SPLITS}

    def test_a_problem_asks_and_has_an_answer(self) -> None:
        assert all(p.question.strip() and p.reference.strip() for p in self.few())

    def test_worked_thinking_ends_in_the_reference(self) -> None:
        domain = self.domain()
        for problem in self.few():
            worked, end = domain.worked(problem), problem.reference
            end = end.split()[-1] if "\n" in end else end  # a text of several lines says more than its thinking does
            assert worked is None or re.search(rf"(?<![-0-9A-Za-z]){re.escape(end)}[.]?$", worked)

    def test_problems_survive_pickling(self) -> None:
        assert pickle.loads(pickle.dumps(self.few())) == self.few()

    def test_no_problems_is_an_empty_list(self) -> None:
        assert self.domain().problems("train", seed=0, n=0) == []

    def test_a_split_has_as_many_problems_as_its_size(self) -> None:
        domain = self.domain()
        for split in SPLITS:
            size = domain.size(split)
            if size is None:
                assert len(domain.problems(split, seed=0, n=1, start=10**6)) == 1
            else:
                assert len(self.contents(split, 0, size)) == size
                with pytest.raises(PonderError, match="ask for fewer"):
                    domain.problems(split, seed=0, n=1, start=size)

    def test_seeds_of_a_finite_split_order_the_same_problems(self) -> None:
        size = self.domain().size("validation")
        if size is not None:
            assert self.contents("validation", 1, size) == self.contents("validation", 2, size)

    def test_an_unknown_split_is_refused(self) -> None:
        for ask in (self.domain().size, lambda split: self.domain().problems(split, seed=0, n=1)):
            with pytest.raises(PonderError, match="split = 'dev': must be one of train, validation, test"):
                ask("dev")

    def test_an_epoch_holds_each_problem_once(self) -> None:
        domain = self.domain()
        mixture = Mixture({domain.name: domain}, {domain.name: 1}, seed=4, split="validation")
        size = domain.size("validation") or 20
        first, second = ([p.id for p in mixture.draw(start, size)] for start in (0, size))
        assert len(set(first)) == size
        assert first == [p.id for p in domain.problems("validation", seed=4, n=size)]
        assert (set(first) == set(second)) == (domain.size("validation") is not None) and first != second

    def contents(self, split: str, seed: int, n: int) -> set[str]:
        return {content_hash(p.question) for p in self.domain().problems(split, seed=seed, n=n)}
