"""How likely given continuations are, and what a learner shares with who only wants to know that.

Shapes: N tokens of a micro-batch, S branches of a batch, D hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ponder.engine.packing import Micro, micro_batches
from ponder.model.functions import likelihood
from ponder.model.language import LanguageModel
from ponder.types import Lesson, PonderError

HEAD_CHUNK = 512
"""Tokens whose logits exist at once: 512 x 49,152 x 4 bytes = 100 MB."""


class LocalScorer:
    """A model in this process that is asked and never changed; a `ponder.types.Scorer`."""

    def __init__(self, model: LanguageModel, *, micro_tokens: int = 1536) -> None:
        """`micro_tokens`: padded positions computed at once, which bounds the memory."""
        self.model, self.micro_tokens = model, micro_tokens

    @torch.no_grad()
    def logprobs(self, lessons: Sequence[Lesson], *, temperature: float = 1.0) -> list[list[tuple[float, ...]]]:
        """See `ponder.types.Scorer`."""
        found: dict[int, tuple[float, ...]] = {}
        for micro in self.micro_batches(lessons):
            logprobs_N = head_logprobs(self.model, self.predicting(micro), micro, temperature).cpu()
            branch_N = micro.branch_N.cpu()
            for branch in branch_N.unique().tolist():
                found[branch] = tuple(logprobs_N[branch_N == branch].tolist())
        ordered = iter([found[branch] for branch in sorted(found)])
        return [[next(ordered) for _ in lesson.branches] for lesson in lessons]

    def micro_batches(self, lessons: Sequence[Lesson]) -> Iterator[Micro]:
        """The lessons in pieces that fit; raises PonderError for one beyond the model's context."""
        lengths = (len(lesson.prompt) + len(branch.tokens) for lesson in lessons for branch in lesson.branches)
        longest = max(lengths, default=0)
        if longest > self.model.context:
            raise PonderError(
                f"example of {longest} tokens, prompt and reply: the model's context is {self.model.context} tokens; "
                "shorten the prompt or leave it out"
            )
        packed = micro_batches(lessons, tokens=self.micro_tokens, shared=self.model.shares_prompts)
        return (micro.to(self.model.device) for micro in packed)

    def predicting(self, micro: Micro) -> Tensor:
        """Hidden states `[N,D]` of the positions that predict the tokens."""
        hidden_RLD = self.model.read(micro.tokens_RL, micro.positions_RL, micro.tree)
        return hidden_RLD.flatten(0, 1)[micro.source_N]


def head_logprobs(model: LanguageModel, hidden_ND: Tensor, micro: Micro, temperature: float) -> Tensor:
    """Log probability `[N]` of every token, without gradient, chunk by chunk."""
    with torch.no_grad():
        parts = [
            chunk_logprobs(model, hidden_ND[chunk], micro.target_N[chunk], temperature)
            for chunk in chunks(len(hidden_ND))
        ]
    return torch.cat(parts)


def chunk_logprobs(model: LanguageModel, hidden_ND: Tensor, target_N: Tensor, temperature: float) -> Tensor:
    """Log probability `[N]` of tokens under softmax(logits / temperature)."""
    return likelihood(model.logits(hidden_ND), target_N, temperature)


def chunks(size: int) -> Iterator[slice]:
    """The first `HEAD_CHUNK`, the next, and so on."""
    return (slice(start, start + HEAD_CHUNK) for start in range(0, size, HEAD_CHUNK))
