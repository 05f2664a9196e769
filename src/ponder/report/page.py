"""A run folder -> `report.html`: one file without network or scripts, each section only where it has data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from ponder.measure import adaptive, attacked, spending, surface, transfer
from ponder.measure.adaptive import Broken
from ponder.measure.bill import told_by
from ponder.measure.profile import profile
from ponder.measure.spending import Level, Way
from ponder.measure.statistics import Estimate
from ponder.measure.surface import Cell
from ponder.measure.transfer import TransferTable
from ponder.report import completions, payment, tables, thinking
from ponder.report import surface as drawn
from ponder.report.completions import Rollout
from ponder.report.costs import costs
from ponder.report.curves import curves
from ponder.report.facts import facts
from ponder.report.frame import document, folded, section
from ponder.report.saying import attack_sentence, profile_sentence
from ponder.report.text import (
    TIERS,
    control_sentence,
    escape,
    fewshot_sentence,
    main_change,
    parts_sentence,
    points,
    sentences,
)
from ponder.runs.files import write_atomic
from ponder.runs.folder import Run
from ponder.runs.query import connect

NAME = "report.html"

CAVEAT = (
    "One run, one seed: the intervals hold for other problems and other samples of these models, not for another "
    "training run. They are 95% intervals, paired and clustered by problem; a tier is the average of its domains."
)

NOTES = {
    "table": (
        "Percent right, with its 95% interval beneath. Gain: after − before, paired by problem, in points. An answer "
        "that is missing or truncated counts as wrong; what the verifier failed to judge is left out and counted "
        "below. Few-shot accuracy also takes answers in another format. Thinks: percent of completions that think, "
        "before → after."
    ),
    "changes": (
        "The three parts add up to the gain. Relative gain: (after − before) / before, averaged over domains; a low "
        "start makes it large. The Transferability Index (arXiv:2507.00432) is a tier's relative gain over the "
        "trained tier's; a ? is an end that the data do not set. Parts and ratios have bootstrap intervals."
    ),
    "matrix": (
        "Change in percent right that each training made, in points, by what training saw of a domain; 95% interval "
        "beneath. Few-shot: all training together, over the untouched model with solved examples, both read leniently."
    ),
    "paid": (
        "Where a verifier pays in the place of the exact check, that check only watches. A reward that rises while "
        "right answers do not is the sign of a verifier that is being fooled."
    ),
    "levels": (
        "Over domains whose problems differ in difficulty, each problem the same weight; bars are 95% intervals. "
        "Harder problems come from other domains too, so a level is not one kind of problem made harder."
    ),
    "ways": (
        "The same weights, asked to think in several ways: up is better, to the left is cheaper. Over the domains that "
        "were asked in every way, each problem the same weight; bars are 95% intervals."
    ),
    "costs": (
        "The average of the domains. Everything that was written is paid for, wrong answers and cut ones too, and what "
        "verifiers wrote; what a right answer costs is all of that over the right ones. Seconds are those of measuring "
        "on the machine that measured, many completions at once. Bootstrap intervals over problems."
    ),
    "attacked": (
        "Percent right, averaged by domain, with its 95% interval beneath: of the problems as they are, under each "
        "attack, and over all attacks, each strength counting equally. Any fails: percent of problems that at least "
        "one of them gets a wrong answer to."
    ),
    "surface": (
        "Percent of completions that an attack makes wrong, of those whose clean twin is right, with its 95% interval "
        "beneath; deeper where it surely succeeds more. Down: attacks and their strengths. Across: how much may be "
        "thought, most in tokens. Cells of fewer than 5 problems are left out. Who learns tries on each problem what "
        "broke most others, one attack after the other."
    ),
    "curves": "From each stage's metrics. Thin: every step, or means where they are many. Thick: smoothed.",
    "faults": "Percent of completions, averaged by domain, with 95% intervals.",
    "completions": (
        "A seeded choice over domains and conditions, not a selection; ponder show, with the run's folder, shows every "
        "rollout. Characters that cannot be seen are shown by their code points."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the rollouts of a run say."""

    table: TransferTable
    """Accuracy by domain and tier."""
    levels: list[Level]
    """Thinking and accuracy by difficulty."""
    ways: list[Way]
    """Accuracy by way of thinking."""
    hit: list[attacked.Row]
    """Accuracy under attack."""
    surface: list[tuple[Cell, Estimate]]
    """How often attacks succeed, by strength and thinking."""
    learned: list[Broken]
    """How often one who learns them does."""
    read: list[Rollout]
    """Some to read."""
    warnings: list[str]
    """What could not be read."""


def write_report(run_path: Path) -> Path:
    """Write the report of the run in this folder, and say where it is.

    Raises `PonderError` where the folder holds no run or cannot be written.
    """
    run = Run.open(run_path)
    path = run.path / NAME
    write_atomic(path, page(run, found(run)))
    return path


def found(run: Run) -> Found:
    """Everything that the page shows of a run's rollouts."""
    measured, warnings = connect(run.path)
    with measured:
        return Found(
            table=transfer.table(measured),
            levels=spending.by_difficulty(measured),
            ways=spending.by_way(measured),
            hit=attacked.table(measured),
            surface=surface.successes(measured),
            learned=list(adaptive.successes(measured)),
            read=completions.chosen(measured),
            warnings=warnings,
        )


def page(run: Run, told: Found) -> str:
    """The whole page."""
    table, metrics, numbers = told.table, run.metrics(), run.result()
    recipe = run.manifest.get("recipe")
    payer = payment.payer(recipe if isinstance(recipe, dict) else {})
    attacks = [attack for row in told.hit for attack in row.attacks]

    def at(query: str) -> str:
        return f"ponder show {shlex.quote(str(run.path))} --at {shlex.quote(query)}"

    clean, long = at("kind=measured&attack=none"), at("kind=measured&attack=none&sort=longest")
    trained = at("kind=training") if any((run.path / "rollouts").glob("*.parquet")) else ""
    free = at("kind=measured&attack=none&mode=free")
    hit = at(f"attack={attacks[0]}") if attacks else ""
    body = [
        _opening(run, told, payment.sentence(payer, numbers)),
        section("Where it carried", _profile(table), rollouts=clean),
        section("What each training carried to", tables.matrix(table), NOTES["matrix"], rollouts=clean),
        section("What the gain is made of", tables.changes(table), NOTES["changes"], rollouts=clean),
        section(
            "What was paid, and what was right",
            payment.section(payer, metrics, numbers),
            NOTES["paid"],
            rollouts=trained,
        ),
        section("How it learned", curves(metrics), NOTES["curves"], rollouts=trained),
        section("Thinking on harder problems", thinking.by_difficulty(told.levels), NOTES["levels"], rollouts=free),
        section("What thinking buys", thinking.by_way(told.ways), NOTES["ways"], rollouts=clean),
        section("What a right answer costs", costs(told_by(numbers)), NOTES["costs"], rollouts=long),
        section("Under attack", tables.under_attack(told.hit), NOTES["attacked"], rollouts=hit),
        section("What attacks come to", drawn.surface(told.surface, told.learned), NOTES["surface"], rollouts=hit),
        section("What went wrong", _wrong(table, told.warnings), NOTES["faults"], rollouts=at("outcome=truncated")),
        section("Completions to read", completions.cards(told.read), NOTES["completions"]),
        section("What was run", facts(run)),
    ]
    return document(f"{run.name}: ponder", *body)


def _opening(run: Run, told: Found, paid: str) -> str:
    """The first sentence large, the others after it, and the tiers' changes as figures."""
    kicker, table = f'<p class="kicker">ponder · {escape(run.name, limit=100)}</p>', told.table
    if not table.domains:
        return f"<header>{kicker}<h1>Nothing has been measured yet.</h1></header>"
    first, *others = sentences(table)
    change = main_change(table)
    uneven = profile_sentence(profile(table, change)) if change else ""
    parts = (control_sentence(table), parts_sentence(table), fewshot_sentence(table))
    paragraphs = (paid, _joined(*others, uneven), _joined(*parts, attack_sentence(told.hit)))
    lede = "".join(f'<p class="lede">{text}</p>' for text in paragraphs if text)
    return f'<header>{kicker}<h1>{first}</h1>{_figures(table)}{lede}<p class="note">{CAVEAT}</p></header>'


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _profile(table: TransferTable) -> str:
    """Every domain before and after, and the numbers behind it."""
    if not table.domains:
        return ""
    note = f'<p class="note">{NOTES["table"]}</p>'
    return tables.chart(table) + folded("The numbers behind it", tables.accuracies(table) + note)


def _figures(table: TransferTable) -> str:
    change = main_change(table)
    rows = [(row, row.changes[change]) for row in table.tiers if change in row.changes] if change else []
    figures = "".join(
        f'<div class="{tables.tone(estimate)}"><b>{points(estimate).partition(" ")[0]}</b> '
        f"<span>{points(estimate).partition(' ')[2]} points</span>"
        f"<small>{row.tier}: {TIERS[row.tier]}; {estimate.n} problems{_sure(estimate)}</small></div>"
        for row, estimate in rows
    )
    return f'<div class="figures">{figures}</div>' if figures else ""


def _sure(estimate: Estimate) -> str:
    """What the colour says, in words, where it is easily misread."""
    return "" if estimate.sign else "; no sure change"


def _wrong(table: TransferTable, warnings: list[str]) -> str:
    listed = "".join(f"<li>{escape(warning, limit=300)}</li>" for warning in warnings)
    return (tables.faults(table) if table.domains else "") + (f"<ul>{listed}</ul>" if listed else "")
