from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread, Timer, get_ident
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from fakes import CUT, ScriptedSampler, ScriptedVerifier, ask
from ponder import rollout
from ponder.model.chat import Chat
from ponder.rollout import TOGETHER, Check, Examiner, Roller, common_cell
from ponder.types import (
    Cell,
    Completion,
    Mode,
    Outcome,
    Role,
    Rollout,
    Sample,
    Sampler,
    SamplingParams,
    Status,
    Submission,
    Verdict,
    Verifier,
)

SUMS = [ask("3 + 4?", "7"), ask("4 + 4?", "8", index=1)]


@pytest.fixture(scope="module")
def chat(tiny: Path) -> Chat:
    return Chat.load(tiny)


def completion(answer: str, outcome: Outcome = Outcome.ANSWERED, thinking: str | None = "so") -> Completion:
    return Completion(
        prompt=(1,),
        tokens=(2, 3),
        logprobs=(-0.5, -0.5),
        policy_version=0,
        thinking=thinking,
        thinking_tokens=1,
        answer=answer,
        outcome=outcome,
    )


def cell(**changes: object) -> Cell:
    return Cell(**{"checkpoint": "c", "domain": "sums", "split": "train", "budget": 16, **changes})  # pyright: ignore[reportArgumentType]


class TestExaminer:
    def test_what_has_no_answer_is_paid_zero_and_never_shown(self):
        verifier = ScriptedVerifier()
        texts = [
            completion("7"),
            completion("7", Outcome.TRUNCATED),
            completion("", Outcome.NO_ANSWER),
            completion("6"),
        ]
        verdicts = Examiner({"sums": [Check(verifier=verifier)]}).examine(SUMS[:1] * 4, texts)
        assert [v.value for (v,) in verdicts] == [1.0, 0.0, 0.0, 0.0]
        assert [v.status for (v,) in verdicts] == [Status.JUDGED] * 4
        assert [v.explanation for (v,) in verdicts[1:3]] == ["truncated", "no_answer"]
        assert [submission.answer for submission in verifier.seen] == ["7", "6"]

    def test_who_only_watches_reads_what_was_cut(self):
        watcher, payer = ScriptedVerifier(name="watcher"), ScriptedVerifier(name="payer")
        texts = [completion("7", Outcome.TRUNCATED), completion("", Outcome.TRUNCATED)]
        checks = [Check(verifier=payer), Check(verifier=watcher, roles=(Role.WATCH,))]
        verdicts = Examiner({"sums": checks}).examine(SUMS[:1] * 2, texts)
        assert [[(v.role, v.value) for v in row] for row in verdicts] == [
            [(Role.PAY, 0.0), (Role.WATCH, 1.0)],
            [(Role.PAY, 0.0), (Role.WATCH, 0.0)],
        ]
        assert (payer.calls, len(watcher.seen)) == (0, 1)

    def test_a_verifier_that_fails_leaves_no_value(self):
        verdicts = Examiner({"sums": [Check(verifier=ScriptedVerifier())]}).examine(SUMS[:1], [completion("fail")])
        assert [(v.value, v.status) for (v,) in verdicts] == [(None, Status.TIMEOUT)]

    def test_one_judgement_can_have_several_roles(self):
        verifier = ScriptedVerifier()
        checks = [Check(verifier=verifier, roles=(Role.PAY, Role.GOLD))]
        (row,) = Examiner({"sums": checks}).examine(SUMS[:1], [completion("7")])
        assert [(v.role, v.value) for v in row] == [(Role.PAY, 1.0), (Role.GOLD, 1.0)]
        assert len(verifier.seen) == 1

    def test_a_label_takes_the_place_of_the_name(self):
        checks = [Check(verifier=ScriptedVerifier(), label="lenient"), Check(verifier=ScriptedVerifier())]
        texts = [completion("7"), completion("", Outcome.NO_ANSWER)]
        verdicts = Examiner({"sums": checks}).examine(SUMS, texts)
        assert [[v.verifier for v in row] for row in verdicts] == [["lenient", "script"]] * 2

    def test_each_domain_has_its_own_verifier_asked_once_and_the_order_stays(self):
        one, other = ScriptedVerifier(name="one"), ScriptedVerifier(name="other")
        problems = [ask("a", "1", domain="x"), ask("b", "2", domain="y"), ask("c", "3", domain="x")]
        checks = {"x": [Check(verifier=one)], "y": [Check(verifier=other)]}
        verdicts = Examiner(checks).examine(problems, [completion(answer) for answer in "123"])
        assert [(v.verifier, v.value) for (v,) in verdicts] == [("one", 1.0), ("other", 1.0), ("one", 1.0)]
        assert [s.problem for s in one.seen] == [problems[0], problems[2]]
        assert (one.calls, other.calls) == (1, 1)

    @pytest.mark.parametrize("reads", [True, False])
    def test_thinking_is_shown_only_to_those_who_read_it(self, reads: bool):
        verifier = ScriptedVerifier(reads_thinking=reads)
        Examiner({"sums": [Check(verifier=verifier)]}).examine(SUMS[:1], [completion("7")])
        assert [s.thinking for s in verifier.seen] == (["so"] if reads else [None])

    def test_nothing_to_examine_is_nothing(self):
        assert Examiner({}).examine([], []) == []

    def test_the_fake_is_a_verifier(self):
        assert isinstance(ScriptedVerifier(), Verifier)


class TestRoller:
    LINES = (("7", "<think>4 + 4</think>8", f"7{CUT}"), ("fail", "8", ""))

    def roll(self, chat: Chat, *, mode: Mode = Mode.FREE, group: int = 3) -> tuple[list[Rollout], ScriptedSampler]:
        sampler = ScriptedSampler(chat=chat, lines=self.LINES)
        assert isinstance(sampler, Sampler)
        examiner = Examiner({"sums": [Check(verifier=ScriptedVerifier())]})
        roller = Roller(sampler=sampler, chat=chat, examiner=examiner, seed=11)
        cells = [cell(mode=mode, temperature=0.5)] * len(SUMS)
        return roller.roll(SUMS, cells, group=group, stage="rl", step=4, version=9), sampler

    def test_rollouts_of_a_problem_stand_side_by_side_whatever_finished_first(self, chat: Chat):
        rollouts, _ = self.roll(chat)
        assert [(r.problem.id, r.sample) for r in rollouts] == [(p.id, g) for p in SUMS for g in range(3)]
        assert [r.completion.answer for r in rollouts] == ["7", "8", "7", "fail", "8", ""]
        assert [r.paid for r in rollouts] == [1.0, 0.0, 0.0, None, 1.0, 0.0]

    def test_samples_are_drawn_by_their_numbers(self, chat: Chat):
        sampler = ScriptedSampler(chat=chat, lines=self.LINES)
        roller = Roller(sampler=sampler, chat=chat, examiner=Examiner({"sums": ()}), seed=11)
        rollouts = roller.roll_samples(SUMS, [cell()] * 2, [[4, 5], [0]], stage="solve")
        assert [(r.problem.id, r.sample) for r in rollouts] == [(SUMS[0].id, 4), (SUMS[0].id, 5), (SUMS[1].id, 0)]
        assert sampler.streams == [f"11/solve/0/{p.id}/{g}" for p, g in ((SUMS[0], 4), (SUMS[0], 5), (SUMS[1], 0))]

    def test_outcomes_and_thinking_are_read(self, chat: Chat):
        completions = [rollout.completion for rollout in self.roll(chat)[0]]
        answered, cut, silent = Outcome.ANSWERED, Outcome.TRUNCATED, Outcome.NO_ANSWER
        assert [c.outcome for c in completions] == [answered, answered, cut, answered, answered, silent]
        assert [c.thinking for c in completions] == [None, "4 + 4", None, None, None, None]

    def test_rollouts_carry_stage_step_version_and_cell(self, chat: Chat):
        rollouts, _ = self.roll(chat)
        assert {(r.stage, r.step, r.completion.policy_version) for r in rollouts} == {("rl", 4, 9)}
        assert {r.cell for r in rollouts} == {cell(temperature=0.5)}
        assert {len(r.completion.logprobs) - len(r.completion.tokens) for r in rollouts} == {0}

    def test_the_sampler_is_asked_once_with_the_prompts_and_settings_of_the_cells(self, chat: Chat):
        rollouts, sampler = self.roll(chat, mode=Mode.FORCED)
        assert sampler.params == [SamplingParams(max_tokens=16, temperature=0.5)]
        assert sampler.prompts == [chat.prompt(p.messages, Mode.FORCED) for p in SUMS]
        assert {r.completion.prompt for r in rollouts} == set(sampler.prompts)

    def test_each_completion_is_heard_of_as_it_is_finished(self, chat: Chat):
        sampler, heard = ScriptedSampler(chat=chat, lines=self.LINES), []
        examiner = Examiner({"sums": [Check(verifier=ScriptedVerifier())]})
        roller = Roller(sampler=sampler, chat=chat, examiner=examiner, seed=11, heard=lambda: heard.append(0))
        roller.roll(SUMS, [cell()] * 2, group=3, stage="rl")
        assert len(heard) == 6

    def test_every_stream_has_a_name_of_its_own(self, chat: Chat):
        streams = self.roll(chat)[1].streams
        assert len(set(streams)) == 6
        assert streams[:2] == ["11/rl/4/sums/train/0/0/0", "11/rl/4/sums/train/0/0/1"]


class Gate:
    """A sampler whose last completion waits until `wait` says that it may go on; a `Sampler`."""

    def __init__(self, chat: Chat, wait: Callable[[], object]) -> None:
        self.inner, self.wait = ScriptedSampler(chat=chat, lines=[["7"] * 40]), wait

    def sample(
        self, prompts: Sequence[Sequence[int]], params: SamplingParams, streams: Sequence[Sequence[str]]
    ) -> Iterator[Sample]:
        *samples, last = self.inner.sample(prompts, params, streams)
        yield from samples
        self.wait()
        yield last

    def refit(self, weights: Mapping[str, Any], version: int) -> None:
        """Nothing to change."""


class Slow(ScriptedVerifier):
    """Says when it has judged for the first time, and does not begin before it may; a `Verifier`."""

    def __init__(self, *, begin: bool = True) -> None:
        super().__init__()
        self.may_begin, self.began, self.judged = Event(), Event(), Event()
        self.threads: set[int] = set()
        if begin:
            self.may_begin.set()

    def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
        self.threads.add(get_ident())
        self.began.set()
        assert self.may_begin.wait(10)
        verdicts = super().verify(submissions)
        self.judged.set()
        return verdicts


class TestJudgingWhileSampling:
    def roll(self, chat: Chat, verifier: Verifier, wait: Callable[[], object]) -> list[Rollout]:
        examiner = Examiner({"sums": [Check(verifier=verifier)]})
        roller = Roller(sampler=Gate(chat, wait), chat=chat, examiner=examiner, seed=0)
        return roller.roll(SUMS, [cell()] * 2, group=40, stage="rl")

    def threads(self) -> list[Thread]:
        return [thread for thread in enumerate_threads() if thread.name == "verdicts"]

    def test_the_first_are_judged_before_the_last_is_written(self, chat: Chat):
        verifier = Slow()
        rollouts = self.roll(chat, verifier, lambda: verifier.judged.wait(10) or pytest.fail("nothing was judged"))
        assert [r.paid for r in rollouts] == [1.0] * 40 + [0.0] * 40
        assert verifier.calls == -(-80 // TOGETHER) and len(verifier.threads) == 1
        assert get_ident() not in verifier.threads and self.threads() == []

    def test_verdicts_that_come_late_make_the_same_rollouts(self, chat: Chat):
        late, soon = Slow(begin=False), Slow()
        Timer(0.2, late.may_begin.set).start()
        assert self.roll(chat, late, lambda: None) == self.roll(chat, soon, lambda: soon.judged.wait(10))

    def test_what_a_verifier_raises_is_raised(self, chat: Chat):
        class Broken(ScriptedVerifier):
            def verify(self, submissions: Sequence[Submission]) -> list[Verdict]:
                raise RuntimeError("broken on purpose")

        with pytest.raises(RuntimeError, match="broken on purpose"):
            self.roll(chat, Broken(), lambda: None)
        assert self.threads() == []

    @pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
    def test_what_stops_the_sampler_drops_what_was_not_begun(self, chat: Chat, kind: type[BaseException]):
        verifier = Slow(begin=False)

        def stop() -> None:
            assert verifier.began.wait(10)
            Timer(0.1, verifier.may_begin.set).start()
            raise kind

        with pytest.raises(kind):
            self.roll(chat, verifier, stop)
        assert self.threads() == [] and verifier.calls == 1

    def test_a_stop_does_not_wait_for_a_verifier_that_hangs(self, chat: Chat, monkeypatch: pytest.MonkeyPatch):
        verifier = Slow(begin=False)
        monkeypatch.setattr(rollout, "PATIENCE", 0.01)

        def stop() -> None:
            assert verifier.began.wait(10)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.roll(chat, verifier, stop)
        (thread,) = self.threads()
        assert thread.daemon, "it does not keep the process alive"
        verifier.may_begin.set()
        thread.join(10)
        assert self.threads() == [] and verifier.calls == 1


def test_cells_that_are_sampled_together_agree():
    assert common_cell([cell(), cell(domain="other")]) == cell()
    for changes in ({"budget": 8}, {"mode": Mode.FORCED}, {"temperature": 0.0}, {"think_at_most": 3}):
        with pytest.raises(AssertionError, match="agree in mode, budgets and temperature"):
            common_cell([cell(), cell(**changes)])


def test_what_a_cell_and_the_roller_say_becomes_the_sampling(chat: Chat):
    examiner = Examiner({})
    sampler = ScriptedSampler(chat=chat, lines=[])
    roller = Roller(sampler=sampler, chat=chat, examiner=examiner, seed=0, top_p=0.9, min_p=0.1, stop=("###",))
    plain = SamplingParams(max_tokens=16, temperature=0.5, top_p=0.9, min_p=0.1, stop=("###",))
    assert roller.params(cell(temperature=0.5)) == plain
    bounded = roller.params(cell(think_at_least=2, think_at_most=5, mode=Mode.FORCED))
    assert bounded.thinking == chat.limits(2, 5, Mode.FORCED)
    filled = roller.params(cell(think_at_most=5, mode=Mode.FILLER))  # the marks are the prompt's, no thought follows
    assert filled.thinking == chat.limits(0, 0, Mode.FILLER)


def test_what_only_the_policy_is_shown_stands_before_no_judge(chat: Chat):
    """A judge that holds the spec is told it once, by its own form."""
    verifier = ScriptedVerifier()
    roller = Roller(
        sampler=ScriptedSampler(chat=chat, lines=["7"]),
        chat=chat,
        examiner=Examiner({"sums": [Check(verifier=verifier, roles=(Role.FILTER,))]}),
        seed=0,
        shown=lambda problem: problem.asking(f"k1: add. {problem.question}"),
    )
    rollouts = roller.roll(SUMS, [cell()] * 2, group=1, stage="distil")
    assert sorted(submission.problem.question for submission in verifier.seen) == ["3 + 4?", "4 + 4?"]
    assert [one.problem.question for one in rollouts] == ["k1: add. 3 + 4?", "k1: add. 4 + 4?"]
    assert all("k1: add. " in chat.text(one.completion.prompt) for one in rollouts)


def test_filler_stands_in_the_prompt(chat: Chat):
    sampler = ScriptedSampler(chat=chat, lines=[["7"]])
    roller = Roller(sampler=sampler, chat=chat, examiner=Examiner({"sums": []}), seed=0)
    asked = cell(mode=Mode.FILLER, think_at_least=3, think_at_most=3)
    roller.roll(SUMS[:1], [asked], group=1, stage="rl")
    assert sampler.prompts == [chat.prompt(SUMS[0].messages, Mode.FILLER, filler=3)]
