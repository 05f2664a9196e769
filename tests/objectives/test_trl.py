"""The objectives against TRL's own code, on random tensors: from rewards and log probabilities to loss and gradient.

TRL's trainer is not run: its methods are called on an object that has what they read and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from ponder.objectives import ADVANTAGES, OBJECTIVES, WEIGHTINGS, Loss, Terms

pytestmark = pytest.mark.slow

P, G, T, LIMIT, CAP, KL = 3, 4, 9, 12, 1.3, 0.1
"""Problems, rollouts of each, tokens of the longest, most tokens there could be, cap of corrections, penalty."""
PEERS: dict[str, dict[str, Any]] = {
    "grpo": {"loss_type": "grpo"},
    "dr_grpo": {"loss_type": "dr_grpo", "scale_rewards": "none"},
    "dapo": {"loss_type": "dapo"},
    "gspo": {"loss_type": "grpo", "importance_sampling_level": "sequence"},
    "cispo": {"loss_type": "cispo"},
}
"""What TRL calls each preset."""
CLIPS = {"gspo": (0.05, 0.08)}
"""In place of the preset's own, at which nearly every random rollout would be clipped."""


def assert_close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.fixture(scope="module")
def trl() -> Any:
    """TRL's two trainers."""
    if find_spec("trl") is None:
        pytest.skip("TRL is not installed; pip install 'ponder[peers]'")
    names = {"grpo": "GRPOTrainer", "rloo": "RLOOTrainer"}
    return {key: getattr(import_module(f"trl.trainer.{key}_trainer"), name) for key, name in names.items()}


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A model that has been asked already."""

    logprobs_BT: Tensor
    training: bool = True
    is_gradient_checkpointing: bool = False


class Batch:
    """Twelve rollouts at an update after the first; some tokens were put there and not drawn."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)

        def noise(size: float) -> Tensor:
            return torch.randn(P * G, T, generator=generator) * size

        self.rewards_PG = torch.rand(P, G, generator=generator)
        self.lengths = [T, *torch.randint(2, T + 1, (P * G - 1,), generator=generator).tolist()]
        self.logprobs_BT = (-1.5 + noise(0.5)).requires_grad_()
        self.old_BT = self.logprobs_BT.detach() + noise(0.2)
        self.sampled_BT = self.old_BT + noise(0.15)
        self.reference_BT = self.logprobs_BT.detach() + noise(0.5)
        inside_BT = torch.arange(T) < torch.tensor(self.lengths)[:, None]
        self.put_BT = torch.rand(P * G, T, generator=generator) < 0.2
        self.put_BT[:, 0] = False
        self.drawn_BT = inside_BT & ~self.put_BT

    def rows(self, values_BT: Tensor) -> list[list[float]]:
        """Without the padding."""
        return [row[:length] for row, length in zip(values_BT.tolist(), self.lengths, strict=True)]


def ours(batch: Batch, loss: Loss, *, normalise: str, weighting: str) -> tuple[Tensor, Tensor]:
    """Loss and its gradient `[B,T]`."""
    judged_PG = torch.ones(P, G, dtype=torch.bool)
    advantages_B = ADVANTAGES[normalise](batch.rewards_PG, judged_PG).flatten()
    drawn_BT, lengths_B = batch.drawn_BT, batch.drawn_BT.sum(-1).float()
    ratio_BT = torch.where(drawn_BT, batch.logprobs_BT.detach() - batch.old_BT, 0.0)
    drift_BT = torch.where(drawn_BT, batch.old_BT - batch.sampled_BT, 0.0)

    def tokens(values: Tensor) -> Tensor:
        return (values if values.dim() == 2 else values[:, None].expand(-1, T))[drawn_BT]

    terms = Terms(
        logprobs_N=tokens(batch.logprobs_BT),
        old_N=tokens(batch.old_BT),
        sampled_N=tokens(batch.sampled_BT),
        reference_N=tokens(batch.reference_BT),
        advantages_N=tokens(advantages_B),
        mean_log_ratio_N=tokens(ratio_BT.sum(-1) / lengths_B),
        sum_log_drift_N=tokens(drift_BT.sum(-1)),
    )
    total = (loss(terms) * tokens(WEIGHTINGS[weighting](lengths_B, LIMIT))).sum()
    return total.detach(), torch.autograd.grad(total, batch.logprobs_BT)[0]


def trainer(batch: Batch, **changes: Any) -> SimpleNamespace:
    """What TRL's methods read of a trainer."""
    accelerator = SimpleNamespace(
        device="cpu",
        num_processes=1,
        process_index=0,
        gather=lambda found: found,
        reduce=lambda found, reduction: found,
    )
    args = SimpleNamespace(
        steps_per_generation=1,
        gradient_accumulation_steps=1,
        per_device_train_batch_size=P * G,
        gradient_checkpointing_kwargs=None,
        use_bias_correction_kl=False,
        delta=None,
    )
    put = [[int(not put) for put in row] for row in batch.rows(batch.put_BT)]
    ids = [[1] * length for length in batch.lengths]
    generated = ([[1]] * (P * G), ids, put, [""] * (P * G), batch.rows(batch.sampled_BT), {}, None, None)
    settings = {
        "accelerator": accelerator,
        "args": args,
        "model": Policy(logprobs_BT=batch.old_BT),
        "ref_model": Policy(logprobs_BT=batch.reference_BT),
        "_generate": lambda prompts: generated,
        "_calculate_rewards": lambda *asked: batch.rewards_PG.view(-1, 1),
        "_get_per_token_logps_and_entropies": lambda model, *asked, **options: (model.logprobs_BT, zeros(), None),
        "environment_factories": None,
        "environments": None,
        "tools": None,
        "_tokenizer": SimpleNamespace(pad_token_id=0),
        "pad_to_multiple_of": None,
        "mask_truncated_completions": False,
        "num_generations": G,
        "num_iterations": 2,
        "current_gradient_accumulation_steps": 1,
        "max_completion_length": LIMIT,
        "multi_objective_aggregation": "sum_then_normalize",
        "reward_weights": torch.ones(1),
        "reward_func_names": [],
        "scale_rewards": "group",
        "importance_sampling_level": "token",
        "epsilon_low": 0.2,
        "epsilon_high": 0.2,
        "beta": 0.0,
        "use_vllm": False,
        "vllm_importance_sampling_correction": True,
        "vllm_importance_sampling_clip_min": None,
        "vllm_importance_sampling_clip_max": CAP,
        "off_policy_mask_threshold": None,
        "top_entropy_quantile": 1.0,
        "_entropy_bonus_enabled": False,
        "aux_loss_enabled": False,
        "log_multimodal": False,
        "_metrics": {"train": defaultdict(list)},
        "_logs": defaultdict(list, rewards=defaultdict(list), extra=defaultdict(list)),
        "_pending_extra_logs": {},
        "_pending_metrics": {},
    }
    return SimpleNamespace(**settings | changes)


def zeros() -> Tensor:
    return torch.zeros(P * G, T)


def theirs(trl: Any, batch: Batch, **changes: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, its gradient `[B,T]` and advantages `[P,G]`."""
    stub = trainer(batch, **changes)
    inputs = trl["grpo"]._generate_and_score_completions(stub, [{"prompt": ""} for _ in range(P * G)])
    loss = trl["grpo"]._compute_loss(stub, Policy(logprobs_BT=batch.logprobs_BT), inputs)
    return loss.detach(), torch.autograd.grad(loss, batch.logprobs_BT)[0], inputs["advantages"].view(P, G)


CORRECTED = [
    ("none", "token"),
    ("truncate", "token"),
    ("mask", "token"),
    ("truncate", "sequence"),
    ("mask", "sequence"),
]
BOTH = [
    (name, *corrected)
    for name in PEERS
    for corrected in CORRECTED
    if name != "gspo" or corrected[1] == "sequence" or corrected[0] == "none"  # its token form goes with one weight
]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kl", [0.0, KL])
@pytest.mark.parametrize(("name", "correction", "level"), BOTH)
def test_loss_and_gradient_are_those_of_trl(trl: Any, name: str, correction: str, level: str, kl: float, seed: int):
    batch, objective = Batch(seed), OBJECTIVES[name]
    low, high = CLIPS.get(name, (objective.clip_low, objective.clip_high))
    loss = Loss(
        name=objective.loss,
        clip_low=low,
        clip_high=high,
        kl=kl,
        correction=correction,
        correction_level=level,
        correction_cap=CAP,
    )
    found = ours(batch, loss, normalise=objective.normalise, weighting=objective.weighting)
    settings = PEERS[name] | {"epsilon_low": low, "epsilon_high": 1 + high if name == "cispo" else high, "beta": kl}
    if correction != "none":
        settings |= {"use_vllm": True, "vllm_importance_sampling_mode": f"{level}_{correction}"}
        settings["vllm_importance_sampling_clip_min"] = 1 / CAP if correction == "mask" else None
    expected = theirs(trl, batch, **settings)
    assert_close(found[0], expected[0])
    assert_close(found[1], expected[1])
    assert expected[1].abs().max() > 1e-3, "a comparison of nothings"


@pytest.mark.parametrize(("normalise", "scale"), [("none", "none"), ("group", "group")])
def test_advantages_are_those_of_trl_also_where_not_all_could_be_judged(trl: Any, normalise: str, scale: str):
    batch = Batch(2)
    judged_PG = torch.tensor([[True] * 4, [True, False, True, True], [False, True, True, False]])
    batch.rewards_PG[~judged_PG] = float("nan")
    expected = theirs(trl, batch, loss_type="grpo", scale_rewards=scale)[2]
    found = ADVANTAGES[normalise](batch.rewards_PG.nan_to_num(), judged_PG)
    assert_close(found, expected)


def test_on_policy_the_gradient_of_rloo_is_that_of_trl(trl: Any):
    batch = Batch(3)
    batch.old_BT = batch.logprobs_BT.detach().clone()
    others_PG = (batch.rewards_PG.sum(-1, keepdim=True) - batch.rewards_PG) / (G - 1)
    ones_B1 = torch.ones(P * G, 1, dtype=torch.long)
    inputs = {
        "prompt_ids": ones_B1,
        "prompt_mask": ones_B1,
        "completion_ids": torch.ones(P * G, T, dtype=torch.long),
        "completion_mask": batch.drawn_BT.long(),
        "advantages": (batch.rewards_PG - others_PG).flatten(),
        "old_logps": (batch.old_BT * batch.drawn_BT).sum(-1),
    }
    expected = trl["rloo"]._compute_loss(trainer(batch), Policy(logprobs_BT=batch.logprobs_BT), inputs)
    (gradient,) = torch.autograd.grad(expected, batch.logprobs_BT)
    found = ours(batch, Loss(name="reinforce"), normalise="leave_one_out", weighting="limit")[1]
    assert_close(found * LIMIT, gradient)  # a sum over tokens, ours divided by a constant
