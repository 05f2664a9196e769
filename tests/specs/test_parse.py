"""Ponder's own manner of writing: what is read, what is refused, and that it is written out again."""

import re
from pathlib import Path

import pytest

from ponder.specs import Clause, Example, Level, Spec, parse
from ponder.types import PonderError

DOCS = Path(__file__).parents[2] / "docs" / "specs.md"

WHOLE = """\
# House rules

Read all of it.

### Words

A *person* is anybody.

## a.first (must) Do this

One paragraph.

- an ordinary item

```
## not.a.clause (must) this is code
- good: nor is this an example
```

- good: yes
- bad: no,
  and on
  and on

After the examples.

# Second part

It has an introduction.

## b (Should) Do that
"""

EXPECTED = Spec(
    name="rules",
    title="House rules",
    language="en",
    preamble="Read all of it.\n\n### Words\n\nA *person* is anybody.",
    clauses=(
        Clause(
            id="a.first",
            level=Level.MUST,
            title="Do this",
            text="One paragraph.\n\n- an ordinary item\n\n```\n## not.a.clause (must) this is code\n"
            "- good: nor is this an example\n```\n\nAfter the examples.",
            examples=(Example(good=True, text="yes"), Example(good=False, text="no,\nand on\nand on")),
        ),
        Clause(id="b", level=Level.SHOULD, title="Do that", part="Second part\n\nIt has an introduction."),
    ),
)


def read(text: str, language: str = "en") -> Spec:
    return parse(text, name="rules", language=language)


def again(spec: Spec) -> Spec:
    return parse(spec.text(), name=spec.name, language=spec.language)


def test_every_part_of_a_spec_is_read():
    assert read(WHOLE) == EXPECTED


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_do_not_matter(end: str):
    assert read(WHOLE.replace("\n", end)) == EXPECTED


def test_text_is_the_whole_file_in_one_manner_of_writing():
    moved = WHOLE.replace("\nAfter the examples.\n", "").replace("- good: yes", "After the examples.\n\n- good: yes")
    assert EXPECTED.text() == moved.replace("(Should)", "(should)").replace("\n\n\n", "\n\n")


def test_outline_is_ids_and_titles():
    assert EXPECTED.outline() == "- a.first: Do this\n- b: Do that\n"


def test_a_clause_is_found_by_its_id():
    assert EXPECTED.clause("b").title == "Do that"
    with pytest.raises(PonderError, match=r"clause = 'a.frist': rules has no such clause; take a.first"):
        EXPECTED.clause("a.frist")


PARTS = """\
# Rules
## a (must) A
## b (must) B
- good: yes
# One
It has an introduction.
## c (must) C
## d (should) D
## e (should) E
# Two
## f (must) F
"""


def test_backwards_the_last_clause_goes_first_and_parts_keep_their_headings():
    spec = read(PARTS)
    turned = spec.backwards()
    assert [(c.id, c.title, c.part) for c in turned.clauses] == [
        ("b", "B", ""),
        ("a", "A", ""),
        ("f", "F", "Two"),
        ("e", "E", "One\n\nIt has an introduction."),
        ("d", "D", ""),
        ("c", "C", ""),
    ]
    assert turned.clause("b").examples == (Example(good=True, text="yes"),)
    assert again(turned) == turned and turned.backwards() == spec
    assert turned.title == spec.title and turned.preamble == spec.preamble


@pytest.mark.parametrize("text", ["# R\n## a (must) A\n", "# R\n## a (must) A\n# One\n## b (must) B\n"])
def test_where_no_two_clauses_can_change_places_backwards_is_the_same(text: str):
    assert read(text).backwards() == read(text)


def test_japanese_marks_mean_the_same_and_are_written_again():
    japanese = "# 規則\n\n## 甲.一（必須） 守る\n\n- 良い例：はい\n- 悪い例: いいえ\n\n## 乙 (推奨)　なるべく守る\n"
    spec = read(japanese, "ja")
    assert [(c.id, c.level, c.title) for c in spec.clauses] == [
        ("甲.一", Level.MUST, "守る"),
        ("乙", Level.SHOULD, "なるべく守る"),
    ]
    assert [e.good for e in spec.clauses[0].examples] == [True, False]
    assert "## 甲.一 (必須) 守る\n\n- 良い例: はい\n- 悪い例: いいえ" in spec.text()
    assert again(spec) == spec and "(must)" in read(japanese).text()


EXAMPLES = {
    "- good: one": [(True, "one")],
    "* BAD : one": [(False, "one")],
    "- **good:** one\n- **bad**: two": [(True, "one"), (False, "two")],
    "- good: one\ntwo\n- bad: three": [(True, "one\ntwo"), (False, "three")],
    "- good: one\n\n  two\n\nthree": [(True, "one\n\ntwo")],
    "- good:\n  - one\n    - two": [(True, "- one\n  - two")],
    "- good:\n  ```python\n  a\n\n  - bad: b\n  ```\n- bad: c": [(True, "```python\na\n\n- bad: b\n```"), (False, "c")],
    "- good: a\n\n```\ncode\n```": [(True, "a")],
    "- good: a\n- item": [(True, "a")],
    "- good: a\n### heading": [(True, "a")],
    "  - good: a": [],
}


@pytest.mark.parametrize("body", EXAMPLES)
def test_examples_are_items_with_what_is_indented_below(body: str):
    spec = read(f"# T\n\n## a (must) A\n\n{body}\n")
    assert [(e.good, e.text) for e in spec.clauses[0].examples] == EXAMPLES[body]
    assert again(spec) == spec


ERRORS = {
    "": "rules:1: holds nothing",
    " \n\t\n": "rules:1: holds nothing",
    "# T\n\ntext\n": "rules:1: holds no clause; write one as `## id (must) Title`",
    "## a (must) A\n": "rules:1: the title is missing; begin the file with `# Title`",
    "\ntext\n\n# T\n\n## a (must) A\n": "rules:2: the title is missing",
    "# T\n\n## a (must) A\n\n## b (must) B\n\n## a (should) C\n": "rules:7: id = 'a': stands in line 3 too",
    "# T\n\n## a (musts) A\n": "rules:3: level = 'musts': no such level; take must or should; in a rubric essential,",
    "# T\n\n## a () A\n\n1. one\n": "rules:3: level = '': no such level",
    "# T\n\n## a (must) A\n\n## b\n": "rules:5: 'b' is no clause; write `## id (must) Title`, or make it a ### heading",
    "# T\n\n## a (must) A\n\n## b (must)\n": "rules:5: 'b (must)' has no title; say after the level what it demands",
    "# T\n\n## a (must) A\n\n### b (must) B\n": "rules:5: 'b (must) B' is a clause under ###; write it under ##",
    "# T (must) U\n\n# b (must) B\n\n## a (must) A\n": "rules:3: 'b (must) B' is a clause under #; write it under ##",
    "# T\n\n- good: x\n\n## a (must) A\n": "rules:3: an example outside a clause",
    "# T\n\n## a (must) A\n\n# P\n\n- bad: x\n\n## b (must) B\n": "rules:7: an example outside a clause",
    "# T\n\n## a (must) A\n\n# P\n\ntext\n": "rules:5: part 'P' holds no clause",
    "# T\n\n# P\n\n# Q\n\n## a (must) A\n": "rules:3: part 'P' holds no clause",
    "# T\n\n## a (must) A\n\n- good:\n\ntext\n": "rules:5: an example that says nothing",
    "# T\n\n## a (must) A\n\n- good: ```\n  x\n  ```\n- bad: ```": "rules:7: ``` opens a block of code without an end",
    "# T\n\n## a (must) A\n\n- good: ~~~\n": "rules:5: a block of code on the line of an example's mark; begin it",
    "# T\n\n~~~~md\n\n## a (must) A\n~~~\n": "rules:3: ~~~~ opens a block of code without an end; close it with ~~~~",
    "# T\n\n## a (essential) A\n\n## b (must) B\n": "rules:5: level = 'must': line 3 has 'essential'; levels of a spec",
    "# T\n\n## a (must, 2) A\n": "rules:3: weight = '2': a clause with the level must has none; leave it out",
    "# T\n\n## a (important, x) A\n": "rules:3: weight = 'x': not a number; write it as in (important, 0.7)",
    "# T\n\n## a (essential, -1) A\n": "rules:3: weight = -1: that of essential must be above 0, and at most 1000",
    "# T\n\n## a (essential, 0) A\n": "rules:3: weight = 0: that of essential must be above 0",
    "# T\n\n## a (essential, inf) A\n": "rules:3: weight = inf: that of essential must be above 0",
    "# T\n\n## a (essential, nan) A\n": "rules:3: weight = nan: that of essential must be above 0",
    "# T\n\n## a (pitfall, 0.9) A\n": "rules:3: weight = 0.9: that of pitfall must be below 0, and at least -1000",
    "# T\n\n## a (pitfall) A\n\n## b (pitfall, -2) B\n": "rules:3: every weight of the rubric is negative; add a",
}


@pytest.mark.parametrize("text", ERRORS)
def test_what_is_wrong_is_a_line_with_a_number(text: str):
    with pytest.raises(PonderError, match=f"^{re.escape(ERRORS[text])}") as caught:
        read(text)
    assert "\n" not in str(caught.value) and ";" in str(caught.value)


def test_a_long_line_is_not_repeated_in_full():
    with pytest.raises(PonderError) as caught:
        read(f"# T\n\n## {'x' * 10_000}\n")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("block", re.findall(r"```markdown\n(.*?)\n```\n", DOCS.read_text(), re.DOTALL))
def test_the_page_shows_what_can_be_read(block: str):
    assert again(read(block)) == read(block) and len(read(block).clauses) > 1


def test_the_program_of_the_page_runs():
    (program,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    exec(program, {})
