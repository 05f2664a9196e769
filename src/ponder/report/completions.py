"""Completions to read: a seeded choice over domains and conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from ponder.measure.transfer import CONDITIONS
from ponder.report.frame import quoted
from ponder.report.text import CONDITIONS as LABELS
from ponder.report.text import escape
from ponder.types import Tier

COUNT = 20
SEED = "twenty to read"

_CHOICE = """
with hashed as (
    select * exclude (prompt_ids, token_ids, logprobs),
        md5(concat_ws('|', $seed, stage, step, problem_id, checkpoint, mode, attack, strength, sample)) as random
    from rollouts
), within as (
    select *, row_number() over (partition by domain, checkpoint, mode, attack <> 'none' order by random) as turn
    from hashed
), dealt as (
    select *, row_number() over (partition by domain order by turn, random) as round from within
)
select * from dealt order by round, random limit $count
"""

Rollout = Mapping[str, Any]


def chosen(con: DuckDBPyConnection, *, count: int = COUNT) -> list[Rollout]:
    """`count` rollouts, dealt round by round: a domain's conditions in turn, clean and attacked, a domain once a round.

    The same rollouts give the same choice. In the order tier, domain, condition.
    """
    result = con.execute(_CHOICE, {"seed": SEED, "count": count})
    names = [column[0] for column in result.description or ()]
    found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return sorted(found, key=lambda row: (_tier(row), row["domain"], _condition(row), row["random"]))


def _tier(row: Rollout) -> int:
    return list(Tier).index(row["tier"]) if row["tier"] in list(Tier) else len(Tier)


def _condition(row: Rollout) -> int:
    pairs = list(CONDITIONS.values())
    pair = (row["checkpoint"], row["mode"])
    return pairs.index(pair) if pair in pairs else len(pairs)


def cards(rollouts: Sequence[Rollout]) -> str:
    """The rollouts as articles, thinking folded away; empty without any."""
    return f'<div class="cards">{"".join(map(_card, rollouts))}</div>' if rollouts else ""


def _card(row: Rollout) -> str:
    kind, word = _fate(row)
    heading = (
        f'<header><span class="fate {kind}">{word}</span> <b>{escape(row["domain"], limit=60)}</b> '
        f"<span>{escape(row['tier'], limit=20)} · {_label(row)}</span></header>"
    )
    answer = _text("Answer", row["answer"], "answer") if row["answer"] else '<p class="note">No answer.</p>'
    return f"<article>{heading}{_prompt(row['messages'])}{_thinking(row)}{answer}{_verdicts(row)}</article>"


def _fate(row: Rollout) -> tuple[str, str]:
    """Class and word of the badge: the outcome where the model failed, else what was paid."""
    if row["outcome"] != "answered":
        return "wrong", escape(row["outcome"].replace("_", " "))
    if row["paid"] is None:
        return "unknown", "not judged"
    return {1.0: ("right", "right"), 0.0: ("wrong", "wrong")}.get(row["paid"], ("unknown", f"paid {row['paid']:.2f}"))


def _label(row: Rollout) -> str:
    names = {pair: name for name, pair in CONDITIONS.items()}
    name = names.get((row["checkpoint"], row["mode"]))
    told = LABELS[name] if name else escape(f"{row['checkpoint']}, {row['mode']}", limit=60)
    return told if row["attack"] == "none" else f"{told}, under {escape(row['attack'], limit=60)} {row['strength']:g}"


def _prompt(messages: Sequence[Mapping[str, str]]) -> str:
    """The last turn in full, those before it folded away."""
    *earlier, last = messages
    turns = "".join(_text(turn["role"], turn["content"], "turn") for turn in earlier)
    folded = f"<details><summary>{len(earlier)} turns before</summary>{turns}</details>" if earlier else ""
    return folded + _text("Prompt", last["content"], "prompt")


def _thinking(row: Rollout) -> str:
    if row["thinking"] is None:
        return '<p class="note">It did not think.</p>'
    summary = f"<summary>Thinking, {row['thinking_tokens']} tokens</summary>"
    return f"<details>{summary}{_text('', row['thinking'], 'thinking')}</details>"


def _text(label: str, text: str, kind: str) -> str:
    name = f'<span class="label">{escape(label, limit=20)}</span>' if label else ""
    return f'<div class="said {kind}">{name}{quoted(text, label or kind)}</div>'


def _verdicts(row: Rollout) -> str:
    lines = "".join(f"<li>{_verdict(verdict)}</li>" for verdict in row["verdicts"])
    return (
        f'<ul class="verdicts">{lines}<li>right would be: <code>{escape(row["reference"], limit=300)}</code></li></ul>'
    )


def _verdict(verdict: Mapping[str, Any]) -> str:
    value = verdict["status"] if verdict["value"] is None else f"{verdict['value']:g}"
    why = f": {escape(verdict['explanation'], limit=500)}" if verdict["explanation"] else ""
    return f"{escape(verdict['verifier'], limit=60)} ({escape(verdict['role'], limit=20)}) <b>{escape(value)}</b>{why}"
