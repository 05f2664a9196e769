"""What the families of the lab share: a start, steps that each depend on the state before, and words for both."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from random import Random
from typing import Any, ClassVar

from ponder.domains.generated import Generated
from ponder.domains.items import Item
from ponder.domains.splits import content_hash
from ponder.options import span
from ponder.types import IT_SAYS, PLAIN, THINK_IN, PonderError, VerifierChoice

Words = Mapping[str, str]
"""What a family says in one language, by what it says it for."""
State = Any
"""What a family carries through its steps; hashable, and the same in every language."""

TEXT = VerifierChoice(name="exact", options={"casefold": True})
NUMBER = VerifierChoice(name="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An item before it is told in a language."""

    start: State
    """Where it begins."""
    steps: tuple[Any, ...]
    """What happens, in order."""
    world: Any = ()
    """What stays as it is and has to be told as well."""


class Family(Generated):
    """Stories of `depth` steps, told in one language."""

    kind: ClassVar[str]
    """What it is called, apart from what a recipe calls it."""
    deepest: ClassVar[int] = 24
    """Most steps of a story."""
    checks: ClassVar[VerifierChoice] = NUMBER
    """Who checks an answer."""
    words: ClassVar[Mapping[str, Words]]
    """By language."""

    def __init__(
        self,
        name: str,
        *,
        depth: int | tuple[int, int] = (1, 5),
        language: str = "en",
        thinks: str | None = None,
        restated: bool = False,
        slips: float = 0.0,
    ) -> None:
        """`depth`: steps, as a number or a range; `language`: `en` or `ja`, which tell the same items.

        `thinks`: language of the thinking, which the question then asks for. `restated`: worked thinking first says
        what is asked, in the language that it thinks in. `slips`: share of items whose worked thinking goes wrong at a
        step and comes to the answer that follows.
        """
        if not 0 <= slips <= 1:
            raise PonderError(f"{name}.slips = {slips}: give a share from 0 to 1")
        self.slips = float(slips)
        self.depth = span(f"{name}.depth", depth, least=1, most=self.deepest)
        for option, given in (("language", language), ("thinks", thinks or language)):
            if given not in self.words:
                raise PonderError(f"{name}.{option} = {given!r}: it is told in {', '.join(self.words)} only")
        self.thinks_in, self.restated = thinks or language, restated
        super().__init__(
            name,
            key=f"lab {self.kind} {self.depth}",
            verifier=self.checks,
            language=language,
            suffix=THINK_IN[thinks] if thinks else "",
        )

    @abstractmethod
    def draw(self, rng: Random, depth: int) -> Story:
        """A story of so many steps; nothing in it depends on the language."""

    @abstractmethod
    def after(self, story: Story, state: State, step: Any) -> State:
        """The state that a step leads to."""

    @abstractmethod
    def ask(self, story: Story, words: Words) -> str:
        """The question, without what is told before it."""

    def told_before(self, story: Story, words: Words) -> str:
        """What stands before a question and is never said again or written another way, such as rules."""
        return ""

    @abstractmethod
    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """Thinking of one step."""

    @abstractmethod
    def answer(self, state: State, words: Words) -> str:
        """The answer, if this is the state at the end."""

    def states(self, story: Story) -> list[State]:
        """From the start to the end, one more than there are steps."""
        return list(accumulate(story.steps, lambda state, step: self.after(story, state, step), initial=story.start))

    def worked_lines(self, story: Story, states: list[State], words: Words) -> list[str]:
        """Thinking that goes through these states, a numbered line each."""
        moves = zip(pairwise(states), story.steps, strict=True)
        return self.numbered([self.line(story, before, step, state, words) for (before, state), step in moves])

    @staticmethod
    def numbered(told: Sequence[str]) -> list[str]:
        """`1: Add 3.`: steps of a question and lines of its thinking, so that a line finds its step by the number."""
        return [f"{number}: {one}" for number, one in enumerate(told, 1)]

    def make(self, rng: Random) -> Item:
        """One story, told."""
        story, words = self.draw(rng, rng.randint(*self.depth)), self.words[self.language]
        states, canonical = self.states(story), f"{self.kind} {self.told_of(story)}"
        gone = self.slip(rng, story) if rng.random() < self.slips else states
        before = self.told_before(story, words)
        return Item(
            question=f"{before}{self.ask(story, words)}",
            reference=self.answer(states[-1], words),
            difficulty=float(len(story.steps)),
            pair_id=content_hash(canonical),
            canonical=canonical,
            facts={
                "worked": self.thinking(story, gone),
                "right": self.thinking(story, states),
                "concluded": self.answer(gone[-1], words),
                **({PLAIN: before} if before else {}),
                **self.facts(story, states[-1]),
            },
        )

    def thinking(self, story: Story, states: list[State]) -> str:
        """Worked thinking that goes through these states, after what is asked if that is to be said again."""
        words = self.words[self.thinks_in]
        says = [IT_SAYS[self.thinks_in].format(text=self.ask(story, words))] if self.restated else []
        return "\n".join([*says, *self.worked_lines(story, states, words)])

    def told_of(self, story: Story) -> str:
        """All that a question tells, in no language: two stories of which this is the same are the same item."""
        return f"{story.world} {story.start} {story.steps}"

    def facts(self, story: Story, end: State) -> Mapping[str, Any]:
        """What else is known of an item, from the state it ends in."""
        return {}

    def slip(self, rng: Random, story: Story) -> list[State]:
        """States of thinking that does another step in place of one."""
        at = rng.randrange(len(story.steps))
        return self.states(replace(story, steps=(*story.steps[:at], self.other_step(rng), *story.steps[at + 1 :])))

    def other_step(self, rng: Random) -> Any:
        """A step of some other story."""
        return self.draw(rng, 1).steps[0]
