"""A made-up run of any size, as a training writes it: one Parquet file a step, and three of measuring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ponder.runs.files import replacing
from ponder.runs.folder import Run
from ponder.runs.table import SCHEMA

DOMAINS = ("arithmetic", "programs", "lookups", "cups", "calendar", "robot")
GROUP = 8
"""Rollouts of one problem."""
LENGTHS = (40, 200)
"""Fewest and most tokens of a completion."""
WORDS = ("carry the digit", "then add", "which leaves", "so far", "multiply by", "check again", "take away", "hence")


def make(folder: Path, rollouts: int, *, a_step: int = 1000) -> Path:
    """Write the run: nine in ten rollouts are training's; the same numbers give the same run."""
    with Run.create(folder, {"recipe": {"name": "large"}, "seeds": {"recipe": 1}, "versions": {}}) as run:
        steps = rollouts * 9 // 10 // a_step
        for step in range(steps):
            table = _table(np.random.default_rng(step), a_step, stage="reinforce", step=step, split="train")
            _write(run.rollouts_file("reinforce", step), table)
            paid = table["paid"].to_numpy()
            run.log_metrics("reinforce", step, {"reward": float(np.nanmean(paid)), "loss": 1 / (1 + step)})
        for index, name in enumerate(("before", "forced", "after")):
            rng = np.random.default_rng(10**6 + index)
            _write(run.measured_file(name), _table(rng, rollouts // 30, stage="transfer", step=0, split="test"))
    return folder


def _write(path: Path, table: pa.Table) -> None:
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _table(rng: np.random.Generator, rows: int, *, stage: str, step: int, split: str) -> pa.Table:
    """Rollouts of groups of 8, with texts, tokens and logprobs that compress no better than real ones."""
    group = np.arange(rows) // GROUP
    domain = rng.integers(0, len(DOMAINS), group.max() + 1)[group]
    numbers = rng.integers(10, 10**6, (group.max() + 1, 2))[group]
    right = rng.random(rows) < min(0.9, 0.3 + step / 1000)
    paid = np.where(rng.random(rows) < 0.03, ~right, right).astype(float)
    tokens = rng.integers(*LENGTHS, rows)
    said = numbers.sum(1) + np.where(right, 0, rng.integers(1, 9, rows))
    columns = _who(rows, stage, step, split, [DOMAINS[index] for index in domain]) | {
        "sample": np.arange(rows) % GROUP,
        "problem_id": [f"{DOMAINS[d]}/{split}/7/{step * 1000 + g}" for d, g in zip(domain, group, strict=True)],
        "pair_id": [f"{step:08x}{g:08x}" for g in group],
        "content": [f"{step:08x}{g:08x}" for g in group],
        "messages": [[{"role": "user", "content": f"Start with {a}. Add {b}. What is left?"}] for a, b in numbers],
        "reference": [str(a + b) for a, b in numbers],
        "thinking": [_thinking(rng, a, b, n) for (a, b), n in zip(numbers, tokens, strict=True)],
        "thinking_tokens": tokens - 3,
        "completion_tokens": tokens,
        "answer": [str(each) for each in said],
        "outcome": np.where(rng.random(rows) < 0.04, "truncated", "answered"),
        "verdicts": [_verdicts(*each) for each in zip(paid, right, said, strict=True)],
        "paid": paid,
        "gold": right.astype(float),
        "prompt_ids": [[1, 2, 3]] * rows,
        "forced": [[]] * rows,
    }
    made = {name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()}
    made |= _drawn(rng, tokens)
    return pa.table([made[name] for name in SCHEMA.names], schema=SCHEMA)


def _who(rows: int, stage: str, step: int, split: str, domains: list[str]) -> dict[str, list]:
    same = {
        "run": "large",
        "stage": stage,
        "step": step,
        "policy_version": step,
        "checkpoint": "reinforce",
        "split": split,
        "tier": "" if split == "train" else "trained",
        "language": "en",
        "attack": "none",
        "strength": 0.0,
        "mode": "free",
        "budget": 200,
        "think_at_least": 0,
        "think_at_most": None,
        "temperature": 1.0,
        "difficulty": 2.0,
    }
    return {name: [value] * rows for name, value in same.items()} | {"domain": domains}


def _thinking(rng: np.random.Generator, one: int, two: int, tokens: int) -> str:
    words = " ".join(f"{WORDS[index]} {number}" for index, number in rng.integers(0, 8, (tokens // 5, 2)))
    return f"{one} plus {two}: {words}"


def _verdicts(paid: float, right: bool, said: int) -> list[dict]:
    judged = {"status": "judged", "parts": [], "tokens": 0}
    return [
        judged | {"verifier": "judge", "role": "pay", "value": paid, "explanation": f"judge says {said}"},
        judged | {"verifier": "number", "role": "gold", "value": float(right), "explanation": f"whole text: '{said}'"},
    ]


def _drawn(rng: np.random.Generator, tokens: np.ndarray) -> dict[str, pa.Array]:
    offsets = pa.array(np.concatenate([[0], tokens.cumsum()]), pa.int32())
    ids = pa.array(rng.integers(0, 2000, tokens.sum()), pa.int32())
    logprobs = pa.array(-rng.exponential(0.4, tokens.sum()).astype(np.float32))
    return {
        "token_ids": pa.ListArray.from_arrays(offsets, ids),
        "logprobs": pa.ListArray.from_arrays(offsets, logprobs),
    }
