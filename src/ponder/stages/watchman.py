"""Who hears, step by step, whether what pays has drifted from what watches, and may stop the stage."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ponder.measure.statistics.drift import Alarm
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import Role, Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchman:
    """Compares rewards with watch verdicts; see `ponder.measure.statistics.drift`."""

    alarm: Alarm
    """The test."""
    role: Role
    """Of the verdicts that watch: GOLD or WATCH."""
    share: float = 1.0
    """Of the rollouts that are watched; which ones does not depend on what they were paid."""
    stops: bool = True
    """Whether an alarm ends the stage."""

    def hear(self, rollouts: Sequence[Rollout]) -> dict[str, float]:
        """Metrics after one more step: the mean gap of its watched rollouts, the evidence, whether the alarm sounds."""
        gaps, problems = [], []
        for rollout in rollouts:
            watch, paid = rollout.verdict(self.role), rollout.paid
            if paid is not None and watch and watch.value is not None and self._watched(rollout):
                gaps.append(paid - watch.value)
                problems.append(rollout.problem.id)
        self.alarm.add(gaps, problems)
        told = {"watch_evidence": self.alarm.evidence, "watch_alarm": float(self.alarm.sounded)}
        return ({"watch_gap": sum(gaps) / len(gaps)} if gaps else {}) | told

    def catch_up(self, run: Run, *, stage: str, steps: int) -> None:
        """Hear again of the `steps` steps that a run has made of a stage."""
        for index in range(steps):
            self.hear(read_rollouts(run.rollouts_file(stage, index)))

    @property
    def reason(self) -> str:
        """Why the stage must stop, in one line; nothing where it need not."""
        if not (self.stops and self.alarm.sounded):
            return ""
        gap = self.alarm.gap
        opening, now = (0.0 if value is None else value for value in (gap.opening, gap.now))
        return (
            f"rl.watch: what pays has drifted from what watches: mean gap {opening:+.2f} at first, {now:+.2f} now "
            f"(evidence {self.alarm.evidence:.0f}, level {self.alarm.drift.level:g}); read the rollouts, mend the "
            "verifier, or go on from an earlier checkpoint"
        )

    def _watched(self, rollout: Rollout) -> bool:
        told = f"{rollout.problem.id}/{rollout.step}/{rollout.sample}".encode()
        return int.from_bytes(hashlib.sha256(told).digest()[:8]) / 2**64 < self.share
