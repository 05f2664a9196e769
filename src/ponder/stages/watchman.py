"""Who hears, step by step, whether what pays has drifted from what watches, and may stop the stage."""

from __future__ import annotations

from collections.abc import Sequence

from ponder.measure.statistics.drift import Alarm
from ponder.measure.watching import Watch
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import Rollout


class Watchman:
    """Compares rewards with watch verdicts; see `ponder.measure.statistics.drift`."""

    def __init__(self, watch: Watch, *, stops: bool = True) -> None:
        """`stops`: whether an alarm ends the stage."""
        self.watch, self.stops = watch, stops
        self.alarm = Alarm(watch.drift)

    def hear(self, rollouts: Sequence[Rollout]) -> dict[str, float]:
        """Metrics after one more step: the mean gap of its watched rollouts, the evidence, whether the alarm sounds."""
        gaps, problems = [], []
        for rollout in rollouts:
            gap = self._gap(rollout)
            if gap is not None:
                gaps.append(gap)
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

    def _gap(self, rollout: Rollout) -> float | None:
        watch = rollout.verdict(self.watch.role)
        return self.watch.gap(
            rollout.paid,
            watch and watch.value,
            problem=rollout.problem.id,
            step=rollout.step,
            sample=rollout.sample,
        )
