"""Boolean chains: lamps that are switched if other lamps are on."""

from __future__ import annotations

from itertools import permutations
from random import Random
from typing import Any

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

LAMPS = "ABC"

WORDS: dict[str, Words] = {
    "en": {
        "start": "Lamps: {start}.",
        "ask": "{start} {steps} How are A, B and C now?",
        "if": "If {one} is {how}, flip {other}.",
        "swap": "Swap {one} and {other}.",
        "held": "{one} is {is}, flip {other}: {state}",
        "not": "{one} is {is}: {state}",
        "swapped": "Swap {one} and {other}: {state}",
        "is": " ",
        "comma": ", ",
        "on": "on",
        "off": "off",
        "gap": " ",
    },
    "ja": {
        "start": "ランプ：{start}。",
        "ask": "{start}{steps}今A、B、Cはどうなっていますか。",
        "if": "{one}が{how}なら{other}を切り替えます。",
        "swap": "{one}と{other}を入れ替えます。",
        "held": "{one}が{is}なら{other}を切り替えます：{state}",
        "not": "{one}が{is}：{state}",
        "swapped": "{one}と{other}を入れ替えます：{state}",
        "is": "は",
        "comma": "、",
        "on": "オン",
        "off": "オフ",
        "gap": "",
    },
}


class Lamps(Family):
    """Three lamps; what a switch does depends on another lamp, and swaps move the lamps about."""

    kind = "lamps"
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`If A is on, flip B. Swap A and C.`"""
        return Story(start=tuple(rng.random() < 0.5 for _ in LAMPS), steps=self.drawn_steps(rng, depth))

    def drawn_steps(self, rng: Random, depth: int) -> tuple[Any, ...]:
        """Two switches for a swap; nothing is done twice in a row."""
        steps: list[Any] = []
        pairs = list(permutations(range(len(LAMPS)), 2))
        while len(steps) < depth:
            one, other = rng.choice(pairs)
            step = ("if", one, other, rng.random() < 0.5) if rng.random() < 0.67 else ("swap", *sorted((one, other)))
            if steps[-1:] != [step]:
                steps.append(step)
        return tuple(steps)

    def after(self, story: Story, state: State, step: Any) -> State:
        """All three lamps."""
        what, one, other, *how = step
        lamps = list(state)
        if what == "swap":
            lamps[one], lamps[other] = lamps[other], lamps[one]
        elif lamps[one] == how[0]:
            lamps[other] = not lamps[other]
        return tuple(lamps)

    def ask(self, story: Story, words: Words) -> str:
        """How they are, and what is done."""
        told = []
        for what, one, other, *how in story.steps:
            said = words["on" if how and how[0] else "off"]
            told.append(words[what].format(one=LAMPS[one], other=LAMPS[other], how=said))
        return words["ask"].format(start=self.opening(story, words), steps=words["gap"].join(self.numbered(told)))

    def opening(self, story: Story, words: Words) -> str:
        """How the lamps are at the start."""
        return words["start"].format(start=self.answer(story.start, words))

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`A is on, flip C: A on, B off, C on`, or `A is off: A on, B off, C off` where that changes nothing."""
        what, one, other, *how = step
        kind = "swapped" if what == "swap" else "held" if before[one] == how[0] else "not"
        told = {"one": LAMPS[one], "other": LAMPS[other], "is": words["on" if before[one] else "off"]}
        return words[kind].format(**told, state=self.answer(state, words))

    def answer(self, state: State, words: Words) -> str:
        """`A on, B off, C on`: by name, since what is told by its place alone a small model learns late."""
        told = (f"{lamp}{words['is']}{words['on' if lit else 'off']}" for lamp, lit in zip(LAMPS, state, strict=True))
        return words["comma"].join(told)
