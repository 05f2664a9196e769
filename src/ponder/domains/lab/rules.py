"""House rules in the prompt, one of which says what to answer."""

from __future__ import annotations

from random import Random

from ponder.domains.lab.family import TEXT, Family, State, Story, Words

COLOURS = ("red", "blue", "green", "black", "white", "gold")
THINGS = ("box", "bag", "card", "key", "book", "cup", "hat", "ring")
REPLIES = ("yes", "no", "stop", "wait", "left", "right", "more", "less")

WORDS: dict[str, Words] = {
    "en": {
        "rule": "Rule {n}: if the {thing} is {colour}, say {reply}.",
        "ask": "{rules} {facts} Follow the rules. What do you say?",
        "fact": "The {thing} is {colour}.",
        "line": "rule {n} holds: {reply}",
        "not": "rule {n} does not hold",
        "gap": " ",
    }
    | {word: word for word in (*COLOURS, *THINGS, *REPLIES)},
    "ja": {
        "rule": "規則{n}：{thing}が{colour}なら「{reply}」と言う。",
        "ask": "{rules}{facts}規則に従ってください。何と言いますか。",
        "fact": "{thing}は{colour}です。",
        "line": "規則{n}が当てはまる：{reply}",
        "not": "規則{n}は当てはまらない",
        "gap": "",
    }
    | dict(zip(COLOURS, ("赤", "青", "緑", "黒", "白", "金"), strict=True))
    | dict(zip(THINGS, ("箱", "袋", "札", "鍵", "本", "杯", "帽子", "指輪"), strict=True))
    | dict(zip(REPLIES, ("はい", "いいえ", "止まれ", "待て", "左", "右", "多く", "少なく"), strict=True)),
}


class Rules(Family):
    """Which of `depth` rules holds; the rules are the steps, and each is held against the facts in turn.

    A step is (thing, colour, reply); the world is what colour each thing has; a state is the reply found so far.
    """

    kind = "rules"
    deepest = len(THINGS)
    checks = TEXT
    words = WORDS

    def draw(self, rng: Random, depth: int) -> Story:
        """One rule fits the facts, the others name another colour; things and replies are all different."""
        things, replies = rng.sample(THINGS, depth), rng.sample(REPLIES, depth)
        fits = rng.randrange(depth)
        steps, facts = [], []
        for n, (thing, reply) in enumerate(zip(things, replies, strict=True)):
            said, other = rng.sample(COLOURS, 2)
            steps.append((thing, said, reply))
            facts.append((thing, said if n == fits else other))
        rng.shuffle(facts)
        return Story(start="", steps=tuple(steps), world=tuple(facts))

    def after(self, story: Story, state: State, step: tuple[str, str, str]) -> State:
        """The reply of a rule that holds stays."""
        thing, colour, reply = step
        return reply if (thing, colour) in story.world else state

    def ask(self, story: Story, words: Words) -> str:
        """Rules, then facts."""
        rules = [
            words["rule"].format(n=n, thing=words[thing], colour=words[colour], reply=words[reply])
            for n, (thing, colour, reply) in enumerate(story.steps, start=1)
        ]
        facts = [words["fact"].format(thing=words[thing], colour=words[colour]) for thing, colour in story.world]
        gap = words["gap"]
        return words["ask"].format(rules=gap.join(rules), facts=gap.join(facts))

    def worked_lines(self, story: Story, states: list[State], words: Words) -> list[str]:
        """`rule 1 does not hold`, `rule 2 holds: stop`; later rules are not looked at."""
        return super().worked_lines(story, states, words)[: states.index(states[-1])]

    def line(self, story: Story, before: State, step: tuple[str, str, str], state: State, words: Words) -> str:
        """Whether a rule holds."""
        what = "line" if step[:2] in story.world else "not"
        return words[what].format(n=story.steps.index(step) + 1, reply=words[step[2]])

    def answer(self, state: State, words: Words) -> str:
        """The reply."""
        return words[state]
