"""Ways of asking for thought that take more than a prompt: changed on the way, or in another language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fakes import ScriptedSampler, ScriptedVerifier, ask
from ponder.model.chat import Chat
from ponder.rollout import Check, Examiner, Roller
from ponder.types import THINK_IN, Cell, Mode, Outcome, Problem, Sample, SamplingParams

SUMS = [ask("3 + 4 + 1?", "8"), ask("4 + 4?", "8", index=1)]
THOUGHT = "3+4=7\n7+1=8</think>8"


class Twice(ScriptedSampler):
    """Thinks when it is asked first, and says what comes of it when it is asked again."""

    def sample(
        self, prompts: Sequence[Sequence[int]], params: SamplingParams, streams: Sequence[Sequence[str]]
    ) -> Iterator[Sample]:
        self.lines = [["7+1=8</think>8"] * 2] if self.params else [[THOUGHT] * 2]
        yield from super().sample(prompts, params, streams)


@pytest.fixture(scope="module")
def chat(tiny: Path) -> Chat:
    return Chat.load(tiny)


def roll(chat: Chat, sampler: ScriptedSampler, mode: str, problems: list[Problem]):
    examiner = Examiner({"sums": [Check(verifier=ScriptedVerifier())]})
    roller = Roller(sampler=sampler, chat=chat, examiner=examiner, seed=5)
    cell = Cell(checkpoint="c", domain="sums", split="train", budget=64, mode=mode)
    return roller.roll(problems, [cell] * len(problems), group=2, stage="s")


def test_the_policy_goes_on_from_its_own_thinking_with_one_state_changed(chat: Chat):
    sampler = Twice(chat=chat, lines=[])
    rollouts = roll(chat, sampler, Mode.CORRUPTED, SUMS)
    assert len(sampler.params) == 2, "it thinks first, and goes on then"
    assert sampler.streams[:4] == [f"5/s/0/{p.id}/{g}/first" for p in SUMS for g in range(2)]
    assert sorted(sampler.streams[4:]) == [f"5/s/0/{p.id}/{g}" for p in SUMS for g in range(2)]
    for rollout in rollouts:
        read = chat.text(rollout.completion.prompt)
        changed = read.rpartition("<think>")[2].rstrip("\n")
        assert changed.startswith("3+4=") and changed != "3+4=7" and read.endswith("\n")
        assert rollout.completion.thinking == f"{changed}\n7+1=8"
        assert (rollout.completion.answer, rollout.completion.outcome) == ("8", Outcome.ANSWERED)
        assert rollout.paid == 1.0, "it did not follow: the answer is the one without the change"


def test_samples_of_a_problem_are_changed_each_for_itself(chat: Chat):
    rollouts = roll(chat, Twice(chat=chat, lines=[]), Mode.CORRUPTED, [ask("?", "8", index=k) for k in range(10)])
    assert len({r.completion.thinking for r in rollouts}) > 4
    again = roll(chat, Twice(chat=chat, lines=[]), Mode.CORRUPTED, [ask("?", "8", index=k) for k in range(10)])
    assert [r.completion.thinking for r in rollouts] == [r.completion.thinking for r in again]


def test_thinking_without_a_state_is_gone_on_from_as_it_is(chat: Chat):
    class Silent(Twice):
        def sample(self, prompts, params, streams):  # pyright: ignore
            self.lines = [["</think>8"] * 2]
            yield from ScriptedSampler.sample(self, prompts, params, streams)

    rollouts = roll(chat, Silent(chat=chat, lines=[]), Mode.CORRUPTED, SUMS)
    assert [(r.completion.thinking, r.completion.answer) for r in rollouts] == [("", "8")] * 4


def test_another_language_is_asked_for_and_the_block_is_opened(chat: Chat):
    sampler = ScriptedSampler(chat=chat, lines=[[THOUGHT] * 2])
    japanese = Problem(
        **{**{f: getattr(SUMS[1], f) for f in ("id", "domain", "split", "messages", "reference")}, "language": "ja"}
    )
    rollouts = roll(chat, sampler, Mode.TRANSLATED, [SUMS[0], japanese])
    first, second = (chat.text(prompt) for prompt in sampler.prompts)
    assert f"3 + 4 + 1?\n{THINK_IN['ja']}" in first and f"4 + 4?\n{THINK_IN['en']}" in second
    assert first.endswith("<think>") and rollouts[0].completion.thinking == "3+4=7\n7+1=8"
    assert rollouts[0].problem == SUMS[0], "the record is of the problem as it is"


@pytest.mark.parametrize("mode", [Mode.NONE, Mode.FILLER])
def test_without_thinking_a_second_block_is_closed_where_it_is_opened(chat: Chat, mode: Mode):
    sampler = ScriptedSampler(chat=chat, lines=[["8"] * 2] * 2)
    roll(chat, sampler, mode, SUMS)
    limits = sampler.params[0].thinking
    assert limits and (limits.at_least, limits.at_most, limits.opened) == (0, 0, False)
    assert chat.text(limits.closing).strip() == "</think>"
