"""What holds for every learner, asked on the tiny model and compared with plain autograd in transformers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from contracts.sampler import reference, teacher_forced
from ponder.objectives import LOSSES, PENALTIES, Loss, Terms
from ponder.types import Branch, Learner, Lesson, LossChoice, PonderError, Scorer

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


LIKELIHOOD = LossChoice(name="likelihood")
REINFORCE = LossChoice(name="reinforce", options={"correction": "truncate", "correction_cap": math.inf})
MOVED = Lesson(
    prompt=(10, 11, 12),
    branches=(
        Branch(
            tokens=(20, 21), weight=0.1, advantage=1.5, logprobs=(-5.0, -6.0), old=(-5.5, -5.7), reference=(-5.2, -6.0)
        ),
        Branch(
            tokens=(20, 30, 31, 32, 33),
            weight=0.05,
            advantage=-0.5,
            logprobs=(-5.4,) * 5,
            old=(-5.6, -5.3, -5.5, -5.8, -5.4),
            reference=(-5.0, -5.5, -6.0, -5.5, -5.9),
            forced=(1, 2),
        ),
    ),
)
"""A group since whose draw the policy has learned; two of its tokens were put there."""
EVERY = [
    *(LossChoice(name=name, options={"clip_low": 0.2, "clip_high": 0.1}) for name in LOSSES),
    LossChoice(name="clipped", options={"kl": 0.3, "kl_estimator": "k2", "correction": "truncate"}),
    LossChoice(name="reinforce", options={"kl": 0.3, "correction": "mask", "correction_cap": 1.3}),
    LossChoice(name="sequence_clipped", options={"kl": 0.3, "correction": "truncate", "correction_level": "sequence"}),
    LossChoice(name="weighted", options={"correction": "truncate", "correction_level": "sequence"}),
    LossChoice(name="clipped", options={"correction": "mask", "correction_level": "sequence", "correction_cap": 1.5}),
]
"""Every loss, penalty and correction."""


def textbook(
    folder: Path, lessons: Sequence[Lesson], choice: LossChoice, temperature: float = 1.0
) -> tuple[float, dict[str, Tensor]]:
    """Loss and gradients by autograd on the full logits of each text."""
    model, loss, total = reference(folder), Loss(name=choice.name, **choice.options), torch.zeros(())
    for single in separate(lessons):
        prompt, one = single.prompt, single.branches[0]
        ids, tokens = torch.tensor([[*prompt, *one.tokens]]), torch.tensor(one.tokens)
        logits_TV = model(ids).logits[0, len(prompt) - 1 : -1] / temperature
        logprobs_T = logits_TV.log_softmax(-1).gather(-1, tokens[:, None])[:, 0]
        total = total + one.weight * loss_of_text(loss, one, logprobs_T)
    total.backward()
    return total.item(), {name: p.grad for name, p in model.named_parameters()}


def loss_of_text(loss: Loss, one: Branch, logprobs_T: Tensor) -> Tensor:
    """Sum over the drawn tokens; the ratio of a whole text is differentiated as such, and not in its token form."""
    nothing = [float("nan")] * len(one.tokens)
    drawn_T = torch.tensor([t not in one.forced for t in range(len(one.tokens))])
    old_T = torch.tensor(one.old) if one.old else logprobs_T.detach()
    sampled_T, reference_T = torch.tensor(one.logprobs or nothing), torch.tensor(one.reference or nothing)
    log_ratio = (logprobs_T - old_T)[drawn_T].mean()
    terms = Terms(
        logprobs_N=logprobs_T,
        old_N=old_T,
        sampled_N=sampled_T,
        reference_N=reference_T,
        advantages_N=torch.full_like(old_T, one.advantage),
        mean_log_ratio_N=log_ratio.detach().expand_as(old_T),
        sum_log_drift_N=(old_T - sampled_T)[drawn_T].nansum().expand_as(old_T),
    )
    losses_T = replace(loss, kl=0.0)(terms)
    if loss.name == "sequence_clipped":
        ratio = log_ratio.exp()
        bounded = ratio.clamp(1 - loss.clip_low, 1 + loss.clip_high)
        losses_T = -torch.minimum(ratio * one.advantage, bounded * one.advantage) * loss.weight(terms)
    if loss.kl:
        losses_T = losses_T + loss.kl * PENALTIES[loss.kl_estimator](logprobs_T, reference_T)
    return losses_T[drawn_T].sum()


def assert_same(found: Weights, expected: Weights, *, atol: float) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=atol, rtol=1e-4, msg=lambda m, name=name: f"{name}: {m}")


class ScorerContract:
    """Inherited by the tests of everyone who says how likely continuations are."""

    def scorer(self, folder: Path, *, micro_tokens: int = 2048) -> Scorer:
        """A scorer of the model in `folder`, in fp32."""
        raise NotImplementedError

    def test_it_is_a_scorer(self, tiny: Path):
        assert isinstance(self.scorer(tiny), Scorer)

    @pytest.mark.parametrize("temperature", [1.0, 0.5])
    @pytest.mark.parametrize("micro_tokens", [12, 2048])
    def test_logprobs_are_those_of_transformers(self, tiny: Path, temperature: float, micro_tokens: int):
        lessons, model = [PAIR, MOVED, EXAMPLE], reference(tiny)
        found = self.scorer(tiny, micro_tokens=micro_tokens).logprobs(lessons, temperature=temperature)
        assert [[len(one) for one in branches] for branches in found] == [[2, 3], [2, 5], [4]]
        given = [logprobs for branches in found for logprobs in branches]
        for single, logprobs in zip(separate(lessons), given, strict=True):
            expected = teacher_forced(model, single.prompt, single.branches[0].tokens, temperature)
            torch.testing.assert_close(torch.tensor(logprobs), expected, atol=1e-5, rtol=0)

    def test_of_nothing_there_is_nothing_to_say(self, tiny: Path):
        assert self.scorer(tiny).logprobs([]) == []

    @pytest.mark.parametrize(
        "empty",
        [
            Lesson(prompt=(), branches=GROUP.branches),
            Lesson(prompt=(1,), branches=()),
            Lesson(prompt=(1,), branches=(Branch(tokens=(), weight=1.0),)),
        ],
    )
    def test_an_empty_lesson_is_a_mistake_of_the_caller(self, tiny: Path, empty: Lesson):
        with pytest.raises(AssertionError, match=r"^a (lesson|branch) has a "):
            self.scorer(tiny).logprobs([PAIR, empty])

    def test_a_text_beyond_the_context_is_the_users_mistake(self, tiny: Path):
        long = Lesson(prompt=(1,) * 2047, branches=(branch([1, 2], 1.0),))
        with pytest.raises(
            PonderError, match=r"^example of 2049 tokens, prompt and reply: the model's context is 2048"
        ):
            self.scorer(tiny).logprobs([long])


class LearnerContract(ScorerContract):
    """Inherited by the tests of every learner."""

    def learner(self, folder: Path, *, micro_tokens: int = 2048) -> Learner:
        """A fresh learner of the model in `folder`, in fp32, that does not clip."""
        raise NotImplementedError

    def weights(self, learner: Learner) -> Weights:
        """A copy of the policy's weights."""
        raise NotImplementedError

    def gradient(
        self, learner: Learner, lessons: Sequence[Lesson], loss: LossChoice, temperature: float = 1.0
    ) -> Weights:
        """Of the loss, at the learner's weights; the learner may step on the way."""
        raise NotImplementedError

    def scorer(self, folder: Path, *, micro_tokens: int = 2048) -> Scorer:
        return self.learner(folder, micro_tokens=micro_tokens)

    def test_it_is_a_learner(self, tiny: Path):
        assert isinstance(self.learner(tiny), Learner)

    @pytest.mark.parametrize("temperature", [1.0, 0.7])
    @pytest.mark.parametrize("loss", EVERY, ids=lambda choice: "-".join(map(str, (choice.name, len(choice.options)))))
    def test_every_loss_and_its_gradient_are_those_of_the_textbook(
        self, tiny: Path, loss: LossChoice, temperature: float
    ):
        expected, gradients = textbook(tiny, [MOVED], loss, temperature)
        assert_same(self.gradient(self.learner(tiny), [MOVED], loss, temperature), gradients, atol=1e-6)
        metrics = self.learner(tiny).step([MOVED], loss=loss, learning_rate=0.0, temperature=temperature)
        assert metrics["loss"] == pytest.approx(expected, rel=1e-5)
        assert metrics["learned_tokens"] == 5

    @pytest.mark.parametrize(("loss", "lessons"), [(REINFORCE, [GROUP, PAIR]), (LIKELIHOOD, [GROUP, EXAMPLE, PAIR])])
    def test_loss_and_gradient_are_those_of_the_textbook(self, tiny: Path, loss: LossChoice, lessons: list[Lesson]):
        expected, gradients = textbook(tiny, lessons, loss)
        assert_same(self.gradient(self.learner(tiny), lessons, loss), gradients, atol=1e-6)
        metrics = self.learner(tiny).step(lessons, loss=loss, learning_rate=0.0)
        assert metrics["loss"] == pytest.approx(expected, rel=1e-5)
        norm = sum(float((g.double() ** 2).sum()) for g in gradients.values()) ** 0.5
        assert metrics["grad_norm"] == pytest.approx(norm, rel=1e-4)

    def test_a_packed_group_learns_as_separate_texts_do(self, tiny: Path):
        packed = self.gradient(self.learner(tiny), [GROUP, PAIR], REINFORCE)
        apart = self.gradient(self.learner(tiny), separate([PAIR, GROUP]), REINFORCE)
        assert_same(packed, apart, atol=1e-6)

    def test_the_size_of_a_micro_batch_does_not_matter(self, tiny: Path):
        lessons = [GROUP, PAIR, EXAMPLE]
        sizes = [self.gradient(self.learner(tiny, micro_tokens=n), lessons, LIKELIHOOD) for n in (1, 20, 2048)]
        for other in sizes[1:]:
            assert_same(other, sizes[0], atol=1e-5)

    def test_advantage_zero_changes_nothing(self, tiny: Path):
        learner = self.learner(tiny)
        before = self.weights(learner)
        lesson = Lesson(prompt=(1, 2), branches=(branch([3, 4], 0.0), branch([5], 0.0)))
        learner.step([lesson], loss=REINFORCE, learning_rate=0.1)
        assert_same(self.weights(learner), before, atol=0.0)

    def test_learning_rate_zero_changes_nothing(self, tiny: Path):
        learner = self.learner(tiny)
        before = self.weights(learner)
        learner.step([GROUP], loss=REINFORCE, learning_rate=0.0)
        assert_same(self.weights(learner), before, atol=0.0)

    def test_a_repeated_batch_is_learned(self, tiny: Path):
        learner = self.learner(tiny)
        losses = [learner.step([EXAMPLE], loss=LIKELIHOOD, learning_rate=0.01)["loss"] for _ in range(12)]
        assert losses[0] == pytest.approx(5.5, abs=1.0) and losses[-1] < 0.5 * losses[0]

    def test_save_and_load_continue_to_the_same_bytes(self, tiny: Path, tmp_path: Path):
        one, other = self.learner(tiny), self.learner(tiny)
        one.step([GROUP], loss=REINFORCE, learning_rate=0.01)
        one.save(tmp_path)
        other.load(tmp_path)
        assert_bytes(self.weights(other), self.weights(one))
        metrics = [learner.step([PAIR, EXAMPLE], loss=LIKELIHOOD, learning_rate=0.02) for learner in (one, other)]
        assert metrics[0] == metrics[1]
        assert_bytes(self.weights(other), self.weights(one))

    def test_loading_undoes_what_came_after_the_save(self, tiny: Path, tmp_path: Path):
        learner, fresh = self.learner(tiny), self.learner(tiny)
        learner.save(tmp_path)
        learner.step([PAIR], loss=REINFORCE, learning_rate=0.01)
        learner.load(tmp_path)
        for each in (learner, fresh):
            each.step([GROUP], loss=REINFORCE, learning_rate=0.01)
        assert_bytes(self.weights(learner), self.weights(fresh))

    def test_diverging_is_the_users_mistake_and_changes_nothing(self, tiny: Path):
        learner = self.learner(tiny)
        before = self.weights(learner)
        lesson = Lesson(prompt=(1, 2), branches=(branch([3, 4], float("inf")),))
        with pytest.raises(PonderError, match=r"training has diverged; lower learning_rate \(now 0\.1\)"):
            learner.step([lesson], loss=REINFORCE, learning_rate=0.1)
        assert_bytes(self.weights(learner), before)

    def test_what_was_put_there_is_read_and_not_learned_from(self, tiny: Path):
        plain = Branch(tokens=(3, 4, 5), weight=1.0)
        put, other = replace(plain, forced=(0, 2)), replace(plain, tokens=(3, 4, 99), forced=(0, 2))
        found = [
            self.gradient(self.learner(tiny), [Lesson(prompt=(1,), branches=(b,))], LIKELIHOOD) for b in (put, other)
        ]
        assert_same(found[0], found[1], atol=0.0)
        longer = self.gradient(
            self.learner(tiny), [Lesson(prompt=(1, 3), branches=(replace(plain, tokens=(4,)),))], LIKELIHOOD
        )
        assert_same(found[0], longer, atol=1e-6)

    def test_metrics_are_surprise_tokens_and_the_gap_to_the_sampler(self, tiny: Path):
        model = reference(tiny)
        found = self.learner(tiny).step([PAIR], loss=REINFORCE, learning_rate=0.0)
        with torch.no_grad():
            texts = [torch.tensor([[*PAIR.prompt, *one.tokens]]) for one in PAIR.branches]
            logprobs = [model(ids).logits[0, :-1].log_softmax(-1).gather(-1, ids[0, 1:, None])[:, 0] for ids in texts]
        learned, sampled = torch.cat(logprobs), torch.tensor([p for one in PAIR.branches for p in one.logprobs or ()])
        assert found["learned_tokens"] == 5
        assert found["surprise"] == pytest.approx(-learned.mean().item(), rel=1e-5)
        assert found["logprob_gap"] == pytest.approx((learned - sampled).abs().mean().item(), rel=1e-4)
        assert found["logprob_gap_max"] == pytest.approx((learned - sampled).abs().max().item(), rel=1e-4)
        large = (learned - sampled).abs() > 0.1
        assert found["logprob_gap_share"] == pytest.approx(large.float().mean().item()) and 0 < large.sum() < 5
        assert "logprob_gap" not in self.learner(tiny).step([EXAMPLE], loss=LIKELIHOOD, learning_rate=0.0)

    def test_what_was_put_there_is_in_no_metric(self, tiny: Path):
        one = Branch(tokens=(60, 61, 62), weight=1.0, logprobs=(-5.0, -500.0, -5.0), forced=(1,))
        lesson = Lesson(prompt=(50,), branches=(one,))
        (logprobs,) = self.learner(tiny).logprobs([lesson])[0]
        found = self.learner(tiny).step([lesson], loss=LossChoice(name="clipped"), learning_rate=0.0)
        drawn = (logprobs[0], logprobs[2])
        assert found["learned_tokens"] == 2
        assert found["surprise"] == pytest.approx(-sum(drawn) / 2, rel=1e-5)
        assert found["logprob_gap_max"] == pytest.approx(max(abs(p + 5) for p in drawn), rel=1e-4)

    def test_metrics_of_a_later_update_by_hand(self, tiny: Path):
        """Ratios of 2, 2, 1/2 and 1; the sampler drew half as often as the learner; the reference is 0.3 nats below."""
        plain = Branch(tokens=(60, 61, 62, 63), weight=0.25)
        (logprobs,) = self.learner(tiny).logprobs([Lesson(prompt=(50,), branches=(plain,))])[0]
        log2 = math.log(2)
        old = tuple(p - log2 * step for p, step in zip(logprobs, (1, 1, -1, 0), strict=True))
        sampled, other = tuple(p - log2 for p in old), tuple(p - 0.3 for p in logprobs)
        lesson = Lesson(prompt=(50,), branches=(replace(plain, old=old, logprobs=sampled, reference=other),))
        options = {"kl": 1.0, "kl_estimator": "k2", "correction": "truncate", "correction_cap": 1.5}
        found = self.learner(tiny).step([lesson], loss=LossChoice(name="clipped", options=options), learning_rate=0.0)
        assert found["clip_share"] == 0.5 and found["importance_weight"] == 1.5
        assert found["kl"] == pytest.approx(0.3, abs=1e-5) and found["logprob_gap"] == pytest.approx(log2, abs=1e-5)
        assert found["loss"] == pytest.approx(-1.5 * (1.2 + 1.2 + 0.5 + 1.0) / 4 + 0.3**2 / 2, abs=1e-5)

    def test_metrics_that_nothing_was_asked_of_are_left_out(self, tiny: Path):
        found = self.learner(tiny).step([GROUP], loss=LossChoice(name="reinforce"), learning_rate=0.0)
        assert not {"clip_share", "importance_weight", "kl"} & set(found)

    def test_to_learn_nothing_is_a_mistake_of_the_caller(self, tiny: Path):
        with pytest.raises(AssertionError, match="a step has something to learn from"):
            self.learner(tiny).step([], loss=REINFORCE, learning_rate=0.1)

    def test_a_penalty_without_a_reference_is_a_mistake_of_the_caller(self, tiny: Path):
        with pytest.raises(AssertionError, match="a KL penalty has a reference"):
            self.learner(tiny).step([GROUP], loss=LossChoice(name="clipped", options={"kl": 0.1}), learning_rate=0.1)


def assert_bytes(found: Weights, expected: Weights) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
