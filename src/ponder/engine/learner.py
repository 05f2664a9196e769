"""The local learner: lessons in, one update of the policy out.

It computes in the model's dtype, keeps fp32 masters where that is not fp32 already, and never holds the logits of more
than a chunk of tokens. Shapes: N tokens of a micro-batch, D hidden size, S its rollouts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ponder.engine.allocator import tidy
from ponder.engine.packing import Micro
from ponder.engine.scorer import LocalScorer, chunk_logprobs, chunks, head_logprobs
from ponder.engine.tally import Tally
from ponder.model import kernels
from ponder.model.language import LanguageModel
from ponder.objectives import Loss, Terms
from ponder.types import Lesson, LossChoice, PonderError

STATE_FILE = "learner.safetensors"
"""Masters, moments and step count, in a checkpoint folder."""
MOMENTS = ("exp_avg", "exp_avg_sq", "step")
"""What AdamW remembers of each parameter."""


class LocalLearner(LocalScorer):
    """AdamW on a model in this process; a `ponder.types.Learner`. Weights that need no gradient stay as they are."""

    def __init__(
        self,
        model: LanguageModel,
        *,
        masters: Mapping[str, Tensor] | None = None,
        clip: float = 1.0,
        weight_decay: float = 0.0,
        micro_tokens: int = 1536,
    ) -> None:
        """`masters`: fp32 weights to start from, where the model's own are rounded; `clip`: largest gradient norm."""
        super().__init__(model, micro_tokens=micro_tokens)
        self.clip = clip
        self.weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        if not self.weights:
            raise PonderError("model.freeze: every weight is frozen; leave some to be learned")
        source = masters or {}
        self.masters = {name: _master(weight, source.get(name)) for name, weight in self.weights.items()}
        self.optimizer = torch.optim.AdamW(
            self.masters.values(), lr=0.0, betas=(0.9, 0.99), weight_decay=weight_decay, fused=True
        )

    def step(
        self, lessons: Sequence[Lesson], *, loss: LossChoice, learning_rate: float, temperature: float = 1.0
    ) -> dict[str, float]:
        """See `ponder.types.Learner`."""
        assert lessons, "a step has something to learn from"
        objective, tally = Loss(name=loss.name, **loss.options), Tally()
        for micro in self.micro_batches(lessons):
            self._accumulate(micro, objective, temperature, tally)
        norm = torch.nn.utils.clip_grad_norm_(self.masters.values(), self.clip).item()
        if norm != norm or norm == float("inf"):
            self.optimizer.zero_grad(set_to_none=True)
            raise PonderError(
                f"gradient norm = {norm}: training has diverged; lower learning_rate (now {learning_rate:g})"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._publish()
        tidy()
        return tally.metrics() | {"grad_norm": norm}

    def save(self, folder: Path) -> None:
        """Write masters and moments to `folder`."""
        state: dict[str, Tensor] = {f"master.{name}": master.detach() for name, master in self.masters.items()}
        for name, master in self.masters.items():
            moments = self.optimizer.state.get(master, {})
            state |= {f"{key}.{name}": moments[key] for key in MOMENTS if key in moments}
        save_file(state, folder / STATE_FILE)

    def load(self, folder: Path) -> None:
        """Continue as after the `save` to `folder`."""
        state = load_file(folder / STATE_FILE)
        self.optimizer.state.clear()
        with torch.no_grad():
            for name, master in self.masters.items():
                master.copy_(state[f"master.{name}"])
                if f"step.{name}" in state:
                    moments = {key: state[f"{key}.{name}"].to(master.device) for key in MOMENTS}
                    self.optimizer.state[master] = moments
        self._publish()

    def _accumulate(self, micro: Micro, loss: Loss, temperature: float, tally: Tally) -> None:
        """Add the gradient of one micro-batch: the head chunk by chunk, then the trunk once."""
        predicting_ND = self.predicting(micro)
        leaf_ND = predicting_ND.detach().requires_grad_()
        whole_2N = torch.zeros(2, len(leaf_ND), device=leaf_ND.device)
        if loss.by_sequence:
            whole_2N = over_rollouts(head_logprobs(self.model, leaf_ND, micro, temperature), micro)
        for chunk in chunks(len(leaf_ND)):
            logprobs_N = chunk_logprobs(self.model, leaf_ND[chunk], micro.target_N[chunk], temperature)
            terms = terms_of(logprobs_N, micro, chunk, whole_2N[:, chunk])
            total = (loss(terms) * micro.weight_N[chunk]).sum()
            total.backward()
            tally.add(loss, terms, micro.drawn_N[chunk], total.item())
        predicting_ND.backward(leaf_ND.grad)
        self._collect()

    def _collect(self) -> None:
        """Move the gradients of a micro-batch into the fp32 sums, where they are not there already.

        Their memory is cleared and kept: to be given it anew costs more.
        """
        for name, weight in self.weights.items():
            master = self.masters[name]
            assert weight.grad is not None, f"{name} took no part in the loss"
            if master is weight:
                continue
            if master.grad is None:
                master.grad = torch.zeros_like(master)
            if kernels.able(master.grad, weight.grad):
                kernels.collect(master.grad, weight.grad)
            else:
                master.grad += weight.grad
                weight.grad.zero_()

    @torch.no_grad()
    def _publish(self) -> None:
        """Round the masters into the model, which the local sampler shares, and forget the gradients."""
        for name, weight in self.weights.items():
            if self.masters[name] is not weight:
                weight.copy_(self.masters[name])
                weight.grad = None


@torch.no_grad()
def _master(weight: torch.nn.Parameter, source: Tensor | None) -> torch.nn.Parameter:
    """The fp32 weight that is learned: the model's own where that is fp32."""
    if weight.dtype != torch.float32:
        return torch.nn.Parameter((weight if source is None else source).detach().to(weight.device, torch.float32))
    if source is not None:
        weight.copy_(source)
    return weight


def terms_of(logprobs_N: Tensor, micro: Micro, chunk: slice, whole_2N: Tensor) -> Terms:
    """What the loss of a chunk is made of; where nothing was learned since the draw, old is now."""
    return Terms(
        logprobs_N=logprobs_N,
        old_N=old_or_now(micro.old_N[chunk], logprobs_N),
        sampled_N=micro.sampled_N[chunk],
        reference_N=micro.reference_N[chunk],
        advantages_N=micro.advantage_N[chunk],
        mean_log_ratio_N=whole_2N[0],
        sum_log_drift_N=whole_2N[1],
    )


def old_or_now(old_N: Tensor, logprobs_N: Tensor) -> Tensor:
    """Log probabilities when the batch was drawn, without gradient."""
    return torch.where(old_N.isnan(), logprobs_N.detach(), old_N)


def over_rollouts(logprobs_N: Tensor, micro: Micro) -> Tensor:
    """For each token, over the drawn tokens of its rollout: mean of log rho, and sum of log(old / sampled) `[2,N]`."""
    there = logprobs_N.device
    terms = terms_of(logprobs_N, micro, slice(None), torch.zeros(2, len(logprobs_N), device=there))
    each_2N = torch.stack((logprobs_N - terms.old_N, terms.log_drift_N)) * micro.drawn_N
    _, rollout_N = micro.branch_N.unique(return_inverse=True)
    counts_S = torch.bincount(rollout_N, weights=micro.drawn_N).clamp(min=1)
    sums_2S = torch.zeros(2, len(counts_S), device=there).index_add_(1, rollout_N, each_2N)
    return torch.stack((sums_2S[0] / counts_S, sums_2S[1]))[:, rollout_N].float()
