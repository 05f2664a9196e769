from __future__ import annotations

from pathlib import Path

import torch

from contracts.learner import GROUP, PAIR, REINFORCE, ScorerContract
from ponder.engine.learner import LocalLearner
from ponder.engine.scorer import LocalScorer
from ponder.model.checkpoint import load_decoder


class TestLocalScorer(ScorerContract):
    def scorer(self, folder: Path, *, micro_tokens: int = 2048) -> LocalScorer:
        return LocalScorer(load_decoder(folder, dtype=torch.float32), micro_tokens=micro_tokens)


def test_a_scorer_of_its_own_weights_stays_where_the_policy_began(tiny: Path):
    learner = LocalLearner(load_decoder(tiny, dtype=torch.float32))
    frozen = LocalScorer(load_decoder(tiny, dtype=torch.float32))
    before = frozen.logprobs([GROUP])
    assert learner.logprobs([GROUP]) == before
    learner.step([PAIR], loss=REINFORCE, learning_rate=0.01)
    assert frozen.logprobs([GROUP]) == before != learner.logprobs([GROUP])


def test_scoring_leaves_no_gradient_behind(tiny: Path):
    learner = LocalLearner(load_decoder(tiny, dtype=torch.float32))
    learner.logprobs([GROUP, PAIR])
    assert all(weight.grad is None for weight in learner.weights.values())
