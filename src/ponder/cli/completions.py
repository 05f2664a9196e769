"""Completions to read in a terminal, a few lines each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from ponder.cli.screen import say, visible
from ponder.types import Role, Rollout

CLIP = 160
"""Characters of a completion that are shown."""


def to_read(rollouts: Sequence[Rollout], index: int) -> list[Rollout]:
    """One that was paid and one that was not, where there are both; others at another index."""
    paid = [rollout for rollout in rollouts if rollout.paid]
    rest = [rollout for rollout in rollouts if not rollout.paid]
    return [kind[index % len(kind)] for kind in (paid, rest) if kind]


def fate(rollout: Rollout) -> tuple[str, str]:
    """What came of it, and why: what it was paid, or what the filters said of it."""
    filters = [verdict for verdict in rollout.verdicts if verdict.role is Role.FILTER]
    if filters and rollout.paid is None:
        told = [f"{v.verifier} {_value(v.value)}: {v.explanation}" for v in filters]
        return "filtered", " · ".join(visible(text, most=CLIP) for text in told)
    verdict = rollout.verdicts[0] if rollout.verdicts else None
    return f"paid {_value(rollout.paid)}", visible(verdict.explanation, most=CLIP) if verdict else "nobody judged it"


def _value(value: float | None) -> str:
    return "not judged" if value is None else f"{value:g}"


def show(console: Console, rollouts: Sequence[Rollout]) -> None:
    """Rollouts to read, a few lines each; they are hostile text, and shown as such."""
    for rollout in rollouts:
        done, (label, why) = rollout.completion, fate(rollout)
        lines = {
            "asked": visible(rollout.problem.question, most=CLIP),
            "thought": "(did not think)" if done.thinking is None else visible(done.thinking, most=CLIP),
            done.outcome.replace("_", " "): visible(done.answer, most=CLIP),
            label: why,
        }
        say(console, f"    {visible(rollout.problem.domain)}", style="bold")
        for head, text in lines.items():
            say(console, f"      {head:<11} {text}", style="dim")
