"""The local learner: lessons in, one update of the policy out.

It computes in the decoder's dtype, keeps fp32 masters where that is not fp32, and never holds the logits of more than
HEAD_CHUNK tokens. Shapes: N tokens of a micro-batch, D hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ponder.engine.packing import Micro, micro_batches
from ponder.model.decoder import Decoder
from ponder.objectives import LOSSES, Loss
from ponder.types import Lesson, PonderError

HEAD_CHUNK = 512
"""Tokens whose logits exist at once: 512 x 49,152 x 4 bytes = 100 MB."""
STATE_FILE = "learner.safetensors"
"""Masters, moments and step count, in a checkpoint folder."""
MOMENTS = ("exp_avg", "exp_avg_sq", "step")
"""What AdamW remembers of each parameter."""


@dataclass(slots=True)
class Tally:
    """Sums over the tokens of one step."""

    loss: float = 0.0
    tokens: int = 0
    surprise: float = 0.0
    gaps: list[Tensor] = field(default_factory=list)

    def add(self, micro: Micro, chunk: slice, logprobs_N: Tensor, loss: Tensor) -> None:
        """Count the tokens of one chunk."""
        self.loss += loss.item()
        self.tokens += len(logprobs_N)
        self.surprise -= logprobs_N.sum().item()
        gap_N = (logprobs_N - micro.sampled_N[chunk]).abs()
        self.gaps.append(gap_N[~gap_N.isnan()])

    def metrics(self) -> dict[str, float]:
        """Loss, mean surprise of the learned tokens in nats, gap between learner and sampler."""
        found = {
            "loss": self.loss,
            "surprise": self.surprise / max(1, self.tokens),
            "learned_tokens": float(self.tokens),
        }
        gaps = torch.cat(self.gaps) if self.gaps else torch.empty(0)
        if len(gaps):
            found |= {"logprob_gap": gaps.mean().item(), "logprob_gap_max": gaps.max().item()}
        return found


class LocalLearner:
    """AdamW on a decoder in this process; a `ponder.types.Learner`."""

    def __init__(
        self, decoder: Decoder, *, clip: float = 1.0, weight_decay: float = 0.0, micro_tokens: int = 1536
    ) -> None:
        """`clip`: largest gradient norm; `micro_tokens`: padded positions computed at once, which bounds the memory."""
        self.decoder, self.clip, self.micro_tokens = decoder, clip, micro_tokens
        self.weights = dict(decoder.named_parameters())
        self.masters = {name: torch.nn.Parameter(weight.detach().float()) for name, weight in self.weights.items()}
        self.optimizer = torch.optim.AdamW(
            self.masters.values(), lr=0.0, betas=(0.9, 0.99), weight_decay=weight_decay, fused=True
        )

    def step(self, lessons: Sequence[Lesson], *, loss: str, learning_rate: float) -> dict[str, float]:
        """See `ponder.types.Learner`."""
        self._check(lessons)
        tally = Tally()
        for micro in micro_batches(lessons, tokens=self.micro_tokens):
            self._accumulate(micro, LOSSES[loss], tally)
        norm = torch.nn.utils.clip_grad_norm_(self.masters.values(), self.clip).item()
        if norm != norm or norm == float("inf"):
            raise PonderError(
                f"gradient norm = {norm}: training has diverged; lower learning_rate (now {learning_rate:g})"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._publish()
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
                    self.optimizer.state[master] = {key: state[f"{key}.{name}"] for key in MOMENTS}
        self._publish()

    def _check(self, lessons: Sequence[Lesson]) -> None:
        limit = self.decoder.config.max_position_embeddings
        longest = max(len(lesson.prompt) + len(branch.tokens) for lesson in lessons for branch in lesson.branches)
        if longest > limit:
            raise PonderError(
                f"example of {longest} tokens, prompt and reply: the model's context is {limit} tokens; "
                "shorten the prompt or leave it out"
            )

    def _accumulate(self, micro: Micro, loss: Loss, tally: Tally) -> None:
        """Add the gradient of one micro-batch: the head chunk by chunk, then the trunk once."""
        attend = micro.attend(self.decoder.config.num_attention_heads, self.decoder.lm_head.weight.dtype)
        hidden = self.decoder.hidden(micro.tokens_RL, micro.positions_RL, attend)
        predicting_ND = hidden.flatten(0, 1)[micro.source_N]
        leaf_ND = predicting_ND.detach().requires_grad_()
        for start in range(0, len(leaf_ND), HEAD_CHUNK):
            chunk = slice(start, start + HEAD_CHUNK)
            logits_NV = self.decoder.logits(leaf_ND[chunk]).float()
            logprobs_N = -torch.nn.functional.cross_entropy(logits_NV, micro.target_N[chunk], reduction="none")
            sampled_N = micro.sampled_N[chunk]
            losses_N = loss(logprobs_N, sampled_N, micro.advantage_N[chunk]) * micro.weight_N[chunk]
            total = losses_N.sum()
            total.backward()
            tally.add(micro, chunk, logprobs_N.detach(), total)
        predicting_ND.backward(leaf_ND.grad)
        self._collect()

    def _collect(self) -> None:
        """Move the gradients of a micro-batch into the fp32 sums."""
        for name, weight in self.weights.items():
            master = self.masters[name]
            assert weight.grad is not None, f"{name} took no part in the loss"
            if master.grad is None:
                master.grad = weight.grad.float()
            else:
                master.grad += weight.grad
            weight.grad = None

    @torch.no_grad()
    def _publish(self) -> None:
        """Round the masters into the decoder, which the local sampler shares."""
        for name, weight in self.weights.items():
            weight.copy_(self.masters[name])
