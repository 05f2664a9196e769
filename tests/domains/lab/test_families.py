"""Every family keeps to the contract, and its answers are worked out again from the English text alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import ClassVar

import pytest

from contracts.domain import DomainContract
from domains.lab.test_requests import solved
from ponder.domains import build
from ponder.domains.lab import FAMILIES, KNOWN, UNSEEN
from ponder.domains.lab.calendar import EN
from ponder.domains.lab.cups import Cups
from ponder.domains.lab.echo import RUNS, VOCABULARY
from ponder.domains.lab.family import Family
from ponder.domains.lab.programs import Programs
from ponder.types import THINK_IN, PonderError


class FamilyContract(DomainContract):
    family: ClassVar[type[Family]]

    def domain(self) -> Family:
        return self.family(self.family.kind, depth=(1, 5))


for _kind, _family in FAMILIES.items():
    _name = f"Test{_family.__name__}"
    globals()[_name] = type(_name, (FamilyContract,), {"family": _family})


def last_digit_chain(text: str) -> str:
    value = int(re.findall(r"Start with (\d)", text)[0])
    for what, n in re.findall(r"(Add|Multiply by) (\d)\.", text):
        value = int(str(value + int(n) if what == "Add" else value * int(n))[-1])
    return str(value)


def program(text: str) -> str:
    memory = dict(re.findall(r"(\w+) = (\d)", text))
    lines, shown = re.findall(r"(\w)=([^;]+);", text), re.findall(r"print\((\w)\)", text)[0]
    for name, expression in lines:
        memory[name] = str(eval(expression, {}, {k: int(v) for k, v in memory.items()}))[-1]
    return memory[shown]


def walk(text: str) -> str:
    doors = dict(re.findall(r"(\w+) to (\w+)[,.]", text.partition("Start")[0]))
    room, steps = re.findall(r"Start in the (\w+)\. Doors to pass: (\d)\.", text)[0]
    for _ in range(int(steps)):
        room = doors[room]
    return room


def lamps(text: str) -> str:
    if "stars" in text:
        state = {lamp: len(stars) >= 3 for lamp, stars in re.findall(r"([ABC]) (\*+)", text)}
    else:
        state = {lamp: how == "on" for lamp, how in re.findall(r"([ABC]) (on|off)[,.]", text)}
    for sentence in re.findall(r"(?:If|Swap) [^.]+\.", text):
        named = re.findall(r"\b[ABC]\b", sentence)
        if sentence.startswith("Swap"):
            state[named[0]], state[named[1]] = state[named[1]], state[named[0]]
        elif state[named[0]] == ("is on" in sentence):
            state[named[1]] = not state[named[1]]
    return ", ".join(f"{lamp} {'on' if state[lamp] else 'off'}" for lamp in "ABC")


def counter(text: str) -> str:
    top, more = map(int, re.findall(r"after (\d) comes 0\. A tap adds (\d)", text)[0])
    shown, moves = re.findall(r"It shows (\d)\. Then: ([^.]+)\.", text)[0]
    value = int(shown)
    for move in re.findall(r"\d: (\w+)", moves):
        value = {"tap": (value + more) % (top + 1), "clap": value * 2 % (top + 1), "stamp": top - value}[move]
    return str(value)


def row(text: str) -> str:
    letters = re.findall(r"row: ([A-E ]+)\.", text)[0].split()
    for one, other in re.findall(r"swap (\d) and (\d)", text):
        i, j = int(one) - 1, int(other) - 1
        letters[i], letters[j] = letters[j], letters[i]
    return " ".join(letters)


def digits(text: str) -> str:
    found = re.findall(r"list: ([\d ]+)\.", text)[0].split()
    for sentence in re.findall(r"(?:Reverse|Move|Swap) [^.]+\.", text):
        if sentence == "Reverse it.":
            found.reverse()
        elif sentence == "Move the first to the end.":
            found.append(found.pop(0))
        elif sentence == "Move the last to the front.":
            found.insert(0, found.pop())
        elif sentence == "Swap the first two.":
            found[:2] = found[1::-1]
        else:
            found[-2:] = found[:-3:-1]
    return " ".join(found)


def weekday(text: str) -> str:
    day = EN.index(re.findall(r"It is (\w+)\.", text)[0])
    for before, on, back in re.findall(r"before (\w+), go (\d) days on, otherwise (\d) days back", text):
        day = (day + int(on) if day < EN.index(before) else day - int(back)) % 7
    return EN[day]


def board(text: str) -> str:
    column, row, way = re.findall(r"column (\d), row (\d) faces (\w+)", text)[0]
    place, facing = complex(int(column), int(row)), {"north": 1j, "east": 1, "south": -1j, "west": -1}[way]
    for turn, n in re.findall(r"(Turn left, go|Turn right, go|Go) (\d)\.", text):
        facing *= {"Turn left, go": 1j, "Turn right, go": -1j, "Go": 1}[turn]
        place += int(n) * facing
    return f"{round(place.real) % 5} {round(place.imag) % 5}"


def decoded(text: str) -> str:
    code, letters = text.rsplit(": ", 1)
    if code == "Read backwards":
        return letters[::-1]
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return letters[::2] if "twice" in code else "".join(alphabet[alphabet.index(x) - 1] for x in letters)


def ruled(text: str) -> str:
    facts = set(re.findall(r"The (\w+) is (\w+)\.", text))
    return next(
        r for thing, colour, r in re.findall(r"if the (\w+) is (\w+), say (\w+)", text) if (thing, colour) in facts
    )


def said(text: str) -> str:
    return text.removeprefix("Say again: ")


AGAIN: dict[str, Callable[[str], str]] = {
    "arithmetic": last_digit_chain,
    "programs": program,
    "lookups": walk,
    "lamps": lamps,
    "counting": counter,
    "cups": row,
    "lists": digits,
    "calendar": weekday,
    "robot": board,
    "shelf": program,
    "stars": lamps,
    "decoding": decoded,
    "rules": ruled,
    "echo": said,
    "requests": solved,
}
DEEP = [family.kind for family in (*KNOWN, *UNSEEN)]
"""What the depth of the steps makes hard."""


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_answer_follows_from_the_text(kind: str):
    for problem in FAMILIES[kind](kind, depth=(1, 8)).problems("train", seed=0, n=150):
        assert problem.reference == AGAIN[kind](problem.question), problem.question


@pytest.mark.parametrize("kind", FAMILIES)
def test_both_languages_tell_the_same_items(kind: str):
    both = [build(kind, f"lab-{kind}", {"depth": 4, "language": language}) for language in ("en", "ja")]
    for split in ("train", "validation", "test"):
        english, japanese = (domain.problems(split, seed=5, n=30) for domain in both)
        assert [p.pair_id for p in english] == [p.pair_id for p in japanese]
        assert all(p.pair_id for p in english) and len({p.pair_id for p in english}) == 30
        for one, other in zip(english, japanese, strict=True):
            assert one.question != other.question and (one.language, other.language) == ("en", "ja")
            assert len(one.facts["worked"].splitlines()) == len(other.facts["worked"].splitlines())
            assert not re.search(r"[぀-ヿ一-鿿]", one.question + one.facts["worked"])
            assert re.search(r"[぀-ヿ一-鿿]", other.question) and re.search(r"[぀-ヿ一-鿿]", other.facts["worked"])


@pytest.mark.parametrize("kind", DEEP)
def test_every_step_is_written_out(kind: str):
    for depth in (1, 5, FAMILIES[kind].deepest):
        (problem,) = FAMILIES[kind](kind, depth=depth).problems("train", seed=1, n=1)
        assert problem.difficulty == depth
        assert len(problem.facts["worked"].splitlines()) == depth + (kind == "stars")


@pytest.mark.parametrize("kind", DEEP)
def test_a_state_changed_on_the_way_changes_the_answer(kind: str):
    """No step forgets what came before it, so an answer follows whatever state it was reached from."""
    family, random, changed = FAMILIES[kind](kind, depth=5), Random(0), 0
    for _ in range(200):
        story, other = family.draw(random, 5), family.draw(random, 5)
        state, wrong = story.start, other.start
        ends = []
        for begin in (state, wrong):
            for step in story.steps:
                begin = family.after(story, begin, step)
            ends.append(family.answer(begin, family.words["en"]))
        differ = family.answer(state, family.words["en"]) != family.answer(wrong, family.words["en"])
        changed += not differ or ends[0] != ends[1]
    assert changed > 150


@pytest.mark.parametrize("kind", DEEP)
def test_thinking_that_slips_comes_to_the_answer_it_leads_to(kind: str):
    sure, slips = (FAMILIES[kind](kind, depth=5, slips=share) for share in (0, 1))
    one, other = (family.problems("train", seed=2, n=100) for family in (sure, slips))
    assert [(p.question, p.reference) for p in one] == [(p.question, p.reference) for p in other]
    wrong = [p for p in other if p.facts["concluded"] != p.reference]
    assert len(wrong) > 40
    assert all(p.facts["worked"].endswith(p.facts["concluded"]) for p in other)
    assert all(
        len(p.facts["worked"].splitlines()) == len(q.facts["worked"].splitlines())
        for p, q in zip(one, other, strict=True)
    )
    assert all(p.facts["concluded"] == p.reference for p in one)


@pytest.mark.parametrize("kind", DEEP)
def test_thinking_in_the_other_language_answers_in_its_own(kind: str):
    family = FAMILIES[kind]
    ways = family(kind, depth=4), family(kind, depth=4, thinks="ja"), family(kind, depth=4, language="ja")
    own, foreign, japanese = (way.problems("train", seed=3, n=20) for way in ways)
    for one, other, told in zip(own, foreign, japanese, strict=True):
        assert other.question == f"{one.question}\n{THINK_IN['ja']}" and other.reference == one.reference
        assert other.facts["worked"] == told.facts["worked"] != one.facts["worked"]


@pytest.mark.parametrize("kind", DEEP)
def test_thinking_may_first_say_the_question_in_its_own_language(kind: str):
    family = FAMILIES[kind]
    foreign = family(kind, language="ja", thinks="en"), family(kind, language="ja", thinks="en", restated=True)
    english, japanese, restated = (way.problems("train", seed=3, n=20) for way in (family(kind), *foreign))
    for one, told, says in zip(english, japanese, restated, strict=True):
        assert says.question == told.question and says.reference == told.reference
        assert says.facts["worked"] == f"It says: {one.question}\n{told.facts['worked']}"


def test_seen_and_unseen_share_nothing():
    assert not set(KNOWN) & set(UNSEEN) and len(UNSEEN) >= 5


def test_words_of_unseen_families_are_said_in_no_order_of_theirs():
    for language, words in VOCABULARY.items():
        asked = FAMILIES["lists"]("x", language=language).problems("test", seed=0, n=1)[0].question
        assert len(words) > 40 and all(word in words for word in RUNS[language].findall(asked.partition("\n")[0]))


def test_a_row_of_64_swaps():
    (problem,) = Cups("cups", depth=64).problems("test", seed=0, n=1)
    assert problem.question.count("swap") == 64 and len(problem.facts["worked"].split()) == 64 * 10


def test_hand_worked():
    story = Programs("p").draw(Random(0), 3)
    assert story == Programs("p", language="ja").draw(Random(0), 3)
    assert last_digit_chain("Start with 4. 1: Add 3. 2: Multiply by 7. 3: Add 5.") == "4"
    assert row("Cups in a row: A B C D E. 1: swap 1 and 4. 2: swap 4 and 5.") == "D B C E A"
    assert board("column 4, row 0 faces north. Turn right, go 2. Turn right, go 1.") == "1 4"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, r"x.depth = 0: must be a number or \[low, high\] with 1 <= low <= high <= 24"),
        ({"depth": [3, 70]}, r"x.depth = \[3, 70\]: must be a number"),
        ({"thinks": "fr"}, r"x.thinks = 'fr': it is told in en, ja only"),
        ({"slips": 2}, r"x.slips = 2: give a share from 0 to 1"),
        ({"language": "fr"}, r"x.language = 'fr': it is told in en, ja only"),
    ],
)
def test_what_a_family_lacks_is_refused(options: dict[str, object], message: str):
    with pytest.raises(PonderError, match=message):
        build("x", "lab-lamps", options)
