"""OpenVINO GenAI as a contestant: continuous batching over a GGUF file in half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino
import openvino_genai as genai
from protocol import Run, serve, versions

CACHE_GB = 2
"""As much room for keys and values as vLLM gets."""
SEQUENCES = 256
"""Most at once."""
BATCHED_TOKENS = 4096
"""Most read in one step: every prompt of the work."""


def prepare(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Load the model; a repeat adds every prompt as a request and steps until all are done."""
    device = "GPU" if "GPU" in openvino.Core().available_devices else "CPU"
    properties = {"INFERENCE_NUM_THREADS": job["cores"]} if device == "CPU" else {}
    pipeline = genai.ContinuousBatchingPipeline(job["gguf"], scheduler(), device, properties)
    config = generation(job)
    prompts = [openvino.Tensor(np.array([prompt], dtype=np.int64)) for prompt in job["prompts"]]

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        handles = [pipeline.add_request(number, prompt, config) for number, prompt in enumerate(prompts)]
        while pipeline.has_non_finished_requests():
            pipeline.step()
        texts = [[text_of(output) for output in handle.read_all()] for handle in handles]
        return {"tokens": sum(len(each["tokens"]) for group in texts for each in group), "texts": texts}

    told = {"versions": versions("openvino-genai", "openvino"), "device": device.lower()}
    return told | {"dtype": "F16 weights, its own choice of arithmetic and of cache"}, run


def scheduler() -> genai.SchedulerConfig:
    """How requests share the cache."""
    config = genai.SchedulerConfig()
    config.cache_size = CACHE_GB
    config.max_num_seqs = SEQUENCES
    config.max_num_batched_tokens = BATCHED_TOKENS
    config.enable_prefix_caching = False
    return config


def generation(job: Mapping[str, Any]) -> genai.GenerationConfig:
    """Forced length, temperature 1, log probabilities of the sampled tokens."""
    config = genai.GenerationConfig()
    config.max_new_tokens = job["tokens"]
    config.ignore_eos = True
    config.do_sample = True
    config.temperature = 1.0
    config.top_p = 1.0
    config.top_k = 0
    config.num_return_sequences = job["group"]
    config.logprobs = 1
    config.apply_chat_template = False
    return config


def text_of(output: Any) -> dict[str, Any]:
    """Tokens and log probabilities of one completion."""
    return {"tokens": list(output.generated_ids), "logprobs": list(output.generated_log_probs)}


if __name__ == "__main__":
    serve(prepare)
