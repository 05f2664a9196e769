"""Rollouts made up for tests: small ones by hand, and a whole run drawn from stated chances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from ponder.measure.transfer import CONDITIONS
from ponder.runs.table import write_rollouts
from ponder.types import Cell, Completion, Message, Outcome, Problem, Role, Rollout, Status, Verdict

CHANCES: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "chains": ("trained", (0.06, 0.10, 0.38, 0.52, 0.79)),
    "programs": ("trained", (0.04, 0.12, 0.27, 0.40, 0.83)),
    "legs": ("shown", (0.02, 0.05, 0.17, 0.15, 0.14)),
    "coin": ("shown", (0.48, 0.50, 0.60, 0.66, 0.81)),
    "where": ("shown", (0.20, 0.31, 0.95, 0.90, 0.85)),
    "calendar": ("unseen", (0.08, 0.10, 0.10, 0.12, 0.19)),
    "colours": ("unseen", (0.22, 0.35, 0.30, 0.34, 0.33)),
    "letters": ("unseen", (0.00, 0.02, 0.00, 0.00, 0.02)),
}
"""Domain -> tier and the chance to be right in each condition, in the order of `CONDITIONS`."""

SHARE_THINKING = {"untouched": 0.0, "fewshot": 0.0, "before": 0.3, "forced": 1.0, "after": 0.97}


def verdict(value: float | None, *, name: str = "number", role: Role = Role.PAY, explanation: str = "") -> Verdict:
    """A judged verdict, or for None one of a verifier that failed."""
    status = Status.TIMEOUT if value is None else Status.JUDGED
    return Verdict(verifier=name, value=value, role=role, status=status, explanation=explanation)


def rollout(
    condition: str,
    problem: str,
    right: float | None,
    *,
    tier: str = "trained",
    domain: str = "chains",
    sample: int = 0,
    thinking: str | None = None,
    answer: str = "7",
    outcome: Outcome = Outcome.ANSWERED,
    question: str = "What is 3 + 4?",
    verdicts: Sequence[Verdict] = (),
    difficulty: float | None = None,
    **cell: Any,
) -> Rollout:
    """One rollout; thinking costs a token a word, and the answer 2 tokens."""
    checkpoint, mode = CONDITIONS[condition]
    spent = 0 if thinking is None else len(thinking.split())
    completion = Completion(
        prompt=(1,),
        tokens=(2,) * (spent + 2),
        logprobs=(-0.5,) * (spent + 2),
        policy_version=0,
        thinking=thinking,
        thinking_tokens=spent,
        answer=answer,
        outcome=outcome,
    )
    return Rollout(
        stage="transfer",
        step=0,
        sample=sample,
        cell=replace(Cell(checkpoint=checkpoint, domain=domain, split="test", tier=tier, mode=mode, budget=96), **cell),
        problem=Problem(
            id=f"{domain}/test/0/{problem}",
            domain=domain,
            split="test",
            messages=(Message(role="user", content=question),),
            reference="7",
            difficulty=difficulty,
        ),
        completion=completion,
        verdicts=(verdict(right, explanation="rule `answer tag`: found 7"), *verdicts),
    )


def connect(rollouts: Sequence[Rollout], folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection whose view `rollouts` holds these, by way of a Parquet file in `folder`."""
    path = folder / "measured" / "transfer.parquet"
    write_rollouts(path, rollouts, run="made-up")
    connection = duckdb.connect()
    connection.execute(f"create view rollouts as select * from read_parquet('{path}')")
    return connection


def whole_run(seed: int = 0, *, problems: int = 48, chances: Mapping = CHANCES) -> Iterator[Rollout]:
    """Every condition of every domain on the same problems, 2 samples each."""
    random = np.random.default_rng(seed)
    for domain, (tier, chance) in chances.items():
        ease = random.normal(0, 0.12, problems)
        for condition, mean in zip(SHARE_THINKING, chance, strict=True):
            for index in range(problems):
                for sample in range(2):
                    yield _drawn(random, condition, (domain, tier, index, sample), mean + ease[index] * (mean > 0.05))


def _drawn(random: np.random.Generator, condition: str, at: tuple[str, str, int, int], chance: float) -> Rollout:
    domain, tier, index, sample = at
    one, two = (int(random.integers(10, 60)) for _ in range(2))
    right = bool(random.random() < chance)
    said = str(one + two if right else one + two + int(random.integers(1, 9)))
    thinks = random.random() < SHARE_THINKING[condition]
    fate = random.choice(
        np.array([Outcome.ANSWERED, Outcome.TRUNCATED, Outcome.NO_ANSWER]),
        p=[0.93, 0.05, 0.02] if not right else [1, 0, 0],
    )
    steps = f"Start with {one}. Add {two}: that makes {said}." * int(random.integers(1, 3))
    return rollout(
        condition,
        str(index),
        None if random.random() < 0.004 else float(right),
        tier=tier,
        domain=domain,
        sample=sample,
        thinking=steps if thinks else None,
        answer=said if fate == Outcome.ANSWERED else "",
        outcome=Outcome(str(fate)),
        question=f"A box holds {one} beads. {two} more go in. How many beads does it hold?",
        verdicts=[verdict(float(right), name="lenient", role=Role.WATCH)],
    )
