"""The local learner: lessons in, one update of the policy out.

It computes in the model's dtype, keeps fp32 masters where that is not fp32 already, and never holds the logits of more
than a chunk of tokens. Shapes: N tokens of a micro-batch, D hidden size, S its rollouts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ponder.engine.masters import MOMENTS, Master, Stride
from ponder.engine.packing import Micro
from ponder.engine.scorer import LocalScorer, chunk_logprobs, chunks, head_logprobs
from ponder.engine.tally import Tally
from ponder.model.allocator import tidy
from ponder.model.language import LanguageModel
from ponder.objectives import Loss, Terms
from ponder.types import Lesson, LossChoice, PonderError

STATE_FILE = "learner.safetensors"
"""Masters, moments and step count, in a checkpoint folder."""
KEPT = ("master", *MOMENTS, "step")
"""What is in it of each weight."""


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
        self.clip, self.weight_decay = clip, weight_decay
        self.weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        if not self.weights:
            raise PonderError("model.freeze: every weight is frozen; leave some to be learned")
        source = masters or {}
        self.masters = {name: Master(weight, source.get(name)) for name, weight in self.weights.items()}

    def step(
        self, lessons: Sequence[Lesson], *, loss: LossChoice, learning_rate: float, temperature: float = 1.0
    ) -> dict[str, float]:
        """See `ponder.types.Learner`."""
        assert lessons, "a step has something to learn from"
        objective, tally = Loss(name=loss.name, **loss.options), Tally()
        with self._collecting():
            for micro in self.micro_batches(lessons):
                self._accumulate(micro, objective, temperature, tally)
        norm = self._update(learning_rate)
        tidy()
        return tally.metrics() | {"grad_norm": norm}

    def save(self, folder: Path) -> None:
        """Write masters and moments to `folder`."""
        parts = {name: master.state() for name, master in self.masters.items()}
        state = {f"{key}.{name}": value for name, part in parts.items() for key, value in part.items()}
        save_file(state, folder / STATE_FILE)

    def load(self, folder: Path) -> None:
        """Continue as after the `save` to `folder`."""
        state = load_file(folder / STATE_FILE)
        for name, master in self.masters.items():
            master.restore({key: state[f"{key}.{name}"] for key in KEPT if f"{key}.{name}" in state})

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

    @contextlib.contextmanager
    def _collecting(self) -> Iterator[None]:
        """Within the block, a gradient goes into its fp32 sum as soon as it is made: there are never two of them."""
        for master in self.masters.values():
            master.begin()
        hooks = [
            master.weight.register_post_accumulate_grad_hook(lambda _, master=master: master.collect())
            for master in self.masters.values()
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _update(self, learning_rate: float) -> float:
        """Move every master against its clipped gradient, which is forgotten; the norm of all gradients."""
        gradients = {name: master.gradient for name, master in self.masters.items()}
        missed = [name for name, gradient in gradients.items() if gradient is None]
        assert not missed, f"{missed[0]} took no part in the loss"
        norm = torch.nn.utils.get_total_norm(gradient for gradient in gradients.values() if gradient is not None)
        del gradients  # each is given back as soon as its master has moved
        if not norm.isfinite():
            for master in self.masters.values():
                master.forget()
            raise PonderError(
                f"gradient norm = {norm.item()}: training has diverged; lower learning_rate (now {learning_rate:g})"
            )
        scale = (self.clip / (norm + 1e-6)).clamp(max=1.0)
        for master in self.masters.values():
            master.update(Stride(rate=learning_rate, decay=self.weight_decay, scale=scale))
        return norm.item()


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
