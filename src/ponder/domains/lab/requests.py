"""Requests to a helper that keeps house rules: it complies, refuses or complies in part, and names the clause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, pairwise
from random import Random
from typing import Any, NamedTuple

from ponder.domains.lab import house, house_text
from ponder.domains.lab.family import TEXT, Family, State, Story, Words
from ponder.domains.lab.house import HOUSE, LABELS, ROLES, Case, Rules, neighbour
from ponder.domains.lab.rules import THINGS
from ponder.domains.lab.rules import WORDS as RULE_WORDS
from ponder.types import PonderError

NAMES = ("Ann", "Ben", "Eve", "Max", "Sue", "Tom")
PAIRS = tuple(combinations(range(len(ROLES)), 2))
SOURCES = ("prompt", "drawn", "spec", "neighbour")
"""Where the rules are: in the question, in the question and drawn for it, or not in the question."""
UNTOLD = ("spec", "neighbour")
"""Those of them that no question tells."""

WORDS: dict[str, Words] = {
    "en": {
        "ask": "Badges: {badges}. Things: {things}. {steps} What do you do, and by which clause?",
        "has": "{one} {what}",
        "swap": "{one} and {other} swap badges.",
        "want": "{one} asks for the {other}.",
        "open": "{steps} What do you do, and by which clause?",
        "open want": "{one}, {role}, asks for the {label} {other} of {owner}.",
        "swapped": "{one} {was} and {other} {had} swap: {badges}",
        "wants": "{one} {role} asks for the {other} {label}",
        "comma": ", ",
    }
    | {word: word for word in (*NAMES, *THINGS)}
    | house_text.WORDS["en"],
    "ja": {
        "ask": "名札：{badges}。品物：{things}。{steps}どうしますか。どの規則によりますか。",
        "has": "{one}は{what}",
        "swap": "{one}と{other}が名札を交換します。",
        "want": "{one}が{other}を頼みます。",
        "open": "{steps}どうしますか。どの規則によりますか。",
        "open want": "{role}の{one}が{owner}の{label}の{other}を頼みます。",
        "swapped": "{one}は{was}、{other}は{had}、交換：{badges}",
        "wants": "{one}は{role}、頼む{other}は{label}",
        "comma": "、",
    }
    | dict(zip(NAMES, ("アン", "ベン", "イブ", "マックス", "スー", "トム"), strict=True))
    | {thing: RULE_WORDS["ja"][thing] for thing in THINGS}
    | house_text.WORDS["ja"],
}


class World(NamedTuple):
    """Who and what there is, and the rules."""

    names: tuple[str, ...]
    things: tuple[str, ...]
    labels: tuple[str, ...]
    """Of the things, in their order."""
    rules: Rules


class Ruling(NamedTuple):
    """What comes of a request."""

    case: Case
    number: int
    """Of the clause that decides."""
    outcome: str


class Requests(Family):
    """`depth` - 1 times two people swap badges, then one asks for a thing: who is that now, and which clause decides?

    A step is ("swap", person, person) or ("want", person, thing), by their places; a state is the badges of all
    people, and at the end the ruling.
    """

    kind = "requests"
    checks = TEXT
    words = WORDS

    def __init__(
        self,
        name: str,
        *,
        depth: int | tuple[int, int] = (1, 5),
        language: str = "en",
        thinks: str | None = None,
        restated: bool = False,
        slips: float = 0.0,
        rules: str = "prompt",
        open: bool = False,
        excepted: float = 0.0,
        house: int = 1,
    ) -> None:
        """`rules`: `prompt` tells the house rules in the question, `drawn` tells other ones each time, `spec` none.

        `neighbour` tells none either, and goes by those of another `house`: rules to be known by heart before these.
        `prompt` and `spec` ask the same items, in the same splits. `open`: the request itself says who asks and what
        the thing is, so that nothing has to be looked up and nobody swaps: all that is left is the rules.
        `excepted`: share of the items, 0 to 1, in which an exception has to be seen, if the rules have such a case; few
        items are of the kind otherwise. The other options are those of every family.
        """
        if not 0 <= excepted <= 1:
            raise PonderError(f"{name}.excepted = {excepted}: a share, from 0 to 1")
        if open and depth != 1:
            raise PonderError(f"{name}.open: what is said openly takes one step; give depth = 1")
        if rules not in SOURCES:
            raise PonderError(f"{name}.rules = {rules!r}: must be one of {', '.join(SOURCES)}")
        if house < 1 or (house > 1 and rules != "neighbour"):
            raise PonderError(f"{name}.house = {house}: which of the neighbours, from 1 on; give rules = 'neighbour'")
        self.rules, self.open, self.excepted, self.house = rules, open, excepted, house
        super().__init__(name, depth=depth, language=language, thinks=thinks, restated=restated, slips=slips)

    def draw(self, rng: Random, depth: int) -> Story:
        """Each clause decides as often as the others, and each of its cases as often as its others."""
        rules = self.kept(rng)
        role, label = self.drawn_case(rng, rules)
        names, things = rng.sample(NAMES, len(ROLES)), rng.sample(THINGS, len(LABELS))
        badges, labels = rng.sample(ROLES, len(ROLES)), rng.sample(LABELS, len(LABELS))
        swaps = self.drawn_swaps(rng, depth - 1)
        world = World(tuple(names), tuple(things), tuple(labels), rules)
        story = Story(start=tuple(badges), steps=swaps, world=world)
        want = ("want", self.states(story)[-1].index(role), labels.index(label))
        return replace(story, steps=(*swaps, want))

    def drawn_case(self, rng: Random, rules: Rules) -> Case:
        """Who asks, and for what."""
        if self.excepted and rng.random() < self.excepted and (cases := house.excepted(rules)):
            return rng.choice(cases)
        return rng.choice(house.decided_by(rules, rng.randint(1, len(rules))))

    def kept(self, rng: Random) -> Rules:
        """The rules that the next item goes by."""
        if self.rules == "drawn":
            return house.drawn_rules(rng)
        return neighbour(self.house) if self.rules == "neighbour" else HOUSE

    def drawn_swaps(self, rng: Random, many: int) -> tuple[Any, ...]:
        """No two people swap twice in a row."""
        swaps: list[Any] = []
        while len(swaps) < many:
            swap = ("swap", *rng.choice(PAIRS))
            if swaps[-1:] != [swap]:
                swaps.append(swap)
        return tuple(swaps)

    def after(self, story: Story, state: State, step: Any) -> State:
        """Badges after a swap; the ruling on a request."""
        what, one, other = step
        if what == "want":
            return self.ruling(story.world.rules, (state[one], story.world.labels[other]))
        badges = list(state)
        badges[one], badges[other] = badges[other], badges[one]
        return tuple(badges)

    @staticmethod
    def ruling(rules: Rules, case: Case) -> Ruling:
        """What the clause that decides comes to."""
        return Ruling(case, house.deciding(rules, case), house.outcome(rules, case))

    def ask(self, story: Story, words: Words) -> str:
        """Who and what there is; what happens, and who asks for what."""
        return self.openly(story, words) if self.open else self.as_notes(story, words)

    def told_before(self, story: Story, words: Words) -> str:
        """The rules, if a question tells them."""
        return "" if self.rules in UNTOLD else f"{house_text.rules_text(story.world.rules, words)}{words['gap']}"

    def as_notes(self, story: Story, words: Words) -> str:
        """Badges and things as lists, in which the request has to be looked up."""
        world = story.world
        steps = [words[step[0]].format(**self.who(story, step, words)) for step in story.steps]
        return words["ask"].format(
            badges=self.told(world.names, story.start, words),
            things=self.told(world.things, world.labels, words),
            steps=words["gap"].join(self.numbered(steps)),
        )

    def openly(self, story: Story, words: Words) -> str:
        """`1: Ann, a guest, asks for the green cup of Ben.`; whose it is does not matter."""
        (step,) = story.steps
        role, label = self.case(story)
        told = {"role": words.get(f"a {role}", words[role]), "label": words[label], "owner": words[self.owner(story)]}
        want = words["open want"].format(**self.who(story, step, words), **told)
        return words["open"].format(steps=words["gap"].join(self.numbered([want])))

    @staticmethod
    def case(story: Story) -> Case:
        """Who asks, and for what, where nobody swaps."""
        _, one, other = story.steps[-1]
        return story.start[one], story.world.labels[other]

    @staticmethod
    def owner(story: Story) -> str:
        """Whose the thing is: somebody else's."""
        return story.world.names[(story.steps[-1][1] + 1) % len(story.world.names)]

    def told_of(self, story: Story) -> str:
        """Openly, no more than the request tells and the rules."""
        if not self.open:
            return super().told_of(story)
        who = self.who(story, story.steps[-1], WORDS["en"])
        return f"{story.world.rules} {who} {self.case(story)} {self.owner(story)}"

    @staticmethod
    def who(story: Story, step: Any, words: Words) -> Mapping[str, str]:
        """Words for the two of a step."""
        what, one, other = step
        others = story.world.things if what == "want" else story.world.names
        return {"one": words[story.world.names[one]], "other": words[others[other]]}

    @staticmethod
    def told(owners: tuple[str, ...], values: tuple[str, ...], words: Words) -> str:
        """`Ann guest, Ben staff`."""
        pairs = zip(owners, values, strict=True)
        return words["comma"].join(words["has"].format(one=words[one], what=words[what]) for one, what in pairs)

    def worked_lines(self, story: Story, states: list[State], words: Words) -> list[str]:
        """A line a step, then a line for each clause that is looked at."""
        moves = zip(pairwise(states), story.steps, strict=True)
        told = [self.line(story, before, step, state, words) for (before, state), step in moves]
        told += house_text.looked_at(story.world.rules, states[-1].case, words)
        return self.numbered([*told[:-1], f"{told[-1]}{words['colon']}{self.answer(states[-1], words)}"])

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`Ann guest and Ben staff swap: Ann staff, Ben guest, Eve member`, or `Ben guest asks for the key green`.

        What a name has is said right behind it: a small model learns to look up what it has just named.
        """
        who = self.who(story, step, words)
        if isinstance(state, Ruling):
            role, label = state.case
            return words["wants"].format(**who, role=words[role], label=words[label])
        was, had = (words[before[at]] for at in step[1:])
        return words["swapped"].format(**who, was=was, had=had, badges=self.told(story.world.names, state, words))

    def answer(self, state: State, words: Words) -> str:
        """`refuse k2`."""
        return f"{words[state.outcome]} k{state.number}"

    def facts(self, story: Story, end: State) -> Mapping[str, Any]:
        """What it comes to: outcome, clause, and whether it is a benign look-alike."""
        benign = house.is_benign(story.world.rules, end.case)
        return {"outcome": end.outcome, "clause": f"k{end.number}", "benign": benign}

    def slip(self, rng: Random, story: Story) -> list[State]:
        """States of thinking that does another step of the same kind in place of one."""
        at = rng.randrange(len(story.steps))
        step = ("want", rng.randrange(len(ROLES)), rng.randrange(len(LABELS)))
        if at < len(story.steps) - 1:
            step = ("swap", *rng.choice(PAIRS))
        return self.states(replace(story, steps=(*story.steps[:at], step, *story.steps[at + 1 :])))
