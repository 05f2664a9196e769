"""There is no way round the depth: which words a question has, and how often, does not tell its answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ponder.domains.lab import FAMILIES, KNOWN, UNSEEN
from ponder.types import Problem

TRAINED, ASKED = 3000, 500
MARGIN = 0.07
"""Above always giving the commonest answer: three standard errors of a share of .5 among 500."""


def words(problem: Problem) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", problem.question)


def counts(problems: Sequence[Problem], known: dict[str, int]) -> Tensor:
    table = torch.zeros(len(problems), len(known))
    for row, problem in enumerate(problems):
        for word, count in Counter(words(problem)).items():
            if word in known:
                table[row, known[word]] = count
    return table


def bag_accuracy(train: Sequence[Problem], test: Sequence[Problem]) -> float:
    """Of a softmax regression on counts of words, a little ridge on its weights."""
    known = {word: index for index, word in enumerate(sorted({word for p in train for word in words(p)}))}
    answers = {answer: index for index, answer in enumerate(sorted({p.reference for p in train}))}
    x, y = counts(train, known), torch.tensor([answers[p.reference] for p in train])
    middle, spread = x.mean(0), x.std(0) + 1e-3
    weight = torch.zeros(len(answers), len(known), requires_grad=True)
    bias = torch.zeros(len(answers), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=30)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(F.linear((x - middle) / spread, weight, bias), y) + 1e-2 * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    with torch.no_grad():
        said = F.linear((counts(test, known) - middle) / spread, weight, bias).argmax(1).tolist()
    names = list(answers)
    return sum(names[one] == p.reference for one, p in zip(said, test, strict=True)) / len(test)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [4, 6])
@pytest.mark.parametrize("family", [*KNOWN, *UNSEEN], ids=lambda family: family.kind)
def test_a_bag_of_words_knows_no_more_than_the_commonest_answer(family: type, depth: int):
    domain = family("x", depth=depth)
    train, test = domain.problems("train", seed=0, n=TRAINED), domain.problems("test", seed=0, n=ASKED)
    commonest = max(Counter(p.reference for p in test).values()) / ASKED
    assert bag_accuracy(train, test) < commonest + MARGIN


@pytest.mark.slow
def test_a_bag_of_words_does_see_what_it_can_see():
    """The same classifier on one step of arithmetic, where words alone decide much."""
    domain = FAMILIES["arithmetic"]("x", depth=1)
    train, test = domain.problems("train", seed=0, n=TRAINED), domain.problems("train", seed=1, n=ASKED)
    assert bag_accuracy(train, test) > 0.2
