"""House rules in words: as a question tells them, as thinking looks at them, and as a spec file."""

from __future__ import annotations

from ponder.domains.lab.family import Words
from ponder.domains.lab.house import HOUSE, LABELS, OUTCOMES, ROLES, Case, Clause, Rules, path

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "House rules of the store",
        "about": "People ask for things. The answer is comply, refuse or part (comply in part), and the clause that "
        "decides: refuse k2.",
        "order": "Of those that hold the first decides, or one above it.",
        "role": "If {subject} asks, {outcome}{exception}{above}.",
        "label": "If it is {subject}, {outcome}{exception}{above}.",
        "exception": ", except for {what}",
        "above": ", above k{n}",
        "head role": "When {subject} asks",
        "head label": "What is {subject}",
        "must": "must",
        "do comply": "comply",
        "do refuse": "refuse",
        "do part": "comply in part",
        "a guest": "a guest",
        "a member": "a member",
        "a staff": "staff",
        "looked": "k{n} {subject}: {found}",
        "no": "no",
        "yes": "yes",
        "but": "yes, but {exception}: no",
        "not": "yes, not {exception}",
        "see": ", see k{n}",
        "colon": ": ",
        "gap": " ",
    }
    | {word: word for word in (*ROLES, *OUTCOMES, *LABELS)},
    "ja": {
        "title": "店の規則",
        "about": "人が品物を頼みます。答えは、応じる、断る、一部（一部だけ応じる）のどれかと、"
        "それを決める規則です：断る k2。",
        "order": "当てはまる最初の規則か、それより優先の規則が決めます。",
        "role": "{subject}なら{outcome}{exception}{above}。",
        "label": "{subject}なら{outcome}{exception}{above}。",
        "exception": "、{what}は除く",
        "above": "、k{n}より優先",
        "head role": "{subject}が頼むとき",
        "head label": "{subject}のもの",
        "must": "必須",
        "do comply": "応じる",
        "do refuse": "断る",
        "do part": "一部だけ応じる",
        "a guest": "客",
        "a member": "会員",
        "a staff": "係",
        "looked": "k{n} {subject}：{found}",
        "no": "いいえ",
        "yes": "はい",
        "but": "はい、ただし{exception}：いいえ",
        "not": "はい、{exception}でない",
        "see": "、k{n}を見る",
        "colon": "：",
        "gap": "",
    }
    | dict(zip((*ROLES, *OUTCOMES), ("客", "会員", "係", "応じる", "断る", "一部"), strict=True))
    | dict(zip(LABELS, ("封印済み", "赤", "緑", "青"), strict=True)),
}


def sentences(rules: Rules, words: Words) -> list[str]:
    """`If it is sealed, refuse, except for staff.`: a clause each, in order."""
    return [_sentence(clause, words) for clause in rules]


def _sentence(clause: Clause, words: Words) -> str:
    exception = words["exception"].format(what=_named(clause.exception, words)) if clause.exception else ""
    above = words["above"].format(n=clause.above) if clause.above else ""
    told = {"subject": _named(clause.subject, words), "outcome": words[f"do {clause.outcome}"]}
    return words[_kind(clause)].format(**told, exception=exception, above=above)


def _kind(clause: Clause) -> str:
    return "role" if clause.subject in ROLES else "label"


def _named(value: str, words: Words) -> str:
    return words.get(f"a {value}", words[value])


def rules_text(rules: Rules, words: Words) -> str:
    """`k1: ... k2: ...`, and in what order they count."""
    told = [f"k{n}{words['colon']}{sentence}" for n, sentence in enumerate(sentences(rules, words), 1)]
    return words["gap"].join([*told, words["order"]])


def spec_text(language: str) -> str:
    """The fixed rules on one line, as a question tells them: for a system message, or any other context."""
    return rules_text(HOUSE, WORDS[language])


def spec_markdown(language: str) -> str:
    """The fixed rules as a spec file: `## k1 (must) What is sealed`, and the clause below; house.en.md, house.ja.md."""
    words = WORDS[language]
    blocks = [f"# {words['title']}", words["about"], words["order"]]
    for n, (clause, sentence) in enumerate(zip(HOUSE, sentences(HOUSE, words), strict=True), 1):
        title = words[f"head {_kind(clause)}"].format(subject=_named(clause.subject, words))
        blocks += [f"## k{n} ({words['must']}) {title}", sentence]
    return "\n\n".join(blocks) + "\n"


def looked_at(rules: Rules, case: Case, words: Words) -> list[str]:
    """`k1 sealed: no`, `k2 guest: yes, see k5`, `k5 green: yes`: the clauses on the way to the one that decides."""
    *others, last = path(rules, case)
    lines = [_finding(rules, n, case, words) for n in (*others, last)]
    if others and rules[others[-1] - 1].holds(case):
        lines[-2] += words["see"].format(n=last)
    return lines


def _finding(rules: Rules, number: int, case: Case, words: Words) -> str:
    """Whether a clause holds; `k1 sealed: yes, but staff: no` where that hangs on its exception."""
    clause = rules[number - 1]
    found = "yes" if clause.subject in case else "no"
    if clause.subject in case and clause.exception:
        found = "but" if clause.exception in case else "not"
    told = words[found].format(exception=words.get(clause.exception, ""))
    return words["looked"].format(n=number, subject=words[clause.subject], found=told)
