"""Whether the work was the same: log probabilities of the sampled tokens, checked by those who did not sample them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.context import Context
from benchmarks.prompts import worded
from benchmarks.rounds import GoneError, Played
from benchmarks.store import Outcome
from benchmarks.works.sampling import PEERS, sampling_job
from ponder.runs.result import Number

Texts = list[list[dict[str, Any]]]
"""By prompt and number: `tokens` and `logprobs`."""
Scores = list[list[list[float]]]
"""By prompt and number, a log probability for each token."""


def gap(context: Context) -> Outcome:
    """Sampler against learner, and every contestant of sampling_64 against transformers' forward pass in fp32."""
    written = {name: texts for name in ("ponder", *PEERS) if (texts := read(context.texts("sampling_64", name)))}
    own = {name: texts for name, texts in written.items() if name == "ponder"}
    absent = {} if own else {"ponder": "no texts of sampling_64: measure that first"}
    numbers: dict[str, Number] = {}
    for scorer, texts, what in (
        ("ponder", own, "ponder's learner"),
        ("transformers", written, "transformers' forward pass in fp32"),
    ):
        try:
            scored = scores(context, scorer, texts)
        except GoneError as error:
            absent[scorer] = str(error)
            continue
        for name, found in scored.items():
            label = "logprob_gap" if scorer == "ponder" else f"check.{name}"
            numbers |= differences(label, texts[name], found, what)
    return Outcome(played=Played(absent=absent), numbers=numbers, notes=(counted(written),))


def counted(written: Mapping[str, Texts]) -> str:
    """How many tokens each contestant wrote, in a line."""
    counts = {name: sum(len(each["tokens"]) for each in chain(*texts)) for name, texts in written.items()}
    same = "the same" if len(set(counts.values())) <= 1 else "NOT the same"
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f"tokens written in sampling_64 are {same}: {told}"


def read(path: Path) -> Texts | None:
    """What a contestant wrote; None where it wrote nothing."""
    return json.loads(path.read_text()) if path.exists() else None


def scores(context: Context, scorer: str, written: Mapping[str, Texts]) -> dict[str, Scores]:
    """What a contestant thinks of the tokens that each wrote."""
    if not written:
        return {}
    prompts = worded(context.model, max(map(len, written.values())))
    child = context.child(scorer, sampling_job(context, prompts, tokens=1) | {"kind": "score"}, "gap")
    found = {}
    try:
        for name, texts in written.items():
            path = context.texts("gap", f"{scorer}-of-{name}")
            completions = [[each["tokens"] for each in group] for group in texts]
            child.ask({"completions": completions, "texts": str(path)})
            found[name] = json.loads(path.read_text())
    finally:
        child.stop()
    return found


def differences(name: str, texts: Texts, scored: Scores, what: str) -> dict[str, Number]:
    """|log probability told - log probability scored| over all tokens."""
    told = np.array([value for each in chain(*texts) for value in each["logprobs"]])
    found = np.array([value for each in chain(*scored) for value in each])
    gaps = np.abs(told - found)
    query = f"sampling_64's last round: |log probability as sampled - by {what}| over {len(gaps)} tokens"
    values = {"mean": float(gaps.mean()), "p999": float(np.quantile(gaps, 0.999))}
    return {
        f"{name}.{key}": Number(value, None, None, n=len(gaps), unit="nats", query=f"{query}: {key}")
        for key, value in values.items()
    }
