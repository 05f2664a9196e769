"""Who hears, step by step, whether what pays has drifted from what watches, and may stop the stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ponder.measure.statistics.drift import Alarm
from ponder.measure.watching import Watch
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import Rollout

OnAlarm = Literal["warn", "stop", "roll_back"]
"""Go on; stop with an error; end at the last good checkpoint."""
REMEDY = "; read the rollouts, mend the verifier, or go on from an earlier checkpoint"


class Watchman:
    """Compares rewards with watch verdicts; see `ponder.measure.statistics.drift`."""

    def __init__(self, watch: Watch, *, on_alarm: OnAlarm = "stop") -> None:
        """`on_alarm`: what comes of the stage."""
        self.watch, self.on_alarm = watch, on_alarm
        self.alarm = Alarm(watch.drift)
        self._calm: list[bool] = []

    def hear(self, rollouts: Sequence[Rollout]) -> dict[str, float]:
        """Metrics after one more step: the mean gap of its watched rollouts, the evidence, whether the alarm sounds."""
        gaps, problems = [], []
        for rollout in rollouts:
            gap = self._gap(rollout)
            if gap is not None:
                gaps.append(gap)
                problems.append(rollout.problem.id)
        self.alarm.add(gaps, problems)
        self._calm.append(self.alarm.evidence <= 1)
        told = {"watch_evidence": self.alarm.evidence, "watch_alarm": float(self.alarm.sounded)}
        return ({"watch_gap": sum(gaps) / len(gaps)} if gaps else {}) | told

    def catch_up(self, run: Run, *, stage: str, steps: int) -> None:
        """Hear again of the `steps` steps that a run has made of a stage."""
        for index in range(steps):
            self.hear(read_rollouts(run.rollouts_file(stage, index)))

    def good(self, step: int) -> bool:
        """Whether the policy after so many steps has been heard, and all up to its own rollouts spoke for no drift.

        The evidence was at most 1 then: bets that there is a drift had won nothing so far.
        """
        return step < len(self._calm) and self._calm[step]

    @property
    def goes_back(self) -> bool:
        """Whether an alarm ends the stage at its last good checkpoint."""
        return self.on_alarm == "roll_back"

    @property
    def reason(self) -> str:
        """Why the stage must end, in one line; nothing where it need not."""
        if self.on_alarm == "warn" or not self.alarm.sounded:
            return ""
        gap = self.alarm.gap
        opening, now = (0.0 if value is None else value for value in (gap.opening, gap.now))
        return (
            f"rl.watch: what pays has drifted from what watches: mean gap {opening:+.2f} at first, {now:+.2f} now "
            f"(evidence {self.alarm.evidence:.0f}, level {self.alarm.drift.level:g}){'' if self.goes_back else REMEDY}"
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
