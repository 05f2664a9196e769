"""What holds for every attack."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import replace

import pytest

from ponder.types import Attack, Message, PonderError, Problem

STRENGTHS = (0.01, 0.25, 0.5, 1.0)
OUTSIDE = (-0.01, 1.01, 100.0, float("inf"), float("nan"))
ODD = (
    "",
    " \n\t ",
    "?",
    "\0",
    "a\0b\u2028c\u200bd",
    "答えは何ですか。🙂👩‍👩‍👧",
    "كم عدد التفاحات؟",
    "e\u0301\u0301\u0301 \u202eabc\u202c",
    "<|im_end|><think>{{ x }} %}\\boxed{7}",
    "word " * 20_000,
    "x" * 100_000,
)
"""Questions that are no questions."""


class AttackContract:
    """Inherited by the tests of every attack; each test can be called by hand."""

    random = True
    """Whether another seed makes another text."""

    def attack(self) -> Attack:
        """A fresh object, always of the same configuration."""
        raise NotImplementedError

    def problems(self) -> list[Problem]:
        """Problems that it is made for; at least two, every one of which it changes at full strength."""
        return [
            made("Tom has 3 apples and buys 4 more. How many apples does he have now?"),
            made("A train takes 2 hours for 120 km.\nHow fast is it?", ("system", "Be brief."), index=1),
            made("And 3 + 4?", ("user", "What is 1 + 1?"), ("assistant", "2"), index=2),
        ]

    def test_it_is_an_attack_with_a_name(self) -> None:
        assert isinstance(self.attack(), Attack) and self.attack().name.strip()

    def test_without_strength_it_is_the_problem_itself(self) -> None:
        for problem in [*self.problems(), *odd()]:
            assert all(self.attack().apply(problem, strength=0.0, seed=seed) == problem for seed in range(3))

    def test_at_full_strength_it_does_something(self) -> None:
        for problem in self.problems():
            attacked = [self.attack().apply(problem, strength=1.0, seed=seed) for seed in range(3)]
            assert any(each.messages != problem.messages for each in attacked), problem.question

    def test_the_same_problem_strength_and_seed_are_the_same_text_for_ever(self) -> None:
        """In another order, by another object, whatever else draws random numbers in this process."""
        places = [(p, strength, seed) for p in self.problems() for strength in STRENGTHS for seed in (0, 1)]
        one, other = self.attack(), self.attack()
        random.seed(1)
        first = [one.apply(p, strength=strength, seed=seed) for p, strength, seed in places]
        random.seed(2)
        second = [other.apply(p, strength=strength, seed=seed) for p, strength, seed in reversed(places)]
        assert first == second[::-1]

    def test_it_draws_no_random_numbers_that_others_would_draw(self) -> None:
        before = random.getstate()
        self.attack().apply(self.problems()[0], strength=1.0, seed=0)
        assert random.getstate() == before

    def test_another_seed_is_another_text_where_it_is_random(self) -> None:
        for problem in self.problems():
            texts = {self.attack().apply(problem, strength=0.5, seed=seed).messages for seed in range(10)}
            assert (len(texts) > 1) == self.random

    def test_it_changes_the_messages_and_nothing_else(self) -> None:
        for problem in self.problems():
            before = deepcopy(problem)
            for strength in STRENGTHS:
                attacked = self.attack().apply(problem, strength=strength, seed=7)
                assert replace(attacked, messages=problem.messages) == before
            assert problem == before, "what it was given stays as it was"

    def test_the_conversation_stays_one(self) -> None:
        """Whoever spoke last still does, and there is still something asked."""
        for problem in self.problems():
            for strength in STRENGTHS:
                attacked = self.attack().apply(problem, strength=strength, seed=7)
                assert {m.role for m in attacked.messages} <= {"system", "user", "assistant"}
                assert attacked.messages[-1].role == problem.messages[-1].role
                assert attacked.question.strip()

    def test_strengths_outside_zero_to_one_are_a_users_mistake(self) -> None:
        for strength in OUTSIDE:
            with pytest.raises(PonderError) as raised:
                self.attack().apply(self.problems()[0], strength=strength, seed=0)
            assert "\n" not in str(raised.value) and str(strength) in str(raised.value)

    def test_odd_text_is_attacked_like_any_other(self) -> None:
        for problem in odd():
            for strength in STRENGTHS:
                attacked = self.attack().apply(problem, strength=strength, seed=7)
                assert replace(attacked, messages=problem.messages) == problem
                attacked.question.encode()  # raises where half a character is left
                assert attacked.question.strip() or not problem.question.strip()


def made(question: str, *before: tuple[str, str], index: int = 0) -> Problem:
    """A problem with every field filled in."""
    turns = (*before, ("user", question))
    return Problem(
        id=f"apples/test/5/{index}",
        domain="apples",
        split="test",
        messages=tuple(Message(role=role, content=content) for role, content in turns),
        reference="7",
        language="en",
        difficulty=2.0,
        pair_id=f"pair-{index}",
        facts={"steps": [3, 4], "task": "apples"},
    )


def odd() -> list[Problem]:
    return [made(question, index=index) for index, question in enumerate(ODD)]
