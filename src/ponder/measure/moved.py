"""How far a policy has moved from the model that its run began with: KL(policy || beginning), on what it wrote itself.

A completion is drawn from the policy, so the mean of log(policy / beginning) over completions is a Monte-Carlo estimate
of the divergence, which forgetting is said to follow ("RL's Razor", arXiv:2509.04259). Only where a suite says `moved`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import exp

import numpy as np
from duckdb import DuckDBPyConnection

from ponder.measure import statistics
from ponder.measure.statistics import Estimate
from ponder.measure.suite import LABELS
from ponder.runs.result import Number
from ponder.types import Branch, Completion, Lesson, Role, Rollout, Scorer, Verdict

NAME = "moved"
"""Whose the verdicts are; no judge's."""
TOLD = """select domain, problem_id, parts['log_ratio'] as nats, parts['tokens'] as tokens from (
  select *, [v.parts for v in verdicts if v.verifier = 'moved'][1] as parts from rollouts
  where checkpoint = '{checkpoint}' and mode = 'free' and attack = 'none')
  where parts is not null order by all"""


def watched(rollouts: Sequence[Rollout], beginning: Scorer) -> list[Rollout]:
    """The rollouts, which agree in temperature, each with one verdict more; a problem's samples stand side by side."""
    temperatures = {rollout.cell.temperature for rollout in rollouts}
    assert len(temperatures) == 1 and 0 not in temperatures, "completions are drawn, at one temperature"
    groups = [list(group) for _, group in groupby(rollouts, lambda rollout: rollout.completion.prompt)]
    found = beginning.logprobs([_lesson(group) for group in groups], temperature=temperatures.pop())
    return [
        replace(rollout, verdicts=(*rollout.verdicts, verdict(rollout.completion, logprobs)))
        for group, each in zip(groups, found, strict=True)
        for rollout, logprobs in zip(group, each, strict=True)
    ]


def _lesson(group: Sequence[Rollout]) -> Lesson:
    branches = tuple(Branch(tokens=rollout.completion.tokens, weight=0.0) for rollout in group)
    return Lesson(prompt=group[0].completion.prompt, branches=branches)


def verdict(completion: Completion, beginning: Sequence[float]) -> Verdict:
    """exp(-max(0, log ratio) / tokens) over the tokens that were drawn; `beginning`: its log probability `[T]` of each.

    It is the geometric mean of the likelihood ratio beginning / policy, at most 1.
    """
    drawn = [t for t in range(len(completion.tokens)) if t not in completion.forced]
    nats = sum(completion.logprobs[t] - beginning[t] for t in drawn)
    return Verdict(
        verifier=NAME,
        role=Role.WATCH,
        value=exp(-max(0.0, nats) / max(1, len(drawn))),
        explanation=f"{nats:+.3f} nats over {len(drawn)} tokens",
        parts={"log_ratio": nats, "tokens": float(len(drawn))},
    )


def numbers(con: DuckDBPyConnection) -> dict[str, Number]:
    """`moved.LABEL.DOMAIN.completion` and `.token`: nats for each of them, where it was asked; else nothing."""
    found: dict[str, Number] = {}
    for checkpoint, label in LABELS.items():
        query = TOLD.format(checkpoint=checkpoint)
        for domain, rows in groupby(con.execute(query).fetchall(), lambda row: row[0]):
            for key, e, worth in _divergences([row[1:] for row in rows]):
                told = f"select {worth} from ({' '.join(query.split())}) where domain = '{domain}'"
                found[f"moved.{label}.{domain}.{key}"] = Number(e.value, e.low, e.high, e.n, "nats", told)
    return found


def _divergences(rows: Sequence[tuple[str, float, float]]) -> Iterator[tuple[str, Estimate, str]]:
    """Key, estimate and SQL of each; that of a token is a ratio of means, whose error is linearised."""
    problems, *columns = zip(*rows, strict=True)
    nats, tokens = np.array(columns, dtype=float)
    yield "completion", statistics.mean(nats, problems), "avg(nats)"
    each = nats.sum() / max(1.0, tokens.sum())
    linear = each + (nats - each * tokens) / max(1.0, tokens.mean())
    yield "token", statistics.mean(linear, problems), "sum(nats) / sum(tokens)"
