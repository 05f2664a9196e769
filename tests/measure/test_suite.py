from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes import Numbered, ScriptedSampler, ScriptedVerifier, Shouting, ask
from ponder.measure import transfer
from ponder.measure.suite import CONDITIONS, Condition, Suite, Variant, distinct, examples, with_shots
from ponder.model.chat import Chat
from ponder.rollout import Check, Examiner, Roller
from ponder.types import Cell, Domain, Message, Mode, PonderError, Rollout, SamplingParams, Tier

FREE = Condition(name="before", checkpoint="cold_start")
FORCED = Condition(name="forced", checkpoint="cold_start", mode=Mode.FORCED)
FEWSHOT = Condition(name="fewshot", checkpoint="untouched", mode=Mode.FEWSHOT)


def suite(**domains: Domain) -> Suite:
    domains = domains or {"a": Numbered(name="a"), "b": Numbered(name="b")}
    return Suite(
        name="transfer",
        domains=domains,
        tiers=dict(zip(domains, (Tier.TRAINED, Tier.UNSEEN), strict=False)),
        problems=3,
        samples=2,
        max_tokens=20,
        temperature=0.7,
        shots=2,
        seed=5,
    )


@pytest.fixture(scope="module")
def chat(tiny: Path) -> Chat:
    return Chat.load(tiny)


def ask_all(suite: Suite, condition: Condition, chat: Chat) -> tuple[list[Rollout], ScriptedSampler]:
    sampler = ScriptedSampler(chat=chat, lines=[("0", "1")])
    examiner = Examiner({name: [Check(verifier=ScriptedVerifier())] for name in suite.domains})
    roller = Roller(sampler=sampler, chat=chat, examiner=examiner, seed=0)
    return suite.ask(condition, roller, version=8), sampler


def test_distinct_problems_are_the_first_of_their_question():
    found = distinct(Numbered(questions=5), 5, seed=5)
    assert [problem.id for problem in found] == [f"sums/test/5/{i}" for i in range(5)]
    assert len({problem.question for problem in distinct(Numbered(questions=7), 6, seed=0)}) == 6


def test_distinct_looks_on_where_problems_repeat():
    class Slow(Numbered):
        def problems(self, split: str, *, seed: int, n: int, start: int = 0):
            return [self._problem(split, seed, index // 4) for index in range(start, start + n)]

    assert [problem.id.rsplit("/")[-1] for problem in distinct(Slow(), 3, seed=0)] == ["0", "1", "2"]


def test_a_domain_with_too_few_different_problems_says_so():
    expected = (
        "measure.problems = 6: domain 'sums' has only about 5 different ones in its test split; "
        "ask for fewer or widen its options"
    )
    with pytest.raises(PonderError) as raised:
        distinct(Numbered(questions=5), 6, seed=0)
    assert str(raised.value) == expected


def test_solved_examples_come_from_the_train_split_with_bare_answers():
    assert examples(Numbered(), 2, seed=0) == (
        Message(role="user", content="sums train 0?"),
        Message(role="assistant", content="0"),
        Message(role="user", content="sums train 1?"),
        Message(role="assistant", content="1"),
    )


def test_examples_stand_before_the_question_and_after_the_system_message():
    shots = examples(Numbered(), 1, seed=0)
    problem = ask("3 + 4?")
    assert with_shots(problem, shots).messages == (*shots, *problem.messages)
    system = Message(role="system", content="Be brief.")
    (ruled,) = Numbered(system="Be brief.").problems("test", seed=0, n=1)
    assert with_shots(ruled, shots).messages == (system, *shots, ruled.messages[-1])
    assert with_shots(ruled, shots).question == ruled.question


def test_every_problem_of_every_domain_is_asked_so_many_times(chat: Chat):
    rollouts, sampler = ask_all(suite(), FREE, chat)
    ids = [f"{name}/test/5/{index}" for name in "ab" for index in range(3)]
    assert [(r.problem.id, r.sample) for r in rollouts] == [(i, g) for i in ids for g in range(2)]
    assert {(r.stage, r.step, r.completion.policy_version) for r in rollouts} == {("transfer", 0, 8)}
    assert sampler.params == [SamplingParams(max_tokens=20, temperature=0.7)]


def test_a_cell_says_what_a_rollout_is_evidence_about(chat: Chat):
    rollouts, _ = ask_all(suite(), FORCED, chat)
    common = {"checkpoint": "cold_start", "split": "test", "mode": Mode.FORCED, "budget": 20, "temperature": 0.7}
    expected = [Cell(domain=name, tier=tier, **common) for name, tier in (("a", Tier.TRAINED), ("b", Tier.UNSEEN))]
    assert list(dict.fromkeys(r.cell for r in rollouts)) == expected


def test_forced_prompts_open_the_block(chat: Chat):
    _, sampler = ask_all(suite(), FORCED, chat)
    assert all(prompt[-len(chat.opening) :] == chat.opening for prompt in sampler.prompts)


def test_fewshot_prompts_begin_with_examples_of_their_own_domain(chat: Chat):
    rollouts, sampler = ask_all(suite(), FEWSHOT, chat)
    plain, _ = ask_all(suite(), FREE, chat)
    assert [r.problem.question for r in rollouts] == [r.problem.question for r in plain]
    assert [r.paid for r in rollouts] == [r.paid for r in plain]
    for rollout in rollouts:
        shots = examples(Numbered(name=rollout.problem.domain), 2, seed=5)
        assert rollout.problem.messages[:-1] == shots
        assert chat.prompt(rollout.problem.messages) in sampler.prompts
    assert {r.cell.mode for r in rollouts} == {Mode.FEWSHOT} and len(sampler.params) == 2


def test_conditions_are_those_that_the_queries_know():
    found = {c.name: (c.checkpoint, c.mode.value) for conditions in CONDITIONS.values() for c in conditions}
    assert found == dict(transfer.CONDITIONS)
    assert all(c.checkpoint == checkpoint for checkpoint, conditions in CONDITIONS.items() for c in conditions)


LOUD, LOUDER = (Variant(attack=Shouting(), strength=strength) for strength in (0.5, 1.0))


def test_every_way_of_asking_but_few_shot_is_attacked_at_every_strength():
    hostile = replace(suite(), variants=(LOUD, LOUDER), modes=("none",))
    names = [condition.name for condition in hostile.conditions("cold_start")]
    assert names[:3] == [condition.name for condition in replace(hostile, variants=()).conditions("cold_start")]
    assert names[3:] == [
        f"{name}-under-shouting-{strength}" for name in ("before", "forced", "before-none") for strength in (0.5, 1.0)
    ]
    untouched = [condition.name for condition in hostile.conditions("untouched")]
    assert untouched == ["untouched", "fewshot", "untouched-under-shouting-0.5", "untouched-under-shouting-1.0"]


def test_attacked_problems_keep_everything_but_their_text(chat: Chat):
    hostile = replace(suite(), variants=(LOUD,))
    clean, plain = ask_all(hostile, FREE, chat)
    attacked, sampler = ask_all(hostile, FREE.under(LOUD), chat)
    for ours, theirs in zip(attacked, clean, strict=True):
        assert ours.cell == replace(theirs.cell, attack="shouting", strength=0.5)
        assert ours.problem == LOUD.attack.apply(theirs.problem, strength=0.5, seed=5)
        assert replace(ours.problem, messages=theirs.problem.messages) == theirs.problem
        assert chat.prompt(ours.problem.messages) in sampler.prompts
    assert [r.problem.question for r in attacked] != [r.problem.question for r in clean]
    assert sampler.streams == plain.streams


def test_only_what_is_said_without_an_attack_is_watched():
    assert FREE.watched and not FREE.under(LOUD).watched


class OnlyTest(Numbered):
    """A file that is declared a test split."""

    def size(self, split: str) -> int | None:
        return 0 if split == "train" else self.count


def test_what_has_no_training_problems_is_asked_without_examples_of_them(chat: Chat):
    some = suite(a=OnlyTest(name="a"), b=Numbered(name="b"))
    assert {r.cell.domain for r in ask_all(some, FEWSHOT, chat)[0]} == {"b"}
    assert [c.name for c in some.conditions("untouched")] == ["untouched", "fewshot"]
    none = suite(a=OnlyTest(name="a"))
    assert [c.name for c in none.conditions("untouched")] == ["untouched"]
