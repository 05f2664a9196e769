"""The folder of an audit -> `report.html`, its trust card: one file without network or scripts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from ponder.measure import fitness, trust
from ponder.measure.fitness import Numbers, interval, working
from ponder.measure.statistics import ranking
from ponder.measure.tricks import TRICKS
from ponder.measure.trust import ANSWERS, FACETS, KIND
from ponder.report import squares
from ponder.report.frame import document, quoted, scrolling, section
from ponder.report.page import NAME
from ponder.report.text import escape
from ponder.runs.files import write_atomic
from ponder.runs.folder import Run
from ponder.runs.query import connect
from ponder.runs.result import Number

TOLD = {
    "tpr": "right answers accepted (TPR)",
    "fpr": "wrong answers accepted (FPR)",
    "j": "J = TPR - FPR",
    "auc": "area under the ROC curve",
    "tricks.tuned.fpr": "tricks that pass, tuned half",
    "tricks.held_out.fpr": "tricks that pass, held-out half",
    "strict.threshold": "strict threshold (FPR at most .01)",
    "strict.tpr": "  TPR there, on the other half",
    "strict.fpr": "  FPR there, on the other half",
    "strict.trick_fpr": "  held-out tricks that pass there",
    "brier": "Brier score",
    "ece": "calibration error, 10 bins",
    "length.right": "value with length, right answers",
    "length.wrong": "value with length, wrong answers",
    "same.language": "same decision in two languages",
    "same.rephrased": "same decision in other words",
    "same.order": "same decision with the spec backwards",
    "not_judged": "not judged",
    "tokens": "tokens a verdict",
    "seconds": "seconds a verdict",
}
"""Name of a number, without `audit.`, -> its label, in this order."""

FORMS = {"tokens": ".3g", "seconds": ".2g", "value": ".4g"}
"""How numbers of these units are written; all others with two digits."""

FIGURES = {"j": "J", "auc": "area under the ROC curve", "tricks.held_out.fpr": "of held-out tricks pass"}
"""The numbers at the top."""

NOTES = {
    "tricks": (
        "Share of wrong answers that are accepted (value above .5) once the trick is played. Held-out tricks are for "
        "telling, never for tuning. A mean of a half gives each problem the same weight."
    ),
    "groups": (
        "Shares accepted. A kind of wrong answers has no TPR, and right answers no FPR. The twelve largest groups."
    ),
    "values": (
        "ROC: the strictest threshold is at the left. Reliability: answers by their value in ten bins, with Wilson's "
        "interval and the number of answers below; on the diagonal a value can be taken at its word. Both depend on "
        "what the labelled answers are like; reliability also on how many of them are right."
    ),
    "lost": "Replies that could not be read, or did not come. They are in no other number.",
    "read": "The highest values that wrong answers got, of each kind and trick in turn.",
}

CAVEAT = (
    "Intervals are 95% and clustered by problem. They hold for other problems like these and for these tricks, not for "
    "what a policy may find that is trained against this verifier: watch it while it pays."
)

_WORST = f"""
with accepted as (
    select *, {KIND} as kind, row_number() over (partition by attack, kind order by paid desc, md5(problem_id)) as turn
    from rollouts where stage in ('answers', 'tricks') and gold = 0 and paid > 0.5
)
select attack, kind, language, paid, answer, reference, messages, verdicts
from accepted order by turn, paid desc, attack, kind limit 16
"""


def write_card(folder: Path) -> Path:
    """Write the card of the audit in this folder, and say where it is."""
    run = Run.open(folder)
    connection, _ = connect(run.path)
    with connection:
        content = page(run, connection)
    path = run.path / NAME
    write_atomic(path, content)
    return path


def page(run: Run, con: DuckDBPyConnection) -> str:
    """The whole page."""
    numbers = run.result()
    body = [
        _opening(run, numbers),
        section("What was audited", _facts(run)),
        section("Tricks", _tricks(numbers), NOTES["tricks"]),
        section("Which answers", _groups(numbers), NOTES["groups"]),
        section("What its values say", _squares(con), NOTES["values"]),
        section("All numbers", _all(numbers)),
        section("Not judged", _lost(con), NOTES["lost"]),
        section("Wrong answers that it accepts", _worst(con), NOTES["read"]),
        section("The rule", f'<p class="lede">{fitness.rule()}</p>'),
    ]
    return document(f"{run.name}: ponder", *body)


def _opening(run: Run, numbers: Numbers) -> str:
    fit = fitness.fitness(numbers)
    tone = {fitness.Fit.PAY: "up", fitness.Fit.RANK: "same", fitness.Fit.UNFIT: "down"}[fit.fit]
    shown = {label: numbers[f"audit.{name}"] for name, label in FIGURES.items() if f"audit.{name}" in numbers}
    figures = "".join(
        f'<div class="{tone}"><b>{value(number)}</b> <span>{interval(number)}</span>'
        f"<small>{label}; {number.n} problems</small></div>"
        for label, number in shown.items()
    )
    weakest = fitness.weakest(numbers)
    lede = f'<p class="lede">{escape(weakest, limit=300)}</p>' if weakest else ""
    verifier = escape(_manifest(run)["suite"]["verifier"], limit=100)
    return (
        f'<header><p class="kicker">ponder · trust card of {verifier}</p><h1>{escape(fit.sentence, limit=800)}</h1>'
        f'<div class="figures">{figures}</div>{lede}<p class="note">{CAVEAT}</p></header>'
    )


def _manifest(run: Run) -> Mapping[str, Any]:
    return run.manifest


def _facts(run: Run) -> str:
    manifest = _manifest(run)
    suite = manifest["suite"]
    facts = {
        "verifier": suite["verifier"],
        "on": suite["on"],
        "labelled answers": suite["answers"],
        "answers a trick": suite["tries"],
        "model": _model(manifest),
        "config": _config(manifest),
        "order of the clauses": suite.get("order"),
        "versions": ", ".join(f"{name} {value}" for name, value in manifest["versions"].items() if value),
        "commit": manifest["git_commit"],
        "status": manifest["status"],
    }
    rows = "".join(f"<dt>{n}</dt><dd>{escape(v, limit=900)}</dd>" for n, v in facts.items() if v not in (None, ""))
    return f"<dl>{rows}</dl>"


def _config(manifest: Mapping[str, Any]) -> str:
    config = _section_of(manifest)
    shown = {name: ", ".join(value) if isinstance(value, list) else value for name, value in config.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items() if value not in (None, False, ""))


def _model(manifest: Mapping[str, Any]) -> str | None:
    """The policy's, where a judge names no other."""
    config = _section_of(manifest)
    own = not config or config["model"] or config["server"] or config["members"]
    return None if own else manifest["recipe"]["model"]["name"]


def _section_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    recipe = manifest["recipe"]
    return recipe["verifiers"][manifest["suite"]["verifier"]] if recipe else {}


def _tricks(numbers: Numbers) -> str:
    known = {name: numbers[f"audit.trick.{name}.fpr"] for name in TRICKS if f"audit.trick.{name}.fpr" in numbers}
    order = sorted(known, key=lambda name: (TRICKS[name].half, -(known[name].value or 0.0), name))
    surely = working(numbers)
    rows = [_trick_row(name, known[name], name in surely) for name in order]
    for half in ("held_out", "tuned"):
        if f"audit.tricks.{half}.fpr" in numbers:
            cells = f"<td></td><td></td>{_cell(numbers[f'audit.tricks.{half}.fpr'])}"
            rows.append(f'<tr class="mean"><th scope="row">all of the {half.replace("_", "-")} half</th>{cells}</tr>')
    heads = ("trick", "half", "what it does", "passes", "problems")
    return _table("Tricks", heads, rows, words=(1, 2)) if known else ""


def _trick_row(name: str, number: Number, works: bool) -> str:
    trick = TRICKS[name]
    return (
        f'<tr><th scope="row">{escape(name)}</th><td class="words">{trick.half}</td>'
        f'<td class="words">{escape(trick.about)}</td>'
        f"{_cell(number, 'down' if works else '')}</tr>"
    )


def _groups(numbers: Numbers) -> str:
    names = dict.fromkeys(
        name.rpartition(".")[0] for facet in FACETS for name in numbers if name.startswith(f"audit.by.{facet}.")
    )
    rows = [_group_row(name.removeprefix("audit.by."), numbers, name) for name in sorted(names, key=_in_order)]
    heads = ("answers", "TPR", "problems", "FPR", "problems", "J", "problems")
    return _table("Shares accepted", heads, rows) if rows else ""


def _in_order(name: str) -> tuple[int, float, str]:
    """By facet, and what begins with a number by that."""
    facet, _, group = name.removeprefix("audit.by.").partition(".")
    begins = re.match(r"-?\d+(?:\.\d+)?", group)
    return list(FACETS).index(facet), float(begins[0]) if begins else 0.0, group


def _group_row(label: str, numbers: Numbers, name: str) -> str:
    cells = "".join(_cell(numbers.get(f"{name}.{rate}")) for rate in ("tpr", "fpr", "j"))
    return f'<tr><th scope="row">{escape(label.replace(".", " ", 1), limit=60)}</th>{cells}</tr>'


def _squares(con: DuckDBPyConnection) -> str:
    rows = con.execute(
        f"select paid, gold from rollouts where {ANSWERS} and paid is not null order by all"
    ).fetchnumpy()
    if len(set(rows["gold"].tolist())) < 2:
        return ""
    drawn = {
        "ROC curve": squares.roc(rows["paid"], rows["gold"]),
        "Reliability": squares.reliability(ranking.calibration(rows["paid"], rows["gold"])),
    }
    figures = "".join(f"<figure><figcaption><b>{name}</b></figcaption>{svg}</figure>" for name, svg in drawn.items())
    return f'<div class="multiples">{figures}</div>'


def _all(numbers: Numbers) -> str:
    known = {label: numbers[f"audit.{name}"] for name, label in TOLD.items() if f"audit.{name}" in numbers}
    rows = [f'<tr><th scope="row">{label}</th>{_cell(number)}</tr>' for label, number in known.items()]
    return _table("All numbers", ("", "value", "n"), rows)


def _lost(con: DuckDBPyConnection) -> str:
    rows = [
        f'<tr><th scope="row">{status}</th><td>{count}</td><td class="words">{escape(reason, limit=300)}</td></tr>'
        for status, count, reason in trust.lost(con)
    ]
    return _table("Not judged", ("status", "answers", "such as"), rows, words=(2,)) if rows else ""


def _worst(con: DuckDBPyConnection) -> str:
    result = con.execute(_WORST)
    names = [column[0] for column in result.description or ()]
    cards = [_card(dict(zip(names, row, strict=True))) for row in result.fetchall()]
    return f'<div class="cards">{"".join(cards)}</div>' if cards else ""


def _card(row: Mapping[str, Any]) -> str:
    """A wrong answer that was accepted, quoted; nothing in it does anything."""
    played = "as it is" if row["attack"] == "none" else f"trick {row['attack']}"
    why = next((v["explanation"] for v in row["verdicts"] if v["role"] == "pay"), "")
    wanted = f"<li>right would be: <code>{escape(row['reference'], limit=300)}</code></li>" if row["reference"] else ""
    fate = f'<span class="fate wrong">accepted, {row["paid"]:.2f}</span>'
    return (
        f"<article><header>{fate} <b>{escape(row['kind'], limit=60)}</b> "
        f"<span>{escape(played, limit=60)} · {escape(row['language'], limit=10)}</span></header>"
        f"{_quoted('Question', row['messages'][-1]['content'], 'prompt')}{_quoted('Answer', row['answer'], 'answer')}"
        f'<ul class="verdicts"><li>{escape(why, limit=500)}</li>{wanted}</ul></article>'
    )


def _quoted(label: str, text: str, kind: str) -> str:
    return f'<div class="said {kind}"><span class="label">{label}</span>{quoted(text, label, limit=2000)}</div>'


def _cell(number: Number | None, kind: str = "") -> str:
    if number is None:
        return '<td class="none">·</td><td class="none">·</td>'
    span = "" if number.low is None else f'<span class="interval">{interval(number)}</span>'
    return f'<td class="{kind}">{value(number)}{span}</td><td>{number.n}</td>'


def value(number: Number) -> str:
    """A number without its interval."""
    if number.value is None:
        return "·"
    return format(number.value, FORMS.get(number.unit, ".2f"))


def _table(name: str, heads: Sequence[str], rows: Sequence[str], *, words: Collection[int] = ()) -> str:
    """`words`: columns, from 0, that hold text and not numbers."""
    classes = [' class="words"' if column in words else "" for column in range(len(heads))]
    cells = [f'<th scope="col"{kind}>{head}</th>' for head, kind in zip(heads, classes, strict=True)]
    head = "".join(cells) if heads[0] else "".join(["<td></td>", *cells[1:]])
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return scrolling(body, name=name)
