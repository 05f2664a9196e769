from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from ponder.objectives import ADVANTAGES, CORRECTIONS, LOSSES, OBJECTIVES, PENALTIES, WEIGHTINGS, Loss, Terms
from ponder.objectives.divergence import k1, k2, k3

RATIOS = torch.tensor([0.5, 1.0, 1.1, 2.0])
"""Of four tokens of one rollout; the mean of their logs is log(1.1) / 4."""
POSITIVE, NEGATIVE = torch.ones(4), -torch.ones(4)
POLICY_LOSSES = ("reinforce", "clipped", "sequence_clipped", "weighted")


def near(found: Tensor, expected: object) -> bool:
    return torch.allclose(found, torch.as_tensor(expected), atol=1e-6)


def terms(ratios: Tensor = RATIOS, advantages: Tensor = POSITIVE, **changes: Any) -> Terms:
    old = torch.tensor([-1.0, -2.0, -3.0, -0.5])[: len(ratios)]
    logprobs = (old + ratios.log()).requires_grad_()
    nothing = torch.full_like(old, float("nan"))
    given = {"sampled_N": nothing, "reference_N": nothing, "old_N": old, "sum_log_drift_N": torch.zeros_like(old)}
    mean = ratios.log().mean().expand_as(old)
    return Terms(logprobs_N=logprobs, advantages_N=advantages, mean_log_ratio_N=mean, **given | changes)


def gradient(loss: Loss, asked: Terms) -> Tensor:
    (found,) = torch.autograd.grad(loss(asked).sum(), asked.logprobs_N)
    return found


def test_losses_by_hand():
    low, high = terms(), terms(advantages=NEGATIVE)
    assert near(Loss(name="likelihood")(low), -low.logprobs_N)
    assert near(Loss(name="reinforce")(low), [-0.5, -1.0, -1.1, -2.0])
    assert near(Loss(name="clipped")(low), [-0.5, -1.0, -1.1, -1.2])
    assert near(Loss(name="clipped")(high), [0.8, 1.0, 1.1, 2.0])
    assert near(Loss(name="clipped", clip_high=0.28)(low), [-0.5, -1.0, -1.1, -1.28])
    sequence = 1.1**0.25
    assert near(Loss(name="sequence_clipped")(low), [-sequence] * 4)
    assert near(Loss(name="sequence_clipped", clip_high=0.01)(low), [-1.01] * 4)
    expected = -torch.tensor([0.5, 1.0, 1.1, 1.2]) * low.logprobs_N
    assert near(Loss(name="weighted", clip_low=1.0)(low), expected)


def test_gradients_by_hand():
    assert near(gradient(Loss(name="reinforce"), terms()), -RATIOS)
    assert near(gradient(Loss(name="clipped"), terms()), [-0.5, -1.0, -1.1, 0.0])
    assert near(gradient(Loss(name="clipped"), terms(advantages=NEGATIVE)), [0.0, 1.0, 1.1, 2.0])
    assert near(gradient(Loss(name="weighted", clip_low=1.0), terms()), [-0.5, -1.0, -1.1, -1.2])
    assert near(gradient(Loss(name="sequence_clipped"), terms()), [-(1.1**0.25)] * 4)
    assert near(gradient(Loss(name="sequence_clipped", clip_high=0.01), terms()), [0.0] * 4)


def test_the_token_form_of_gspo_has_the_gradient_of_its_sequence_form():
    asked = terms(advantages=torch.full((4,), 2.0))
    whole = -2.0 * (asked.logprobs_N - asked.old_N).mean().exp()  # one term for the rollout: (1/T) of each token's
    (expected,) = torch.autograd.grad(whole, asked.logprobs_N)
    assert near(gradient(Loss(name="sequence_clipped"), asked) / 4, expected)


@pytest.mark.parametrize("name", POLICY_LOSSES)
@pytest.mark.parametrize("advantages", [POSITIVE, NEGATIVE])
def test_on_policy_every_loss_is_reinforce_with_a_baseline(name: str, advantages: Tensor):
    asked = terms(torch.ones(4), advantages)
    assert near(gradient(Loss(name=name), asked), -advantages)
    assert near(gradient(Loss(name="likelihood"), asked), -advantages)


def test_dapo_with_equal_clips_and_the_weighting_of_grpo_is_grpo():
    dapo, grpo = OBJECTIVES["dapo"], OBJECTIVES["grpo"]
    assert (dapo.loss, dapo.normalise, dapo.clip_low) == (grpo.loss, grpo.normalise, grpo.clip_low)
    equal = Loss(name=dapo.loss, clip_low=dapo.clip_low, clip_high=dapo.clip_low)
    plain = Loss(name=grpo.loss, clip_low=grpo.clip_low, clip_high=grpo.clip_high)
    for advantages in (POSITIVE, NEGATIVE):
        assert torch.equal(equal(terms(advantages=advantages)), plain(terms(advantages=advantages)))
    lengths = torch.tensor([5.0, 5.0])
    assert near(WEIGHTINGS[dapo.weighting](lengths, 9), WEIGHTINGS[grpo.weighting](lengths, 9))


def test_gspo_of_one_token_is_grpo():
    asked = terms(torch.tensor([1.3]), torch.ones(1))
    assert near(Loss(name="sequence_clipped")(asked), Loss(name="clipped")(asked))
    assert near(gradient(Loss(name="sequence_clipped"), asked), gradient(Loss(name="clipped"), asked))


def test_weightings_by_hand():
    lengths = torch.tensor([2.0, 8.0])
    assert near(WEIGHTINGS["sequence"](lengths, 20), [1 / 4, 1 / 16])
    assert near(WEIGHTINGS["token"](lengths, 20), [0.1, 0.1])
    assert near(WEIGHTINGS["limit"](lengths, 20), [1 / 40, 1 / 40])


DRIFT = torch.tensor([0.25, 0.5, 1.0, 4.0])
"""old / sampled."""


def test_corrections_by_hand():
    found = {name: correct(DRIFT.log(), 2.0) for name, correct in CORRECTIONS.items()}
    assert near(found["none"], [1.0, 1.0, 1.0, 1.0])
    assert near(found["truncate"], [0.25, 0.5, 1.0, 2.0])
    assert near(found["mask"], [0.0, 0.5, 1.0, 0.0])


def test_without_a_cap_every_correction_is_the_whole_ratio_and_without_drift_none():
    for name, correct in CORRECTIONS.items():
        assert near(correct(torch.zeros(4), 2.0), [1.0] * 4)
        assert name == "none" or near(correct(DRIFT.log(), math.inf), DRIFT)


def test_a_correction_weighs_the_loss_and_leaves_the_penalty_and_examples_alone():
    reference = torch.full((4,), -1.0)
    sampled = terms().old_N - DRIFT.log()
    corrected = Loss(name="reinforce", correction="truncate", kl=0.1)
    plain, penalty = Loss(name="reinforce"), k3(terms().logprobs_N, reference)
    found = corrected(terms(sampled_N=sampled, reference_N=reference))
    assert near(found, plain(terms()) * torch.tensor([0.25, 0.5, 1.0, 2.0]) + 0.1 * penalty)
    assert near(Loss(name="likelihood", correction="mask")(terms()), Loss(name="likelihood")(terms()))


def test_a_whole_rollout_is_corrected_by_the_product_of_its_tokens():
    drift = torch.tensor([0.5, 0.5, 3.0, 3.0]).log()  # of two rollouts
    for correction, expected in (("truncate", [0.5, 0.5, 2.0, 2.0]), ("mask", [0.5, 0.5, 0.0, 0.0])):
        loss = Loss(name="reinforce", correction=correction, correction_level="sequence")
        assert near(loss(terms(sum_log_drift_N=drift)), Loss(name="reinforce")(terms()) * torch.tensor(expected))


def test_reinforce_without_a_cap_is_weighed_by_the_policy_over_the_sampler():
    asked = terms(sampled_N=torch.full((4,), -2.0), advantages=2 * POSITIVE)
    found = Loss(name="reinforce", correction="truncate", correction_cap=math.inf)(asked)
    assert near(found, -2.0 * (asked.logprobs_N + 2.0).exp())


def test_what_needs_whole_rollouts_says_so():
    assert Loss(name="sequence_clipped").by_sequence and not Loss(name="clipped", correction="mask").by_sequence
    assert Loss(name="clipped", correction="mask", correction_level="sequence").by_sequence
    assert not Loss(name="clipped", correction_level="sequence").by_sequence


def test_tokens_beyond_the_clips_are_those_that_would_go_further():
    assert Loss(name="clipped").beyond_clips(terms()).tolist() == [False, False, False, True]
    assert Loss(name="clipped").beyond_clips(terms(advantages=NEGATIVE)).tolist() == [True, False, False, False]
    sequence = Loss(name="sequence_clipped", clip_high=0.01)
    assert sequence.beyond_clips(terms()).all() and not sequence.beyond_clips(terms(advantages=NEGATIVE)).any()


def test_estimators_by_hand():
    logprobs, reference = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.25, 1.0]).log()
    assert near(k1(logprobs, reference), [math.log(2), -math.log(2)])
    assert near(k2(logprobs, reference), [math.log(2) ** 2 / 2] * 2)
    assert near(k3(logprobs, reference), [0.5 - 1 + math.log(2), 2 - 1 - math.log(2)])


def enumerated(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A policy over six tokens, its log probabilities, and a reference's."""
    reference = torch.tensor([0.3, -1.0, 0.5, 0.0, 2.0, -0.4], dtype=torch.float64).log_softmax(0)
    logprobs = logits.log_softmax(0)
    return logprobs.exp(), logprobs, reference


LOGITS = torch.tensor([1.0, -0.5, 0.2, 0.7, 0.0, -2.0], dtype=torch.float64)


def test_k1_and_k3_are_unbiased_and_k3_never_negative():
    policy, logprobs, reference = enumerated(LOGITS)
    exact = (policy * (logprobs - reference)).sum()
    assert near((policy * k1(logprobs, reference)).sum(), exact)
    assert near((policy * k3(logprobs, reference)).sum(), exact)
    assert (k3(logprobs, reference) >= 0).all() and (k1(logprobs, reference) < 0).any()
    assert not near((policy * k2(logprobs, reference)).sum(), exact)


def test_minimised_on_policy_k2_goes_down_the_kl_k3_down_the_reverse_and_k1_nowhere():
    leaf = LOGITS.clone().requires_grad_()
    policy, logprobs, reference = enumerated(leaf)
    (forward,) = torch.autograd.grad((policy * (logprobs - reference)).sum(), leaf, retain_graph=True)
    (reverse,) = torch.autograd.grad((reference.exp() * (reference - logprobs)).sum(), leaf, retain_graph=True)
    weights = policy.detach()  # tokens come with these frequencies, and sampling has no gradient
    expected = {k1: torch.zeros(6, dtype=torch.float64), k2: forward, k3: reverse}
    for estimator, wanted in expected.items():
        (found,) = torch.autograd.grad((weights * estimator(logprobs, reference)).sum(), leaf, retain_graph=True)
        assert near(found, wanted)
    assert k1 not in PENALTIES.values()


def test_presets_are_made_of_what_there_is():
    for objective in OBJECTIVES.values():
        assert objective.loss in LOSSES and objective.weighting in WEIGHTINGS
        assert objective.normalise in ADVANTAGES
    assert set(OBJECTIVES) == {"reinforce", "grpo", "dr_grpo", "dapo", "gspo", "cispo", "rloo", "maxrl", "raft"}
