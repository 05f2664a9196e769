from collections.abc import Callable

import pytest

from ponder.types import Cell, Completion, Message, Mode, Outcome, Problem, Role, Rollout, Status, Verdict


def _rollout(*, text: str = "4", step: int = 3, sample: int = 0) -> Rollout:
    return Rollout(
        stage="reinforce",
        step=step,
        sample=sample,
        cell=Cell(checkpoint="before", domain="chains", split="train", mode=Mode.FORCED, budget=64, strength=0.25),
        problem=Problem(
            id=f"chains/train/7/{step}",
            domain="chains",
            split="train",
            messages=(Message(role="system", content=text), Message(role="user", content=f"What is  2 + 2?\n{text}")),
            reference=text,
            difficulty=2.5,
            pair_id="chains-0",
        ),
        completion=Completion(
            prompt=(1, 2, 3),
            tokens=(11, 12, 2),
            logprobs=(-0.5, -1.25, 0.0),
            policy_version=9,
            thinking=text,
            thinking_tokens=2,
            answer=text,
            outcome=Outcome.ANSWERED,
        ),
        verdicts=(
            Verdict(verifier="judge", value=None, status=Status.TIMEOUT, role=Role.WATCH, tokens=40),
            Verdict(verifier="number", value=0.75, explanation=text, parts={"b": 0.5, "a": 1.0}),
            Verdict(verifier="exact", value=1.0, role=Role.GOLD),
        ),
    )


@pytest.fixture
def make_rollout() -> Callable[..., Rollout]:
    """One full rollout; every text of it is `text`."""
    return _rollout
