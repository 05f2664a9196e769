"""One Parquet schema for every rollout, of training and of measuring."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ponder.runs.files import replacing
from ponder.types import Cell, Completion, Message, Outcome, PonderError, Problem, Role, Rollout, Status, Verdict

SCHEMA_VERSION = 2

_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
_VERDICT = pa.struct(
    [
        ("verifier", pa.string()),
        ("role", pa.string()),
        ("status", pa.string()),
        ("value", pa.float64()),
        ("explanation", pa.string()),
        ("parts", pa.map_(pa.string(), pa.float64())),
        ("tokens", pa.int32()),
    ]
)
SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("stage", pa.string()),
        ("step", pa.int32()),
        ("sample", pa.int32()),
        ("policy_version", pa.int32()),
        ("checkpoint", pa.string()),
        ("domain", pa.string()),
        ("split", pa.string()),
        ("tier", pa.string()),
        ("language", pa.string()),
        ("attack", pa.string()),
        ("strength", pa.float64()),
        ("mode", pa.string()),
        ("budget", pa.int32()),
        ("think_at_least", pa.int32()),
        ("think_at_most", pa.int32()),
        ("temperature", pa.float64()),
        ("problem_id", pa.string()),
        ("pair_id", pa.string()),
        ("difficulty", pa.float64()),
        ("content", pa.string()),
        ("messages", pa.list_(_MESSAGE)),
        ("reference", pa.string()),
        ("prompt_ids", pa.list_(pa.int32())),
        ("token_ids", pa.list_(pa.int32())),
        ("logprobs", pa.list_(pa.float32())),
        ("forced", pa.list_(pa.int32())),
        ("thinking", pa.string()),
        ("thinking_tokens", pa.int32()),
        ("completion_tokens", pa.int32()),
        ("answer", pa.string()),
        ("outcome", pa.string()),
        ("verdicts", pa.list_(_VERDICT)),
        ("paid", pa.float64()),
        ("gold", pa.float64()),
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)
"""Columns of the table; `pair_id`, `difficulty`, `think_at_most`, `thinking`, `paid`, `gold` and a verdict's `value`
may be null."""

_CELL = tuple(each.name for each in fields(Cell))


def write_rollouts(path: Path, rollouts: Iterable[Rollout], *, run: str) -> None:
    """Write rollouts of the run of that name as one Parquet file: equal rollouts, equal bytes.

    `Problem.facts` are left out, logprobs are kept in float32, and a lone surrogate becomes U+FFFD.
    """
    rows = [_row(rollout, run) for rollout in rollouts]
    try:
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
    except UnicodeEncodeError:  # Parquet's text is UTF-8, and a Python string need not be.
        table = pa.Table.from_pylist([_encodable(row) for row in rows], schema=SCHEMA)
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_rollouts(path: Path) -> list[Rollout]:
    """The rollouts in a Parquet file, in the order in which they were written."""
    reason = damage(path)
    if reason:
        raise PonderError(f"{path}: {reason}: remove it, and resume or measure again")
    return [_rollout(row) for row in pq.ParquetFile(path).read().to_pylist()]


def damage(path: Path, *, pages: bool = False) -> str | None:
    """Why a file cannot be read as rollouts (cut short, something else), or None; with `pages` all of it is read."""
    try:
        schema = pq.read_table(path).schema if pages else pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return "not a whole Parquet file"
    version = (schema.metadata or {}).get(b"schema_version", b"").decode()
    if version.isdigit() and int(version) > SCHEMA_VERSION:
        raise PonderError(f"{path}: schema_version = {version}: made by a newer ponder: upgrade this one")
    if version.isdigit() and int(version) < SCHEMA_VERSION:
        raise PonderError(f"{path}: schema_version = {version}: made by an older ponder: train or measure again")
    return None if schema.equals(SCHEMA) else "not a table of rollouts"


def policy_version(path: Path) -> int:
    """Updates that the policy of these rollouts had had; all rollouts of a measurement agree."""
    return pq.read_table(path, columns=["policy_version"])["policy_version"][0].as_py()


def content_hash(question: str) -> str:
    """16 hex digits that tell questions apart by content, however they are spaced."""
    return hashlib.sha256(_valid(" ".join(question.split())).encode()).hexdigest()[:16]


def _row(rollout: Rollout, run: str) -> dict[str, Any]:
    """One row; each column is asked of the record that owns it."""
    cell, problem = rollout.cell, rollout.problem
    same = (cell.domain, cell.split, cell.language) == (problem.domain, problem.split, problem.language)
    assert same, f"{problem.id}: the cell and the problem name another domain, split or language"
    whose = {"run": run, "stage": rollout.stage, "step": rollout.step, "sample": rollout.sample}
    judged = {"verdicts": [_verdict_row(verdict) for verdict in rollout.verdicts], "paid": rollout.paid}
    return (
        whose
        | {name: getattr(cell, name) for name in _CELL}
        | _problem_row(problem)
        | _completion_row(rollout.completion)
        | judged
        | {"gold": gold.value if (gold := rollout.verdict(Role.GOLD)) else None}
    )


def _problem_row(problem: Problem) -> dict[str, Any]:
    return {
        "problem_id": problem.id,
        "pair_id": problem.pair_id,
        "difficulty": problem.difficulty,
        "content": content_hash(problem.question),
        "messages": [{"role": message.role, "content": message.content} for message in problem.messages],
        "reference": problem.reference,
    }


def _completion_row(completion: Completion) -> dict[str, Any]:
    return {
        "policy_version": completion.policy_version,
        "prompt_ids": completion.prompt,
        "token_ids": completion.tokens,
        "logprobs": completion.logprobs,
        "forced": completion.forced,
        "thinking": completion.thinking,
        "thinking_tokens": completion.thinking_tokens,
        "completion_tokens": completion.written,
        "answer": completion.answer,
        "outcome": completion.outcome,
    }


def _verdict_row(verdict: Verdict) -> dict[str, Any]:
    return {
        "verifier": verdict.verifier,
        "role": verdict.role,
        "status": verdict.status,
        "value": verdict.value,
        "explanation": verdict.explanation,
        "parts": sorted(verdict.parts.items()),
        "tokens": verdict.tokens,
    }


def _rollout(row: Mapping[str, Any]) -> Rollout:
    return Rollout(
        stage=row["stage"],
        step=row["step"],
        sample=row["sample"],
        cell=Cell(**{name: row[name] for name in _CELL}),
        problem=_problem(row),
        completion=_completion(row),
        verdicts=tuple(_verdict(verdict) for verdict in row["verdicts"]),
    )


def _problem(row: Mapping[str, Any]) -> Problem:
    return Problem(
        id=row["problem_id"],
        domain=row["domain"],
        split=row["split"],
        messages=tuple(Message(**message) for message in row["messages"]),
        reference=row["reference"],
        language=row["language"],
        difficulty=row["difficulty"],
        pair_id=row["pair_id"],
    )


def _completion(row: Mapping[str, Any]) -> Completion:
    return Completion(
        prompt=tuple(row["prompt_ids"]),
        tokens=tuple(row["token_ids"]),
        logprobs=tuple(row["logprobs"]),
        policy_version=row["policy_version"],
        thinking=row["thinking"],
        thinking_tokens=row["thinking_tokens"],
        answer=row["answer"],
        outcome=Outcome(row["outcome"]),
        forced=tuple(row["forced"]),
        counted=None if row["completion_tokens"] == len(row["token_ids"]) else row["completion_tokens"],
    )


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(
        verifier=row["verifier"],
        value=row["value"],
        role=Role(row["role"]),
        status=Status(row["status"]),
        explanation=row["explanation"],
        parts=dict(row["parts"]),
        tokens=row["tokens"],
    )


def _encodable(value: Any) -> Any:
    """The same rows with every text made valid UTF-8."""
    if isinstance(value, str):
        return _valid(value)
    if isinstance(value, dict):
        return {key: _encodable(inner) for key, inner in value.items()}
    return type(value)(map(_encodable, value)) if isinstance(value, list | tuple) else value


def _valid(text: str) -> str:
    """The text with surrogate pairs joined and U+FFFD for each lone one; any other text is unchanged."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
