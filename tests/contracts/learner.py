"""What holds for every learner, asked on the tiny model and compared with plain autograd in transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from contracts.sampler import reference
from ponder.types import Branch, Learner, Lesson, PonderError

Weights = Mapping[str, Tensor]


def branch(tokens: Sequence[int], advantage: float, *, weight: float = 1 / 16, sampled: float = -5.5) -> Branch:
    """A branch whose sampled log probabilities rise by 0.1 from `sampled`."""
    logprobs = tuple(sampled + 0.1 * t for t in range(len(tokens)))
    return Branch(tokens=tuple(tokens), weight=weight, advantage=advantage, logprobs=logprobs)


GROUP = Lesson(
    prompt=(10, 11, 12, 13, 14),
    branches=(branch([20], 1.5), branch([21, 22, 23, 256], -0.5), branch([20, 31, 32, 33, 34, 35], 0.25)),
)
"""Branches of 1, 4 and 6 tokens after one prompt."""
PAIR = Lesson(prompt=(50,), branches=(branch([60, 61], -1.0), branch([62, 63, 256], 2.0)))
"""A group with a prompt of one token."""
EXAMPLE = Lesson(prompt=(70, 71), branches=(Branch(tokens=(80, 81, 82, 256), weight=0.25),))
"""A supervised example: no log probabilities were recorded."""


def separate(lessons: Sequence[Lesson]) -> list[Lesson]:
    """The same branches, a lesson each."""
    return [Lesson(prompt=lesson.prompt, branches=(one,)) for lesson in lessons for one in lesson.branches]


def textbook(folder: Path, lessons: Sequence[Lesson], loss: str) -> tuple[float, dict[str, Tensor]]:
    """Loss and gradients by autograd on the full logits of each text."""
    model = reference(folder)
    total = torch.zeros(())
    for single in separate(lessons):
        prompt, one = single.prompt, single.branches[0]
        ids = torch.tensor([[*prompt, *one.tokens]])
        logprobs_TV = model(ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        logprobs_T = logprobs_TV[torch.arange(len(one.tokens)), torch.tensor(one.tokens)]
        if loss == "reinforce":
            logprobs_T = (logprobs_T - torch.tensor(one.logprobs)).exp()
        total = total - one.weight * one.advantage * logprobs_T.sum()
    total.backward()
    return total.item(), {name: p.grad for name, p in model.named_parameters()}


def assert_same(found: Weights, expected: Weights, *, atol: float) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=atol, rtol=1e-4, msg=lambda m, name=name: f"{name}: {m}")


class LearnerContract:
    """Inherited by the tests of every learner."""

    def learner(self, folder: Path, *, micro_tokens: int = 2048) -> Learner:
        """A fresh learner of the model in `folder`, in fp32, that does not clip."""
        raise NotImplementedError

    def weights(self, learner: Learner) -> Weights:
        """A copy of the policy's weights."""
        raise NotImplementedError

    def gradient(self, learner: Learner, lessons: Sequence[Lesson], loss: str) -> Weights:
        """Of the loss, at the learner's weights; the learner may step on the way."""
        raise NotImplementedError

    def test_it_is_a_learner(self, tiny: Path):
        assert isinstance(self.learner(tiny), Learner)

    @pytest.mark.parametrize(
        ("loss", "lessons"), [("reinforce", [GROUP, PAIR]), ("likelihood", [GROUP, EXAMPLE, PAIR])]
    )
    def test_loss_and_gradient_are_those_of_the_textbook(self, tiny: Path, loss: str, lessons: list[Lesson]):
        expected, gradients = textbook(tiny, lessons, loss)
        assert_same(self.gradient(self.learner(tiny), lessons, loss), gradients, atol=1e-6)
        metrics = self.learner(tiny).step(lessons, loss=loss, learning_rate=0.0)
        assert metrics["loss"] == pytest.approx(expected, rel=1e-5)
        norm = sum(float((g.double() ** 2).sum()) for g in gradients.values()) ** 0.5
        assert metrics["grad_norm"] == pytest.approx(norm, rel=1e-4)

    def test_a_packed_group_learns_as_separate_texts_do(self, tiny: Path):
        packed = self.gradient(self.learner(tiny), [GROUP, PAIR], "reinforce")
        apart = self.gradient(self.learner(tiny), separate([PAIR, GROUP]), "reinforce")
        assert_same(packed, apart, atol=1e-6)

    def test_the_size_of_a_micro_batch_does_not_matter(self, tiny: Path):
        lessons = [GROUP, PAIR, EXAMPLE]
        sizes = [self.gradient(self.learner(tiny, micro_tokens=n), lessons, "likelihood") for n in (1, 20, 2048)]
        for other in sizes[1:]:
            assert_same(other, sizes[0], atol=1e-5)

    def test_advantage_zero_changes_nothing(self, tiny: Path):
        learner = self.learner(tiny)
        before = self.weights(learner)
        lesson = Lesson(prompt=(1, 2), branches=(branch([3, 4], 0.0), branch([5], 0.0)))
        learner.step([lesson], loss="reinforce", learning_rate=0.1)
        assert_same(self.weights(learner), before, atol=0.0)

    def test_learning_rate_zero_changes_nothing(self, tiny: Path):
        learner = self.learner(tiny)
        before = self.weights(learner)
        learner.step([GROUP], loss="reinforce", learning_rate=0.0)
        assert_same(self.weights(learner), before, atol=0.0)

    def test_a_repeated_batch_is_learned(self, tiny: Path):
        learner = self.learner(tiny)
        losses = [learner.step([EXAMPLE], loss="likelihood", learning_rate=0.01)["loss"] for _ in range(12)]
        assert losses[0] == pytest.approx(5.5, abs=1.0) and losses[-1] < 0.5 * losses[0]

    def test_save_and_load_continue_to_the_same_bytes(self, tiny: Path, tmp_path: Path):
        one, other = self.learner(tiny), self.learner(tiny)
        one.step([GROUP], loss="reinforce", learning_rate=0.01)
        one.save(tmp_path)
        other.load(tmp_path)
        assert_bytes(self.weights(other), self.weights(one))
        metrics = [learner.step([PAIR, EXAMPLE], loss="likelihood", learning_rate=0.02) for learner in (one, other)]
        assert metrics[0] == metrics[1]
        assert_bytes(self.weights(other), self.weights(one))

    def test_loading_undoes_what_came_after_the_save(self, tiny: Path, tmp_path: Path):
        learner, fresh = self.learner(tiny), self.learner(tiny)
        learner.save(tmp_path)
        learner.step([PAIR], loss="reinforce", learning_rate=0.01)
        learner.load(tmp_path)
        for each in (learner, fresh):
            each.step([GROUP], loss="reinforce", learning_rate=0.01)
        assert_bytes(self.weights(learner), self.weights(fresh))

    def test_diverging_is_the_users_mistake_and_changes_nothing(self, tiny: Path):
        learner = self.learner(tiny)
        before = self.weights(learner)
        lesson = Lesson(prompt=(1, 2), branches=(branch([3, 4], 1.0, sampled=-1e6),))
        with pytest.raises(PonderError, match=r"training has diverged; lower learning_rate \(now 0\.1\)"):
            learner.step([lesson], loss="reinforce", learning_rate=0.1)
        assert_bytes(self.weights(learner), before)

    def test_metrics_are_surprise_tokens_and_the_gap_to_the_sampler(self, tiny: Path):
        model = reference(tiny)
        found = self.learner(tiny).step([PAIR], loss="reinforce", learning_rate=0.0)
        with torch.no_grad():
            texts = [torch.tensor([[*PAIR.prompt, *one.tokens]]) for one in PAIR.branches]
            logprobs = [model(ids).logits[0, :-1].log_softmax(-1).gather(-1, ids[0, 1:, None])[:, 0] for ids in texts]
        learned, sampled = torch.cat(logprobs), torch.tensor([p for one in PAIR.branches for p in one.logprobs or ()])
        assert found["learned_tokens"] == 5
        assert found["surprise"] == pytest.approx(-learned.mean().item(), rel=1e-5)
        assert found["logprob_gap"] == pytest.approx((learned - sampled).abs().mean().item(), rel=1e-4)
        assert found["logprob_gap_max"] == pytest.approx((learned - sampled).abs().max().item(), rel=1e-4)
        assert "logprob_gap" not in self.learner(tiny).step([EXAMPLE], loss="likelihood", learning_rate=0.0)


def assert_bytes(found: Weights, expected: Weights) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
