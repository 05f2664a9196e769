"""The page of one rollout: prompt, thinking, answer, verdicts, tokens, and its relatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokenizers import Tokenizer

from ponder.report.text import escape
from ponder.viewer import tokens
from ponder.viewer.asked import Asked
from ponder.viewer.lookup import KIN
from ponder.viewer.words import Links, Row, attacked, fate, item, number, place, said

CLIP = 8_000
"""Characters of a text that are shown before `whole` is asked for."""
NO_WORDS = (
    "Tokens cannot be coloured: no checkpoint of this run has a tokenizer.json that can be read, so nobody knows "
    "what their numbers say."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A rollout and what stands around it."""

    run: str
    """Name of the run's folder."""
    asked: Asked
    """The state of the list it was reached from."""
    row: Row
    """Its row of the index."""
    whole: Row
    """Every column of it."""
    before: Row | None
    """The rollout before it in the list."""
    after: Row | None
    """The rollout after it."""
    at: int
    """Its place in the list, from 0."""
    total: int
    """Rollouts of the list."""
    siblings: Sequence[Row] = ()
    """Its group, itself among them."""
    kin: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    """Heading -> rollouts of the same problem elsewhere."""
    words: Tokenizer | None = None
    """What its tokens say; None where the run has no tokenizer, or colours are not asked for."""


def detail(one: Detail, links: Links) -> str:
    """The page's body."""
    return (
        f"{_bar(one, links)}{_heading(one, links)}"
        f'<div class="reading" id="content"><div class="text">{_prompt(one, links)}{_completion(one, links)}</div>'
        f'<aside class="judged" aria-label="Verdicts">{_verdicts(one.whole)}{_facts(one.whole)}</aside></div>'
        f"{_group(one, links)}{_kin(one, links)}"
    )


def _bar(one: Detail, links: Links) -> str:
    """Back to the list, the place in it, and the rollouts before and after."""
    up = f'<a href="{links.listing(one.asked, page=one.asked.page)}" data-key="u">↑ list</a>'
    where = f"{one.at + 1:,} of {one.total:,}" if one.total else ""
    narrowed = " that match" if one.asked.narrows else ""
    back, on = (_beside(row, one, links, *told) for row, told in ((one.before, PREVIOUS), (one.after, NEXT)))
    return f'<nav class="bar" aria-label="Rollouts">{up}<span>{where}{narrowed}</span>{back}{on}</nav>'


PREVIOUS, NEXT = ("← previous", "ArrowLeft k"), ("next →", "ArrowRight j")


def _beside(row: Row | None, one: Detail, links: Links, label: str, keys: str) -> str:
    if row is None:
        return f'<span class="off">{label}</span>'
    return f'<a href="{links.rollout(row, one.asked)}" data-key="{keys}">{label}</a>'


def _heading(one: Detail, links: Links) -> str:
    row = one.whole
    facts = [escape(row["tier"], limit=30), place(one.row), attacked(row), f"sample {row['sample']}"]
    told = " · ".join(fact for fact in facts if fact)
    return (
        f'<header class="one"><p class="kicker">ponder · <a href="{links.base}/">{escape(one.run, limit=80)}</a></p>'
        f'<h1>{escape(row["domain"], limit=80)} <small>{told}</small></h1><p class="fates">{fate(one.row)}</p></header>'
    )


def _prompt(one: Detail, links: Links) -> str:
    """The last turn in full, those before it folded away."""
    *earlier, last = one.whole["messages"] or [{"role": "user", "content": ""}]
    turns = "".join(_said(turn["role"], turn["content"], "turn", one, links) for turn in earlier)
    folded = f"<details><summary>{len(earlier)} turns before</summary>{turns}</details>" if earlier else ""
    return f"<section>{folded}{_said('Prompt', last['content'], 'prompt', one, links)}</section>"


def _completion(one: Detail, links: Links) -> str:
    """Thinking and answer; or, where colours are asked for, all of it token by token."""
    row = one.whole
    coloured = one.asked.colour == "1"
    plain = "" if coloured and one.words else f"{_thinking(one, links)}{_answer(one, links)}"
    label = "show thinking and answer apart" if coloured else "colour by how sure the policy was"
    href = links.rollout(one.row, one.asked, colour="" if coloured else "1")
    switch = f'<p class="switch"><a href="{href}" data-key="c">{label}</a></p>'
    reference = f'<p class="reference">Right would be: <bdi>{escape(row["reference"], limit=2_000)}</bdi></p>'
    return f"<section>{plain}{_tokens(one, links) if coloured else ''}{reference}{switch}</section>"


def _thinking(one: Detail, links: Links) -> str:
    row = one.whole
    if row["thinking"] is None:
        return '<p class="note">It did not think.</p>'
    said = _said("", row["thinking"], "thinking", one, links)
    opened = " open" if one.asked.think == "1" else ""
    summary = f'<summary data-key="t">Thinking, {row["thinking_tokens"]:,} tokens</summary>'
    return f'<details class="thoughts"{opened}>{summary}{said}</details>'


def _answer(one: Detail, links: Links) -> str:
    return _said("Answer", one.whole["answer"], "answer", one, links) if one.whole["answer"] else _no_answer(one.whole)


def _no_answer(row: Row) -> str:
    why = "it was truncated before it answered" if row["outcome"] == "truncated" else "it ended without one"
    return f'<p class="note">No answer: {why}.</p>'


def _said(label: str, text: str, kind: str, one: Detail, links: Links) -> str:
    name = f'<span class="label">{escape(label, limit=20)}</span>' if label else ""
    return f'<div class="said {kind}">{name}<pre dir="auto" tabindex="0">{_clipped(text, one, links)}</pre></div>'


def _clipped(text: str, one: Detail, links: Links) -> str:
    """The text made harmless, and where it is long a way to see all of it."""
    if one.asked.whole == "1" or len(text) <= CLIP:
        return escape(text, limit=len(text))
    href = links.rollout(one.row, one.asked, whole="1", think="1")
    return f'{escape(text[:CLIP])}… <a class="more" href="{href}">show all {len(text):,} characters</a>'


def _tokens(one: Detail, links: Links) -> str:
    row = one.whole
    if one.words is None:
        return f'<p class="note">{NO_WORDS}</p>'
    total = len(row["token_ids"])
    most = total if one.asked.whole == "1" else tokens.MOST
    found = tokens.pieces(one.words, row["token_ids"][:most], row["logprobs"][:most], row["forced"])
    href = links.rollout(one.row, one.asked, whole="1")
    more = f'… <a class="more" href="{href}">show all {total:,} tokens</a>' if total > most else ""
    return (
        f'<div class="said tokens"><span class="label">{total:,} tokens, by the probability each was drawn with; '
        f'point at one to read it</span>{tokens.legend()}<pre dir="auto" tabindex="0">'
        f"{tokens.coloured(found)}{more}</pre></div>"
    )


def _verdicts(row: Row) -> str:
    cards = "".join(map(_verdict, row["verdicts"])) or '<p class="note">Nobody judged it.</p>'
    return f"<h2>Verdicts</h2>{cards}"


def _verdict(verdict: Mapping[str, Any]) -> str:
    value = verdict["value"]
    kind = "unknown" if value is None else "right" if value >= 0.5 else "wrong"
    shown = escape(verdict["status"], limit=30) if value is None else number(value)
    why = f"<p><bdi>{escape(verdict['explanation'], limit=4_000)}</bdi></p>" if verdict["explanation"] else ""
    spent = f'<span class="spent">{verdict["tokens"]:,} tokens</span>' if verdict["tokens"] else ""
    return (
        f'<div class="verdict"><p class="who"><b>{escape(verdict["verifier"], limit=60)}</b> '
        f'<span class="role">{escape(verdict["role"], limit=20)}</span>{spent}'
        f'<span class="fate {kind}">{shown}</span></p>{why}{_parts(verdict["parts"])}</div>'
    )


def _parts(parts: Mapping[str, float]) -> str:
    """The value's named components, such as the clauses of a spec, each with a bar."""
    rows = "".join(
        f'<li><span>{escape(name, limit=80)}</span><meter min="0" max="1" value="{min(1, max(0, value)):.3f}">'
        f"</meter><b>{number(value)}</b></li>"
        for name, value in parts.items()
    )
    return f'<ul class="parts">{rows}</ul>' if rows else ""


def _facts(row: Row) -> str:
    facts = {
        "problem": row["problem_id"],
        "language": row["language"],
        "split": row["split"],
        "difficulty": row["difficulty"],
        "weights": f"{row['checkpoint']}, after {row['policy_version']:,} updates",
        "thinking": f"{row['thinking_tokens']:,} tokens, {row['mode']}{_limits(row)}",
        "length": f"{row['completion_tokens']:,} of {row['budget']:,} tokens",
        "temperature": f"{row['temperature']:g}",
    }
    told = "".join(f"<dt>{name}</dt><dd>{escape(v, limit=200)}</dd>" for name, v in facts.items() if v is not None)
    return f'<dl class="facts">{told}</dl>'


def _limits(row: Row) -> str:
    low, high = row["think_at_least"], row["think_at_most"]
    least = f", at least {low:,}" if low else ""
    return least if high is None else f"{least}, at most {high:,}"


def _group(one: Detail, links: Links) -> str:
    if len(one.siblings) < 2:
        return ""
    rows = "".join(_relative(row, one, links) for row in one.siblings)
    paid = [row["paid"] for row in one.siblings if row["paid"] is not None]
    mean = f", paid {sum(paid) / len(paid):.2f} on average" if paid else ""
    heading = f"<h2>Its group <small>{len(one.siblings)} rollouts of this problem{mean}</small></h2>"
    return f'<section class="kin">{heading}<ol class="rollouts">{rows}</ol></section>'


def _kin(one: Detail, links: Links) -> str:
    """The same problem elsewhere; beyond `KIN` a link to all of it."""
    parts = []
    for heading, rows in one.kin.items():
        listed = "".join(_relative(row, one, links) for row in rows[:KIN])
        known = {"pair": one.row["pair_id"]} if heading.startswith("In") else {"problem": one.row["problem_id"]}
        every = f'<p><a href="{links.listing(Asked(**known))}">all of them as a list</a></p>' if len(rows) > KIN else ""
        parts.append(f'<section class="kin"><h2>{heading}</h2><ol class="rollouts">{listed}</ol>{every}</section>')
    return "".join(parts)


def _relative(row: Row, one: Detail, links: Links) -> str:
    """One of the relatives; they are reached apart from the list, whose filters they need not meet."""
    if (row["path"], row["row"]) == (one.row["path"], one.row["row"]):
        here = f'<span class="fates">{fate(row)}</span><span class="said">{said(row, kin=True)}</span>'
        return (
            f'<li><span class="rollout here" aria-current="true">{here}<span class="meta">this one</span></span></li>'
        )
    plain = Asked(think=one.asked.think, colour=one.asked.colour)
    same = row["problem_id"] == one.row["problem_id"] and row["attack"] == one.row["attack"]
    return f"<li>{item(row, plain, links, kin=same)}</li>"
