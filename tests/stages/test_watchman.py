from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import ask
from ponder.measure.statistics.drift import Drift
from ponder.measure.watching import Watch
from ponder.stages.watchman import OnAlarm, Watchman
from ponder.types import Cell, Completion, Outcome, Role, Rollout, Status, Verdict


def rollout(paid: float | None, watch: float | None, *, index: int, step: int = 0, sample: int = 0) -> Rollout:
    completion = Completion(
        prompt=(1,),
        tokens=(2,),
        logprobs=(-0.1,),
        policy_version=0,
        thinking=None,
        thinking_tokens=0,
        answer="7",
        outcome=Outcome.ANSWERED,
    )
    verdicts = [
        Verdict(verifier=str(role), role=role, value=value, status=Status.JUDGED if value is not None else Status.ERROR)
        for role, value in ((Role.PAY, paid), (Role.GOLD, watch))
    ]
    return Rollout(
        stage="reinforce",
        step=step,
        sample=sample,
        cell=Cell(checkpoint="reinforce", domain="sums", split="train"),
        problem=ask("3 + 4?", index=index),
        completion=completion,
        verdicts=tuple(verdicts),
    )


def watchman(*, share: float = 1.0, on_alarm: OnAlarm = "stop") -> Watchman:
    drift = Drift(level=0.05, tolerance=0.05, opening=4)
    return Watchman(Watch(drift=drift, role=Role.GOLD, share=share), on_alarm=on_alarm)


def test_the_gap_is_that_of_what_both_have_judged():
    rollouts = [rollout(1.0, 0.0, index=0), rollout(0.5, 0.5, index=1), rollout(None, 1.0, index=2)]
    rollouts.append(rollout(1.0, None, index=3))
    told = watchman().hear(rollouts)
    assert told == {"watch_gap": 0.5, "watch_evidence": 1.0, "watch_alarm": 0.0}
    assert "watch_gap" not in watchman().hear(rollouts[2:])


def test_rewards_that_leave_gold_behind_stop_the_stage():
    guard, step = watchman(), 0
    for step in range(60):
        paid = 0.5 if step < 10 else 1.0  # gold stays where it was
        guard.hear([rollout(paid, float(i % 2), index=100 * step + i, step=step) for i in range(16)])
        if guard.reason:
            break
    assert 10 < step < 40
    assert guard.reason.startswith("rl.watch: what pays has drifted from what watches: mean gap +0.00 at first, +0.")
    guard.on_alarm = "warn"
    assert guard.reason == ""


def test_a_policy_is_good_where_its_own_rollouts_spoke_for_no_drift():
    guard, evidence = watchman(on_alarm="roll_back"), []
    for step in range(30):
        paid = 0.5 if step < 10 else 1.0
        told = guard.hear([rollout(paid, float(i % 2), index=100 * step + i, step=step) for i in range(16)])
        evidence.append(told["watch_evidence"])
    assert guard.alarm.sounded and guard.goes_back and not watchman().goes_back
    assert [guard.good(step) for step in range(30)] == [value <= 1 for value in evidence]
    assert all(map(guard.good, range(10))) and not any(map(guard.good, range(14, 40)))
    assert guard.reason.endswith("level 0.05)") and "\n" not in guard.reason


def test_an_honest_gap_is_no_alarm():
    guard = watchman()
    for step in range(80):
        guard.hear([rollout(1.0, float(i % 4 > 0), index=100 * step + i, step=step) for i in range(16)])
    assert not guard.alarm.sounded and guard.alarm.gap.opening == pytest.approx(0.25)


def test_a_share_is_watched_whatever_was_paid():
    rows = [rollout(1.0, 0.0, index=i) for i in range(400)]
    picked = {r.problem.id for r in rows if watchman(share=0.25)._gap(r) is not None}
    assert 60 < len(picked) < 140
    other = [replace(r, verdicts=r.verdicts[::-1]) for r in rows]
    assert picked == {r.problem.id for r in other if watchman(share=0.25)._gap(r) is not None}
