"""The scripts' common parts: the conversation, and rules that peers share with ponder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from benchmarks.child import Child, Seat
from benchmarks.contestants import PEERS, Contestant, Environment
from benchmarks.environments import ensure, last_line
from benchmarks.peers.answers import right
from benchmarks.peers.protocol import fake_reward
from benchmarks.rounds import GoneError

from ponder.types import Message, Problem, Submission
from ponder.verifiers.text import Number

ECHO = f"""
import sys
sys.path.insert(0, {str(PEERS)!r})
from protocol import serve

def prepare(job):
    print("chatter of a library")
    if job.get("fault"):
        raise RuntimeError(job["fault"])
    def run(request):
        if request["round"] == 9:
            raise SystemExit("killed")
        return {{"tokens": 7, "more": job["word"], "texts": [request["round"]]}}
    return {{"dtype": "float32"}}, run

if __name__ == "__main__":
    serve(prepare)
"""


@pytest.fixture
def echo(tmp_path: Path) -> Contestant:
    script = tmp_path / "echo.py"
    script.write_text(ECHO)
    return Contestant(name="echo", script=str(script), environment=None)


def start(echo: Contestant, tmp_path: Path, **job: str) -> Child:
    return Child(echo, {"cores": 1, **job}, folder=tmp_path, log=tmp_path / "log")


def test_a_contestant_is_asked_and_answers_though_its_libraries_chatter(echo: Contestant, tmp_path: Path):
    child = start(echo, tmp_path, word="hello")
    texts = tmp_path / "texts.json"
    try:
        repeat = Seat(child, lambda: [], {"texts": str(texts)}).play(3)
    finally:
        child.stop()
    assert child.known == {"dtype": "float32"}
    assert (repeat.tokens, repeat.extra) == (7, {"more": "hello"})
    assert repeat.peak_bytes > 10**6
    assert json.loads(texts.read_text()) == [3]
    assert child.process.returncode == 0


def test_one_that_does_not_start_is_gone_with_its_own_last_words(echo: Contestant, tmp_path: Path):
    with pytest.raises(GoneError, match="RuntimeError: no such device"):
        start(echo, tmp_path, fault="no such device")


def test_one_that_ends_half_way_is_gone(echo: Contestant, tmp_path: Path):
    child = start(echo, tmp_path, word="")
    try:
        with pytest.raises(GoneError, match="killed"):
            child.ask({"round": 9})
    finally:
        child.stop()


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(GoneError, match="none: not installed: without a word"):
        ensure(Environment(name="none", requirements=("nothing",)), tmp_path)
    assert not (tmp_path / "none.installed").exists()


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    (tmp_path / "made").mkdir()
    (tmp_path / "made.installed").write_text("a>=1\nwithout b")
    environment = Environment(name="made", requirements=("a>=1",), removed=("b",))
    assert ensure(environment, tmp_path) == tmp_path / "made"


def test_the_last_line_is_the_one_that_says_something():
    assert last_line("one\n  two \n\n") == "two"


def test_fake_rewards_lie_in_the_unit_interval_and_differ():
    rewards = [fake_reward([1, 2, number]) for number in range(1000)]
    assert all(0 <= reward < 1 for reward in rewards)
    assert len(set(rewards)) == 1000
    assert fake_reward([1, 2]) == fake_reward((1, 2))


ANSWERS = (
    "7",
    " 7.",
    "-7",
    "<think>3+4=7</think>7",
    "<think>3+4=7</think>8",
    "<think>7",
    "</think>7</think>8",
    "7<think>8",
    "<answer>7</answer> or 8",
    "so \\boxed{7}",
    "the answer is 7",
    "1,007",
    "7.0",
    "7.5",
    "$7",
    "7%",
    "seven",
    "",
    "7 7",
    "+7",
    "<think>a</think>\n7\n",
)


@pytest.mark.parametrize("reference", ["7", "1007", "-7"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_peers_judge_answers_as_ponder_does(answer: str, reference: str):
    problem = Problem(
        id="x", domain="d", split="train", messages=(Message(role="user", content="?"),), reference=reference
    )
    verdict = Number().verify([Submission(problem=problem, answer=answer)])[0]
    assert right(answer, reference) == bool(verdict.value)
