from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from measure.synthetic import rollout
from ponder.cli.completions import show, to_read
from ponder.cli.watch import Bars, Lines, Pace, clock, due, note, watching
from ponder.stages.drive import Step

HOSTILE = "[bold]x[/bold] [/] \x1b[2J\x1b]0;title\x07 \u202e </script> :boom: {task.x}"


@dataclass
class FakeStage:
    name: str = "reinforce"
    steps: int = 3

    def step(self, index: int) -> Step:
        raise AssertionError("a stage is shown, not run")


def step(**metrics: float) -> Step:
    rollouts = [rollout("after", f"p/{i}", right, answer=HOSTILE, thinking=HOSTILE) for i, right in enumerate((1, 0))]
    return Step(metrics={"reward": 0.5} | metrics, timings={"sample_tokens_per_second": 321.4}, rollouts=rollouts)


def shown(*, terminal: bool) -> str:
    """All that a watcher shows of a small run."""
    stream, stage = io.StringIO(), FakeStage()
    console = Console(file=stream, force_terminal=terminal, width=100, highlight=False, _environ={"TERM": "xterm"})
    with watching(console) as watch:
        assert type(watch) is (Bars if terminal else Lines)
        watch.measuring("untouched", 2)
        watch.wrote()
        watch.measured("untouched", step().rollouts)
        watch.began(stage, 1)
        for index in (1, 2):
            watch.stepped(stage, index, replace(step(), warning="of \x1b[31m k2 nothing" if index == 2 else ""))
        watch.ended(stage, 3)
        watch.warned("checkpoint \x1b[31m is damaged")
    return stream.getvalue()


def test_plain_lines_have_no_control_codes_whatever_a_completion_holds() -> None:
    text = shown(terminal=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "[bold]x[/bold] [/] ⟨U+001B⟩[2J⟨U+001B⟩]0;title⟨U+0007⟩ ⟨U+202E⟩ </script> :boom: {task.x}" in text
    assert "reinforce: 3 steps, from step 1 on" in text
    assert "  step 3/3, 0:00 left: reward 0.50 · 321 tokens/s" in text
    assert "reinforce: 3 of 3 steps done in 0:00" in text
    assert "warning: checkpoint ⟨U+001B⟩[31m is damaged" in text
    assert text.count("warning: of ⟨U+001B⟩[31m k2 nothing") == 1


def test_bars_show_the_same_and_let_nothing_of_a_completion_through() -> None:
    text = shown(terminal=True)
    assert "\x1b[2J" not in text and "\x1b]0;" not in text and "\x07" not in text and "\u202e" not in text
    assert "[bold]x[/bold] [/] ⟨U+001B⟩[2J" in text
    assert "3/3" in text and "2/2" in text
    assert "reward 0.50" in text and "321 tokens/s" in text
    assert text.endswith("\x1b[?25h"), "the cursor is shown again"


def test_a_bar_tells_how_much_is_measured_and_how_long_the_rest_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, _environ={"TERM": "xterm"})
    with watching(console) as watch:
        assert isinstance(watch, Bars)
        watch.measuring("untouched", 4)
        monkeypatch.setattr(watch.pace, "began", watch.pace.began - 60)
        watch.wrote()
        (bar,) = watch.progress.tasks
        assert (bar.completed, bar.total, bar.fields["left"]) == (1, 4, "3:00 left")
        watch.measuring("fewshot", 2)
        watch.wrote()
        assert [(task.completed, task.total) for task in watch.progress.tasks] == [(1, 4), (1, 2)]


def test_bars_come_down_when_the_run_breaks_off() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, _environ={"TERM": "xterm"})
    with pytest.raises(KeyboardInterrupt), watching(console) as watch:
        watch.measuring("untouched", 2)
        raise KeyboardInterrupt
    assert stream.getvalue().endswith("\x1b[?25h")


def test_one_that_was_paid_and_one_that_was_not_are_read() -> None:
    rollouts = [rollout("after", f"p/{i}", right) for i, right in enumerate((0, 1, 1, None))]
    ids = [r.problem.id for r in rollouts]
    assert [r.problem.id for r in to_read(rollouts, 0)] == [ids[1], ids[0]]
    assert [r.problem.id for r in to_read(rollouts, 1)] == [ids[2], ids[3]]
    assert to_read([], 0) == []


def test_what_was_not_judged_and_not_thought_is_said() -> None:
    stream = io.StringIO()
    show(Console(file=stream, width=100), [rollout("after", "p", None)])
    assert "(did not think)" in stream.getvalue()
    assert "paid not judged" in stream.getvalue()


def test_a_note_tells_what_matters() -> None:
    assert note({"loss": 2.0, "entropy": 1.0}, {"learn_tokens_per_second": 170.2}) == "loss 2 · 170 tokens/s"
    metrics = {"loss": 2.0, "reward": 0.25, "share_thinking": 0.5, "thinking_tokens": 12.4, "no_answer": 0.0}
    assert note(metrics, {}) == "reward 0.25 · thinks 50% · thinking 12"
    assert (
        note({"reward": 0.0, "no_answer": 0.125, "truncated": 0.0}, {}) == "reward 0.00 · truncated 0% · no answer 12%"
    )


def test_about_as_many_steps_are_shown_as_wanted() -> None:
    assert [i for i in range(100) if due(i, 100, 4)] == [0, 25, 50, 75, 99]
    assert [i for i in range(3) if due(i, 3, 20)] == [0, 1, 2]


def test_the_rest_takes_as_long_as_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 160.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    assert Pace(2).left(5, 14) == "3:00"
    assert [clock(seconds) for seconds in (0.4, 59.6, 3725)] == ["0:00", "1:00", "62:05"]
