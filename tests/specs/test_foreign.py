"""Policies that others wrote load as they are."""

import re
from pathlib import Path

import pytest

from ponder.specs import Level, Spec, load, parse, read_labelled
from ponder.types import PonderError
from shared_data import data

ATTRIBUTED = """\
# Policy

What it is for.

## Scope {#scope}

All of it.

## Be true {#be_true authority=root}

Say what is so.

### A note

This is no heading:

~~~
# heading {#no authority=user}
~~~

### Deeper {#deeper authority="guideline" tags=x}

- good: yes

## Manners {#manners}

On manners.

### Be kind {#be_kind authority=developer}

# Appendix

The end.
"""

NUMBERED = """\
Rules of the house

DEFINITIONS
A guest is anybody.

# Allowed
1. Sit down.
   1. On a chair.
2) Stand up.
It takes a while.

# Forbidden

**NOTE** Ask first.
3: Jump.

FURTHER RULES
3.1 Never fly.
R4. Nor swim.
Loud guests (R5 – medium):
Louder guests (R6 – high)
12:30 is lunch, 100 guests at most.

LAST WORDS
Be well.
"""


def again(spec: Spec) -> Spec:
    return parse(spec.text(), name=spec.name, language=spec.language)


def test_headings_with_an_authority_are_clauses():
    spec = parse(ATTRIBUTED, name="policy")
    assert [(c.id, c.level, c.title) for c in spec.clauses] == [
        ("be_true", Level.MUST, "Be true"),
        ("deeper", Level.SHOULD, "Deeper"),
        ("be_kind", Level.SHOULD, "Be kind"),
    ]
    assert spec.title == "Policy" and again(spec) == spec


def test_other_headings_are_text_or_parts_or_preamble():
    spec = parse(ATTRIBUTED, name="policy")
    assert spec.preamble == "What it is for.\n\n### Scope {#scope}\n\nAll of it.\n\n### Appendix\n\nThe end."
    first, deeper, kind = spec.clauses
    assert first.text.startswith("Authority: root.\n\nSay what is so.\n\n##### A note\n\nThis is")
    assert first.text.endswith("~~~\n# heading {#no authority=user}\n~~~")
    assert deeper.text == "Authority: guideline." and deeper.examples[0].text == "yes"
    assert (first.part, deeper.part, kind.part) == ("", "", "Manners {#manners}\n\nOn manners.")


def test_numbered_rules_are_clauses():
    spec = parse(NUMBERED, name="house")
    assert [(c.id, c.title, c.text) for c in spec.clauses] == [
        ("1", "Sit down.", "   1. On a chair."),
        ("2", "Stand up.", "It takes a while."),
        ("3", "Jump.", ""),
        ("3.1", "Never fly.", ""),
        ("R4", "Nor swim.", "Loud guests (R5 – medium):"),
        ("R6", "Louder guests (high)", "12:30 is lunch, 100 guests at most."),
    ]
    assert [c.part for c in spec.clauses if c.part] == ["Allowed", "Forbidden\n\n**NOTE** Ask first.", "FURTHER RULES"]
    assert spec.preamble == "### DEFINITIONS\n\nA guest is anybody.\n\n### LAST WORDS\n\nBe well."
    assert spec.title == "Rules of the house" and {c.level for c in spec.clauses} == {Level.MUST}
    assert again(spec) == spec


def test_japanese_articles_are_clauses():
    spec = parse(
        "規程\n\n第1条（目的）\n守るため。\n第十二条　個人の住所を教えない。\n３．走らない。",
        name="規程",
        language="ja",
    )
    assert [(c.id, c.title, c.text) for c in spec.clauses] == [
        ("第1条", "（目的）", "守るため。"),
        ("第十二条", "個人の住所を教えない。", ""),
        ("３", "走らない。", ""),
    ]
    assert "## 第1条 (必須) （目的）" in spec.text() and again(spec) == spec


ERRORS = {
    "# P\n\n## A {#a authority=boss}\n": "p:3: authority = 'boss': no such level; take one of root, system, developer,",
    "## A {#a authority=root}\n\n## B {#a authority=user}\n": "p:3: id = 'a': stands in line 1 too",
    "## {#a authority=root}\n": "p:1: 'a' has no title; say before the braces what it demands",
    "P\n\n1. One\n2. Two\n1. Three\n": "p:5: id = '1': stands in line 3 too; give it another",
    "P\n- good: x\n1. One\n": "p:2: an example outside a clause",
    "- good: x\n\n1. One\n": "p:1: an example outside a clause",
}


@pytest.mark.parametrize("text", ERRORS)
def test_what_is_wrong_is_a_line_with_a_number(text: str):
    with pytest.raises(PonderError, match=f"^{re.escape(ERRORS[text])}"):
        parse(text, name="p")


def test_the_model_spec_loads_as_it_is():
    path = data("model_spec", "model_spec.md")
    spec, source = load(path), path.read_text()
    headings = re.findall(r"^#+ .*\{#(\w+) authority=(\w+).*\}$", source, re.MULTILINE)
    assert len(headings) > 50 and [c.id for c in spec.clauses] == [id for id, _ in headings]
    for clause, (_, authority) in zip(spec.clauses, headings, strict=True):
        assert clause.text.startswith(f"Authority: {authority}.")
        assert clause.level is (Level.MUST if authority in ("root", "system") else Level.SHOULD)
    assert again(spec) == spec
    words = [word for word in re.findall(r"\w+", source) if not word.startswith("authority")]
    assert set(words) <= set(re.findall(r"\w+", spec.text())) | {"tags", "under_18"}


def test_no_line_of_the_model_spec_is_lost():
    path = data("model_spec", "model_spec.md")
    text = load(path).text()
    kept = {line.strip() for line in text.split("\n")}
    lines = {line.strip() for line in path.read_text().split("\n") if not line.startswith("#")}
    assert lines <= kept


def test_the_spam_policy_loads_as_it_is():
    path = data("safeguard_spam", "policy.txt")
    spec = load(path)
    groups = {"SP0": "abcdefg", "SP2": "abc", "SP3": "abcd", "SP4": "abc"}
    assert [c.id for c in spec.clauses] == [id for g, ks in groups.items() for id in (g, *(f"{g}.{k}" for k in ks))]
    assert spec.title == "Spam Policy (#SP)" and spec.clause("SP2").text == "Unsolicited promotion without deception."
    assert spec.clause("SP4.c").text.strip().endswith("Output: INVALID + ESCALATE")
    assert "### AMBIGUITY & ESCALATION" in spec.preamble and again(spec) == spec


def test_the_golden_rows_of_the_spam_policy_load_as_they_are():
    spec = load(data("safeguard_spam", "policy.txt"))
    rows = read_labelled(data("safeguard_spam", "golden.csv"), spec)
    counts = {id: sum(row.clause == id for row in rows) for id in ("SP0", "SP2", "SP3", "SP4")}
    assert counts == {"SP0": 21, "SP2": 7, "SP3": 5, "SP4": 7} and len(rows) == 40
    assert rows[20].text.startswith("Who is to say") and rows[20].clause == "SP2"


SPEC = parse("# S\n\n## x (must) X\n\n## y (must) Y\n", name="s")


def write(folder: Path, text: str) -> Path:
    (folder / "rows.csv").write_text(text)
    return folder / "rows.csv"


def test_labelled_texts_are_found_whatever_the_columns_are(tmp_path: Path):
    rows = read_labelled(write(tmp_path, 'label,,note\n x ,"one,\nlong one",a\ny,two words\n,,total\nx,,\n'), SPEC)
    assert [(row.text, row.clause) for row in rows] == [("one,\nlong one", "x"), ("two words", "y")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,a text\nz,another\n", "rows.csv:2: label = 'z': s has no such clause; correct the label"),
        ("a,b\n", "rows.csv: needs a column of texts and one with ids of s's clauses"),
        ("x\ny\n", "rows.csv: needs a column of texts"),
        ("", "rows.csv: needs a column of texts"),
        ('x,a\ny,"b" c\n', "rows.csv:2: not CSV: "),
    ],
)
def test_labelled_texts_that_do_not_fit_are_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(PonderError, match=re.escape(message)):
        read_labelled(write(tmp_path, text), SPEC)
