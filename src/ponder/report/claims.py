"""The page of claims, as Markdown and as HTML in the report's style; both say what `ponder.studies.claims` read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ponder.report.frame import document, scrolling
from ponder.report.text import escape
from ponder.studies.claims import HELD, NOT_HELD, WORDS, Evidence, Page, Told, shown

MADE = "<!-- made by `ponder claims` (make claims) from studies/claims.toml and the studies' results; change those -->"
TONES = {HELD: "up", NOT_HELD: "down"}
"""What became of a claim -> its class; the word itself stands beside it."""


def summary(claims: Sequence[Told]) -> str:
    """`Of 3 claims, 1 held, 2 are not tested yet.`"""
    counts = {word: sum(claim.word == word for claim in claims) for word in WORDS}
    told = [f"{count} {_verb(word, count)}" for word, count in counts.items() if count]
    return f"Of {len(claims)} claims, {', '.join(told)}."


def _verb(word: str, count: int) -> str:
    return word if word.startswith("held") else f"{'is' if count == 1 else 'are'} {word}"


def rests(claim: Told) -> str:
    """How much of what was decided speaks for it, and where: `2 of 3 speak for it: transfer (n = 6)`."""
    awaited = ", ".join(f"studies/{name}" for name in claim.awaits)
    waiting = f"waits for {awaited}" if awaited else ""
    if not claim.evidence:
        return waiting or "nothing yet"
    good = sum(each.counts == HELD for each in claim.evidence)
    told = f"{good} of {len(claim.evidence)} speak for it: {_studies(claim.evidence)}"
    return "; ".join(filter(None, [told, waiting]))


def _studies(evidence: Iterable[Evidence]) -> str:
    seeds: dict[str, set[int]] = {}
    for each in evidence:
        seeds.setdefault(each.study, set()).update({each.difference.n} - {0})
    return ", ".join(f"{name} (n = {_range(n)})" if n else name for name, n in seeds.items())


def _range(counts: set[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def _cells(each: Evidence) -> tuple[str, str, str, str, str]:
    """The study's claim, what became of it, what that says here, the figure and n."""
    figure, n = each.difference, each.difference.n
    speaks = {HELD: "for", NOT_HELD: "against"}.get(each.counts, "neither")
    difference = "no seed has both" if figure.value is None else shown(figure, "+")
    return each.says, each.word, speaks, difference, str(n or "·")


COLUMNS = ("study", "its claim", "outcome there", "speaks", "difference", "seeds")


def markdown(page: Page) -> str:
    """`docs/claims.md`."""
    head = ["| claim | outcome | rests on |", "| --- | --- | --- |"]
    rows = [f"| [{claim.says}](#{at}) | **{claim.word}** | {rests(claim)} |" for at, claim in _counted(page)]
    others = ["## What else these studies decided", "", *_table(page.others)] if page.others else []
    parts = [f"# Claims\n\n{MADE}", page.about, f"**{summary(page.claims)}**", "\n".join([*head, *rows])]
    parts += [_part(at, claim) for at, claim in _counted(page)]
    return "\n\n".join([*parts, *(["\n".join(others)] if others else [])]) + "\n"


def _counted(page: Page) -> Iterable[tuple[int, Told]]:
    return enumerate(page.claims, start=1)


def _part(at: int, claim: Told) -> str:
    lines = [f'<a id="{at}"></a>\n## {claim.says}', f"**{claim.word.capitalize()}.** {claim.found}".rstrip()]
    lines += [f"Seen in one run, one seed: {claim.seen}"] if claim.seen else []
    lines += ["\n".join(_table(claim.evidence))] if claim.evidence else []
    lines += [f"Waits for: {', '.join(f'`studies/{name}`' for name in claim.awaits)}."] if claim.awaits else []
    lines += ["To repeat it: " + ", ".join(f"`{command}`" for command in claim.commands)] if claim.commands else []
    return "\n\n".join(lines)


def _table(evidence: Iterable[Evidence]) -> list[str]:
    rows = [f"| [{e.study}](../studies/{e.study}/README.md) | {' | '.join(_cells(e))} |" for e in evidence]
    return [f"| {' | '.join(COLUMNS)} |", "|" + " --- |" * len(COLUMNS), *rows]


def html(page: Page) -> str:
    """`docs/claims.html`."""
    about = f'<p class="lede">{_inline(page.about)}</p>'
    head = f'<header><p class="kicker">ponder · claims</p><h1>{escape(summary(page.claims))}</h1>{about}</header>'
    rows = "".join(
        f'<tr><th scope="row" class="words"><a href="#claim-{at}">{escape(claim.says)}</a></th>'
        f'<td class="words">{_badge(claim.word)}</td><td class="words">{escape(rests(claim))}</td></tr>'
        for at, claim in _counted(page)
    )
    titles = "".join(f'<th scope="col" class="words">{name}</th>' for name in ("claim", "outcome", "rests on"))
    table = scrolling(f"<thead><tr>{titles}</tr></thead><tbody>{rows}</tbody>", name="All claims", kind="list")
    parts = "".join(_section(at, claim) for at, claim in _counted(page))
    others = f"<section><h2>What else these studies decided</h2>{_rows(page.others)}</section>" if page.others else ""
    return document("ponder: claims", head, f"<section><h2>All claims</h2>{table}</section>", parts, others)


def _badge(word: str) -> str:
    kind = {"up": "right", "down": "wrong"}.get(TONES.get(word, ""), "unknown")
    return f'<span class="fate {kind}">{word}</span>'


def _section(at: int, claim: Told) -> str:
    found = f'<p class="lede">{_inline(claim.found)}</p>' if claim.found else ""
    seen = f'<p class="note">Seen in one run, one seed: {_inline(claim.seen)}</p>' if claim.seen else ""
    waits = ", ".join(f"<code>studies/{escape(name)}</code>" for name in claim.awaits)
    again = "".join(f"<li><code>{escape(command)}</code></li>" for command in claim.commands)
    parts = [
        f'<section id="claim-{at}"><h2>{escape(claim.says)}</h2><p>{_badge(claim.word)}</p>{found}{seen}',
        _rows(claim.evidence) if claim.evidence else "",
        f'<p class="note">Waits for {waits}.</p>' if waits else "",
        f'<p class="note">To repeat it:</p><ul class="note">{again}</ul>' if again else "",
    ]
    return "".join(parts) + "</section>"


def _rows(evidence: Iterable[Evidence]) -> str:
    titles = "".join(f'<th scope="col"{_words(at)}>{name}</th>' for at, name in enumerate(COLUMNS))
    body = "".join(
        f'<tr><th scope="row"><a href="../studies/{escape(e.study)}/README.md">{escape(e.study)}</a></th>'
        + "".join(f"<td{_words(at)}>{escape(cell)}</td>" for at, cell in enumerate(_cells(e), start=1))
        + "</tr>"
        for e in evidence
    )
    return scrolling(f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody>", name="What the studies decided")


def _words(column: int) -> str:
    return "" if column == 4 or column == 5 else ' class="words"'


def _inline(text: str) -> str:
    """Links, emphasis and code of Markdown; all else is escaped."""
    safe = escape(text)
    safe = re.sub(r"\[([^\]\[]+)\]\(([\w./-]+)\)", r'<a href="\2">\1</a>', safe)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", re.sub(r"\*([^*]+)\*", r"<em>\1</em>", safe))
