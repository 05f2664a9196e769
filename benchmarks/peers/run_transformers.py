"""Transformers' `generate` as a contestant; its forward pass also checks what the others say of their tokens."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from protocol import Prepare, Run, serve, versions
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel

CACHES = (None, "static")
"""Kinds of cache that are tried before the first repeat: the default, and the one that its guide to speed names."""
TRIAL = 16
"""Tokens of a trial."""
SCORED = 16
"""Completions whose logits are held at once when checking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Prompts, padded on the left."""

    tokens: torch.Tensor
    """[P, L]."""
    mask: torch.Tensor
    """1 where there is text."""

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]], device: str) -> Batch:
        """On the model's device."""
        width = max(map(len, prompts))
        tokens = torch.zeros(len(prompts), width, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for row, prompt in enumerate(prompts):
            tokens[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, width - len(prompt) :] = 1
        return cls(tokens=tokens.to(device), mask=mask.to(device))


@torch.no_grad()
def generate(model: PreTrainedModel, batch: Batch, group: int, tokens: int, cache: str | None) -> list[Any]:
    """Tokens and log probabilities of the sampled tokens, by prompt and number."""
    config = GenerationConfig(
        max_new_tokens=tokens,
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        num_return_sequences=group,
        output_scores=True,
        return_dict_in_generate=True,
        cache_implementation=cache,
        pad_token_id=0,
    )
    out = model.generate(input_ids=batch.tokens, attention_mask=batch.mask, generation_config=config)
    written = out.sequences[:, batch.tokens.shape[1] :]
    columns = [
        score.float().log_softmax(-1).gather(-1, written[:, t : t + 1])[:, 0] for t, score in enumerate(out.scores)
    ]
    rows = zip(written.tolist(), torch.stack(columns, dim=1).tolist(), strict=True)
    flat = [{"tokens": ids, "logprobs": logprobs} for ids, logprobs in rows]
    return [flat[start : start + group] for start in range(0, len(flat), group)]


def load(job: Mapping[str, Any], dtype: torch.dtype) -> tuple[PreTrainedModel, str]:
    """The model, on a GPU where there is one; nothing ends a turn."""
    torch.set_num_threads(job["cores"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=dtype).to(device).eval()
    model.generation_config.eos_token_id = None
    return model, device


def sampling(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Completions of a forced length, with the faster kind of cache."""
    model, device = load(job, getattr(torch, job["dtype"]))
    batch = Batch.of(job["prompts"], device)
    trial = min(TRIAL, job["tokens"])
    took = {cache: float("inf") for cache in CACHES}
    for cache in CACHES * 2:  # twice, because whoever comes first also wakes the memory
        began = time.perf_counter()
        generate(model, batch, job["group"], trial, cache)
        took[cache] = min(took[cache], time.perf_counter() - began)
    best = min(took, key=lambda cache: took[cache])

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        texts = generate(model, batch, job["group"], job["tokens"], best)
        return {"tokens": sum(len(each["tokens"]) for group in texts for each in group), "texts": texts}

    trials = ", ".join(f"{cache or 'dynamic'} {seconds:.1f} s" for cache, seconds in took.items())
    return {"device": device, "choice": f"{best or 'dynamic'} cache ({trials} for {trial} tokens)"}, run


def score(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Log probabilities of given completions by one forward pass in fp32, prompt after prompt."""
    model, device = load(job, torch.float32)

    def run(request: Mapping[str, Any]) -> dict[str, Any]:
        pairs = zip(job["prompts"], request["completions"], strict=True)
        texts = [forward(model, prompt, group, device) for prompt, group in pairs]
        return {"tokens": sum(len(each) for group in texts for each in group), "texts": texts}

    return {"device": device, "dtype": "float32"}, run


@torch.no_grad()
def forward(
    model: PreTrainedModel, prompt: Sequence[int], completions: Sequence[Sequence[int]], device: str
) -> list[list[float]]:
    """Log probabilities of the completions of one prompt, which are equally long."""
    found: list[list[float]] = []
    for start in range(0, len(completions), SCORED):
        part = torch.tensor(completions[start : start + SCORED], device=device)
        head = torch.tensor(prompt, device=device).expand(len(part), -1)
        logits = model(torch.cat((head, part), dim=1)).logits[:, len(prompt) - 1 : -1].float()
        found += logits.log_softmax(-1).gather(-1, part[..., None])[..., 0].tolist()
    return found


KINDS: dict[str, Prepare] = {"sampling": sampling, "score": score}
"""By the job's kind."""


def prepare(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Get ready for the job."""
    known, run = KINDS[job["kind"]](job)
    return {"versions": versions("transformers", "torch"), "dtype": job["dtype"]} | known, run


if __name__ == "__main__":
    serve(prepare)
