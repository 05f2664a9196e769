from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from contracts.learner import (
    EXAMPLE,
    GROUP,
    LIKELIHOOD,
    PAIR,
    REINFORCE,
    LearnerContract,
    Weights,
    assert_bytes,
    assert_same,
    branch,
)
from ponder.engine import learner as learner_module
from ponder.engine import scorer
from ponder.engine.learner import LocalLearner
from ponder.model import decoder
from ponder.model.checkpoint import load_decoder, master_weights
from ponder.types import Learner, Lesson, LossChoice, PonderError


def local(folder: Path, *, dtype: torch.dtype = torch.float32, clip: float = 1e9, micro_tokens: int = 2048):
    return LocalLearner(load_decoder(folder, dtype=dtype), clip=clip, micro_tokens=micro_tokens)


def first_moments(learner: LocalLearner) -> Weights:
    """A tenth of the gradient after the first step: AdamW's beta1 is 0.9."""
    return {name: master.moments["exp_avg"] * 10 for name, master in learner.masters.items()}


class TestLocalLearner(LearnerContract):
    def learner(self, folder: Path, *, micro_tokens: int = 2048) -> LocalLearner:
        return local(folder, micro_tokens=micro_tokens)

    def weights(self, learner: Learner) -> Weights:
        assert isinstance(learner, LocalLearner)
        return {name: weight.detach().clone() for name, weight in learner.weights.items()}

    def gradient(
        self, learner: Learner, lessons: Sequence[Lesson], loss: LossChoice, temperature: float = 1.0
    ) -> Weights:
        assert isinstance(learner, LocalLearner)
        learner.step(lessons, loss=loss, learning_rate=0.0, temperature=temperature)
        return first_moments(learner)


class TestLocalLearnerOfLongRows(TestLocalLearner):
    """What thousands of tokens do, with few: the head sees three at a time, and attention is fused."""

    @pytest.fixture(autouse=True)
    def _small_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scorer, "HEAD_CHUNK", 3)
        monkeypatch.setattr(decoder, "WRITTEN_OUT", 4)


class TestLocalLearnerOfSeparateTexts(TestLocalLearner):
    """Of a model that cannot take several continuations of a prompt in one row."""

    @pytest.fixture(autouse=True)
    def _no_sharing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(decoder.Decoder, "shares_prompts", False)


def test_the_gradient_is_clipped_to_its_norm(tiny: Path):
    one, other = local(tiny, clip=0.125), local(tiny)
    norms = [learner.step([GROUP], loss=REINFORCE, learning_rate=0.0)["grad_norm"] for learner in (one, other)]
    assert norms[0] == norms[1] > 0.125
    clipped = first_moments(one)
    assert sum(float((g**2).sum()) for g in clipped.values()) ** 0.5 == pytest.approx(0.125, rel=1e-3)
    for name, gradient in first_moments(other).items():
        torch.testing.assert_close(clipped[name], gradient * (0.125 / norms[0]), rtol=1e-3, atol=1e-7)


def test_the_first_update_is_the_learning_rate_against_the_sign_of_the_gradient(tiny: Path):
    learner = local(tiny)
    before = {name: weight.detach().clone() for name, weight in learner.weights.items()}
    learner.step([GROUP, PAIR], loss=REINFORCE, learning_rate=0.01)
    for name, gradient in first_moments(learner).items():
        large = gradient.abs() > 1e-4
        moved = learner.weights[name].detach() - before[name]
        torch.testing.assert_close(moved[large], -0.01 * gradient[large].sign(), rtol=1e-3, atol=1e-6)


def test_in_bfloat16_the_masters_stay_float32_and_add_up_what_rounding_would_lose(tiny: Path):
    learner = local(tiny, dtype=torch.bfloat16)
    start = {name: master.value.clone() for name, master in learner.masters.items()}
    for _ in range(4):
        learner.step([EXAMPLE], loss=LIKELIHOOD, learning_rate=1e-5)
    assert {master.value.dtype for master in learner.masters.values()} == {torch.float32}
    assert {weight.dtype for weight in learner.weights.values()} == {torch.bfloat16}
    for name, master in learner.masters.items():
        assert torch.equal(learner.weights[name].detach(), master.value.bfloat16())
    norm = "model.norm.weight"
    moved = (learner.masters[norm].value - start[norm]).abs()
    assert moved.max().item() == pytest.approx(4e-5, rel=0.1)
    assert torch.equal(learner.weights[norm].detach(), start[norm].bfloat16())


def test_in_bfloat16_save_and_load_keep_the_masters(tiny: Path, tmp_path: Path):
    one, other = local(tiny, dtype=torch.bfloat16), local(tiny, dtype=torch.bfloat16)
    one.step([GROUP], loss=REINFORCE, learning_rate=1e-4)
    one.save(tmp_path)
    other.load(tmp_path)
    for learner in (one, other):
        learner.step([PAIR], loss=REINFORCE, learning_rate=1e-4)
    values = [{name: master.value for name, master in each.masters.items()} for each in (other, one)]
    assert_bytes(*values)
    assert_bytes(other.weights, one.weights)


def test_what_is_saved_is_masters_moments_and_step_count(tiny: Path, tmp_path: Path):
    learner = local(tiny)
    learner.step([GROUP], loss=REINFORCE, learning_rate=1e-4)
    learner.save(tmp_path)
    state = load_file(tmp_path / learner_module.STATE_FILE)
    kinds = {kind: sum(name.startswith(f"{kind}.") for name in state) for kind in learner_module.KEPT}
    assert set(kinds.values()) == {len(learner.weights)} and sum(kinds.values()) == len(state)
    assert state["step.model.norm.weight"].item() == 1


def test_weight_decay_shrinks_what_has_no_gradient(tiny: Path):
    learner = LocalLearner(load_decoder(tiny, dtype=torch.float32), weight_decay=0.5)
    before = learner.weights["model.norm.weight"].detach().clone()
    nothing = Lesson(prompt=(1,), branches=(branch([2], 0.0),))
    learner.step([nothing], loss=REINFORCE, learning_rate=0.1)
    torch.testing.assert_close(learner.weights["model.norm.weight"].detach(), before * (1 - 0.1 * 0.5))


def frozen(folder: Path, *, learned: str) -> LocalLearner:
    """A learner of the weights whose name has `learned` in it; the others are frozen."""
    model = load_decoder(folder, dtype=torch.float32)
    for name, weight in model.named_parameters():
        weight.requires_grad_(learned in name)
    return LocalLearner(model, clip=1e9)


def test_frozen_weights_are_left_alone_and_the_others_learn_as_before(tiny: Path, tmp_path: Path):
    learner, every = frozen(tiny, learned="mlp"), local(tiny)
    before = {name: weight.detach().clone() for name, weight in learner.model.named_parameters()}
    for each in (learner, every):
        each.step([GROUP], loss=REINFORCE, learning_rate=0.0)
    gradients = {name: gradient for name, gradient in first_moments(every).items() if "mlp" in name}
    assert_same(first_moments(learner), gradients, atol=1e-7)
    learner.step([GROUP], loss=REINFORCE, learning_rate=0.01)
    moved = {name for name, weight in learner.model.named_parameters() if not torch.equal(weight, before[name])}
    assert moved == set(gradients)
    learner.save(tmp_path)
    assert {name.partition(".")[2] for name in load_file(tmp_path / learner_module.STATE_FILE)} == moved


def test_save_and_load_of_a_part_continue_to_the_same_bytes(tiny: Path, tmp_path: Path):
    one, other = frozen(tiny, learned="norm"), frozen(tiny, learned="norm")
    one.step([GROUP], loss=REINFORCE, learning_rate=0.01)
    one.save(tmp_path)
    other.load(tmp_path)
    for learner in (one, other):
        learner.step([PAIR], loss=REINFORCE, learning_rate=0.01)
    assert_bytes(other.weights, one.weights)


def test_a_model_of_which_nothing_can_be_learned_is_the_users_mistake(tiny: Path):
    with pytest.raises(PonderError, match=r"^model\.freeze: every weight is frozen; leave some to be learned$"):
        frozen(tiny, learned="nothing is called so")


def test_masters_can_start_from_what_rounding_lost(tiny: Path):
    masters = master_weights(tiny)
    learner = LocalLearner(load_decoder(tiny, dtype=torch.bfloat16), masters=masters)
    for name, master in learner.masters.items():
        assert torch.equal(master.value, masters[name])
    assert any(not torch.equal(weight.float(), masters[name]) for name, weight in learner.weights.items())


def test_at_the_first_update_old_is_what_the_learner_says_now(tiny: Path):
    """So a clipped ratio is 1 whatever the sampler recorded, and its gradient that of the likelihood."""
    found = []
    for loss in (LIKELIHOOD, LossChoice(name="clipped"), LossChoice(name="sequence_clipped")):
        learner = local(tiny)
        learner.step([GROUP, PAIR], loss=loss, learning_rate=0.0)
        found.append(first_moments(learner))
    assert_same(found[1], found[0], atol=1e-6)
    assert_same(found[2], found[0], atol=1e-6)
