"""The floor: how long the bare matrix products of a work take, at the rate this machine reaches in this very run.

The weights are those of all layers, one after another, so that none is in the processor's cache when its turn comes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from protocol import Prepare, Run, serve, versions
from torch import Tensor
from torch.nn.functional import linear

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
"""Where the products are made: a GPU where there is one."""
SAMPLING_ROWS = 64
"""Rows of a product while sampling."""
LEARNING_ROWS = 1024
"""Rows of a product while learning."""
SQUARE = 1024
"""Sides of the matrices by which a dtype is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """Every matrix of a model, with random numbers in it."""

    layers: list[Tensor]
    """Of all layers, in order, each [out, in]."""
    head: Tensor
    """[vocabulary, hidden]."""

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Matrices:
        """As large as those of the job's model."""
        config = json.loads((Path(job["model"]) / "config.json").read_text())
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        size = config.get("head_dim") or hidden // config["num_attention_heads"]
        queries, keys = config["num_attention_heads"] * size, config["num_key_value_heads"] * size
        shapes = [(queries, hidden), (keys, hidden), (keys, hidden), (hidden, queries)]
        shapes += [(inner, hidden), (inner, hidden), (hidden, inner)]
        dtype = getattr(torch, job["dtype"])
        layers = [torch.randn(shape, dtype=dtype) for _ in range(config["num_hidden_layers"]) for shape in shapes]
        return cls(layers=layers, head=torch.randn((config["vocab_size"], hidden), dtype=dtype))


def forward(weights: list[Tensor], rows: int) -> Callable[[], None]:
    """x W^T for every matrix."""
    inputs = {weight.shape[1]: torch.randn(rows, weight.shape[1], dtype=weight.dtype) for weight in weights}

    def sweep() -> None:
        for weight in weights:
            linear(inputs[weight.shape[1]], weight)

    return sweep


def forward_and_backward(weights: list[Tensor], rows: int) -> Callable[[], None]:
    """x W^T, and the gradients of x and W, for every matrix."""
    sizes = {size for weight in weights for size in weight.shape}
    numbers = {size: torch.randn(rows, size, dtype=weights[0].dtype) for size in sizes}

    def sweep() -> None:
        for weight in weights:
            given, gradient = numbers[weight.shape[1]], numbers[weight.shape[0]]
            linear(given, weight)
            gradient @ weight
            gradient.T @ given

    return sweep


def seconds(sweep: Callable[[], None], least: float) -> float:
    """Mean seconds of a sweep, over as many as fill `least` seconds."""
    done_with(sweep)
    began, done = time.perf_counter(), 0
    while not done or time.perf_counter() - began < least:
        done_with(sweep)
        done += 1
    return (time.perf_counter() - began) / done


def done_with(sweep: Callable[[], object]) -> None:
    """A sweep to its end, which a GPU otherwise reaches later."""
    sweep()
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def products(job: dict[str, Any], kind: Callable[[list[Tensor], int], Callable[[], None]], rows: int) -> Run:
    """The seconds that the job's positions take, by the time of a sweep over `rows` of them."""
    matrices = Matrices.of(job)
    layers, head = kind(matrices.layers, rows), kind([matrices.head], rows)

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        layers_seconds, head_seconds = seconds(layers, job["least"]), seconds(head, job["least"] / 3)
        total = (job["layer_positions"] * layers_seconds + job["head_positions"] * head_seconds) / rows
        products_each = 2.0 * rows * (3 if kind is forward_and_backward else 1)
        rate = products_each * sum(weight.numel() for weight in matrices.layers) / layers_seconds
        return {"seconds": total, "tokens": job["head_positions"], "gflops": rate / 1e9}

    return run


def sampling(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Forward, at the batch that sampling has."""
    return {}, products(job, forward, SAMPLING_ROWS)


def learning(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Forward and backward, at the batch that learning has."""
    return {}, products(job, forward_and_backward, LEARNING_ROWS)


def dtypes(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """GFLOP/s of a product in each dtype."""

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        rates = {}
        for name in ("float32", "bfloat16"):
            left, right = (torch.randn(SQUARE, SQUARE).to(getattr(torch, name)) for _ in range(2))
            took = seconds(lambda left=left, right=right: left @ right, job["least"])
            rates[name] = 2 * SQUARE**3 / took / 1e9
        return {"tokens": 0, "gflops": rates}

    return {}, run


KINDS: dict[str, Prepare] = {"sampling": sampling, "learner": learning, "dtypes": dtypes}
"""By the job's kind."""


def prepare(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Get ready for the job."""
    torch.set_num_threads(job["cores"])
    torch.set_default_device(DEVICE)
    known, run = KINDS[job["kind"]](job)
    told = {"versions": versions("torch"), "dtype": job.get("dtype", ""), "device": DEVICE}
    return told | known, run


if __name__ == "__main__":
    serve(prepare)
