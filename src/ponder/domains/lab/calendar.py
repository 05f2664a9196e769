"""Days of the week, and rules that depend on the day."""

from __future__ import annotations

from random import Random
from typing import Any

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
JA = tuple(f"{day}曜日" for day in "月火水木金土日")

WORDS: dict[str, Words] = {
    "en": {
        "ask": "A week goes from Monday to Sunday. It is {start}. {steps} Which day is it?",
        "step": "If it is before {day}, go {on} days on, otherwise {back} days back.",
        "on": "{n} on, {day}",
        "back": "{n} back, {day}",
        "gap": " ",
    }
    | dict(zip("0123456", EN, strict=True)),
    "ja": {
        "ask": "一週間は月曜日から日曜日までです。{start}です。{steps}何曜日ですか。",
        "step": "{day}より前なら{on}日進み、そうでなければ{back}日戻ります。",
        "on": "{n}日進んで{day}",
        "back": "{n}日戻って{day}",
        "gap": "",
    }
    | dict(zip("0123456", JA, strict=True)),
}


class Calendar(Family):
    """Which day it is after steps whose length and direction depend on the day they start from."""

    kind = "calendar"
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """`If it is before Thursday, go 2 days on, otherwise 3 days back.`"""
        steps = tuple((rng.randint(2, 5), rng.randint(2, 4), rng.randint(2, 4)) for _ in range(depth))
        return Story(start=rng.randrange(7), steps=steps)

    def after(self, story: Story, state: State, step: Any) -> State:
        """The day."""
        day, on, back = step
        return (state + on if state < day else state - back) % 7

    def ask(self, story: Story, words: Words) -> str:
        """The day, and the rules in order."""
        steps = [words["step"].format(day=words[str(day)], on=on, back=back) for day, on, back in story.steps]
        return words["ask"].format(start=words[str(story.start)], steps=words["gap"].join(self.numbered(steps)))

    def line(self, story: Story, before: State, step: Any, state: State, words: Words) -> str:
        """`2 on, Thursday`."""
        day, on, back = step
        way, n = ("on", on) if before < day else ("back", back)
        return words[way].format(n=n, day=words[str(state)])

    def answer(self, state: State, words: Words) -> str:
        """A day of the week."""
        return words[str(state)]
