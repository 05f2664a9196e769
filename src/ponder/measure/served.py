"""Rollouts of a model that is only talked to, behind an endpoint.

It tells no token ids, and nobody can put words into its thinking, but what it says is judged and counted like all else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ponder.rollout import Examiner, common_cell, messages_of, stream_of
from ponder.types import (
    Asking,
    Cell,
    Completion,
    Mode,
    Outcome,
    PonderError,
    Problem,
    Reply,
    Respondent,
    Role,
    Rollout,
    Status,
    Verdict,
)

MODES = (Mode.FREE, Mode.FEWSHOT, Mode.FORCED, Mode.TRANSLATED, Mode.BUDGET)
"""Ways in which it can be asked; the others put something into its thinking."""
THINKS = (Mode.FORCED, Mode.TRANSLATED, Mode.BUDGET)
"""Of those, the ones in which it is asked to think."""
TOGETHER = 64
"""Replies that are asked for before they are judged."""
LOST = "nobody answered"
"""Verifier of a rollout without a reply: it is nobody's answer, and worth nothing, not 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interviewer:
    """Makes rollouts by asking a respondent, where a `ponder.rollout.Roller` would sample."""

    respondent: Respondent
    """Who answers."""
    examiner: Examiner
    """Who judges."""
    seed: int
    """First part of every sample's stream."""
    heard: Callable[[], None] = lambda: None
    """Called for each reply."""

    def roll(
        self,
        problems: Sequence[Problem],
        cells: Sequence[Cell],
        *,
        group: int,
        stage: str,
        step: int = 0,
        version: int = 0,
    ) -> list[Rollout]:
        """As `Roller.roll`; a reply that never came is a rollout whose verdict has a status and no value."""
        cell = common_cell(cells)
        check_mode(cell.mode)
        places = [(i, g) for i in range(len(problems)) for g in range(group)]
        found: list[Rollout] = []
        for start in range(0, len(places), TOGETHER):
            some = places[start : start + TOGETHER]
            asked = [messages_of(problems[i], cell.mode) for i, _ in some]
            streams = [stream_of(self.seed, stage, step, problems[i], g) for i, g in some]
            replies = self.respondent.respond(asked, asking_of(cell), streams)
            completions = [completion_of(reply, cell, version) for reply in replies]
            verdicts = self._verdicts([problems[i] for i, _ in some], replies, completions)
            found += [
                Rollout(
                    stage=stage,
                    step=step,
                    sample=g,
                    cell=cells[i],
                    problem=problems[i],
                    completion=completions[k],
                    verdicts=verdicts[k],
                )
                for k, (i, g) in enumerate(some)
            ]
        return found

    def _verdicts(
        self, problems: Sequence[Problem], replies: Sequence[Reply], completions: Sequence[Completion]
    ) -> list[tuple[Verdict, ...]]:
        """What the examiner says of the replies that came; of the others why they did not."""
        came = [k for k, reply in enumerate(replies) if reply.status is Status.JUDGED]
        judged = self.examiner.examine([problems[k] for k in came], [completions[k] for k in came])
        verdicts = dict(zip(came, judged, strict=True))
        for _ in replies:
            self.heard()
        return [verdicts[k] if k in verdicts else _lost(reply) for k, reply in enumerate(replies)]


def check_mode(mode: str) -> None:
    """Raise PonderError for a way of asking that needs more than words."""
    if mode not in MODES:
        raise PonderError(
            f"modes: {mode!r} puts something into the model's thinking, which nobody can do behind an endpoint; "
            f"there are {', '.join(MODES)}"
        )


def asking_of(cell: Cell) -> Asking:
    """How a cell is asked."""
    thinks = cell.mode in THINKS
    return Asking(
        max_tokens=cell.budget,
        temperature=cell.temperature,
        think=thinks,
        think_at_least=cell.think_at_least if thinks else 0,
        think_at_most=cell.think_at_most if thinks else None,
    )


def completion_of(reply: Reply, cell: Cell, version: int) -> Completion:
    """A reply that took all the tokens there were was cut, since a reply does not say how it ended.

    One that never came is no fault of the model's: its verdict tells.
    """
    lost = reply.status is not Status.JUDGED
    outcome = Outcome.ANSWERED if lost or reply.answer.strip() else Outcome.NO_ANSWER
    return Completion(
        prompt=(),
        tokens=(),
        logprobs=(),
        policy_version=version,
        thinking=reply.thinking,
        thinking_tokens=_thinking_tokens(reply),
        answer=reply.answer.strip(),
        outcome=Outcome.TRUNCATED if not lost and reply.tokens >= cell.budget else outcome,
        counted=reply.tokens,
    )


def _thinking_tokens(reply: Reply) -> int:
    """As the server counts; else by the share of the text."""
    if not reply.thinking or reply.thinking_tokens is not None:
        return reply.thinking_tokens or 0
    return round(reply.tokens * len(reply.thinking) / max(1, len(reply.thinking) + len(reply.answer)))


def _lost(reply: Reply) -> tuple[Verdict, ...]:
    return (Verdict(verifier=LOST, value=None, role=Role.PAY, status=reply.status, explanation=reply.reason),)
