"""A run folder -> `report.html`: one file without network or scripts, each section only where it has data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ponder.measure import attacked, transfer
from ponder.measure.transfer import TransferTable
from ponder.report import completions, tables
from ponder.report.completions import Rollout
from ponder.report.curves import STAGES, by_stage, curves
from ponder.report.frame import document, section
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
    "attacked": (
        "Percent right, averaged by domain, with its 95% interval beneath: of the problems as they are, under each "
        "attack, and over all attacks, each strength counting equally. Any fails: percent of problems that at least "
        "one of them gets a wrong answer to."
    ),
    "curves": "From each stage's metrics. Thin: every step, or means where they are many. Thick: smoothed.",
    "faults": "Percent of completions, averaged by domain, with 95% intervals.",
    "completions": (
        "A seeded choice over domains and conditions, not a selection. Characters that cannot be seen are shown by "
        "their code points."
    ),
}


def write_report(run_path: Path) -> Path:
    """Write the report of the run in this folder, and say where it is.

    Raises `PonderError` where the folder holds no run or cannot be written.
    """
    run = Run.open(run_path)
    measured, warnings = connect(run.path)
    with measured:
        table, read, hit = transfer.table(measured), completions.chosen(measured), attacked.table(measured)
    path = run.path / NAME
    write_atomic(path, page(run, table, read, hit=hit, warnings=warnings))
    return path


def page(run: Run, table: TransferTable, read: list[Rollout], *, hit: list[attacked.Row], warnings: list[str]) -> str:
    """The whole page."""
    has_table = bool(table.domains)
    body = [
        _opening(run, table),
        section("What was trained", _facts(run)),
        section("Where it carried", tables.chart(table) if has_table else ""),
        section("The numbers", tables.accuracies(table) if has_table else "", NOTES["table"]),
        section("What the gain is made of", tables.changes(table), NOTES["changes"]),
        section("Under attack", tables.under_attack(hit), NOTES["attacked"]),
        section("How it learned", curves(run.metrics()), NOTES["curves"]),
        section("What went wrong", _wrong(table, warnings), NOTES["faults"]),
        section("Completions to read", completions.cards(read), NOTES["completions"]),
    ]
    return document(f"{run.name}: ponder", *body)


def _opening(run: Run, table: TransferTable) -> str:
    """The first sentence large, the others after it, and the tiers' changes as figures."""
    kicker = f'<p class="kicker">ponder · {escape(run.name, limit=100)}</p>'
    if not table.domains:
        return f"<header>{kicker}<h1>Nothing has been measured yet.</h1></header>"
    first, *others = sentences(table)
    told = (control_sentence(table), parts_sentence(table), fewshot_sentence(table))
    paragraphs = (" ".join(others), " ".join(filter(None, told)))
    lede = "".join(f'<p class="lede">{text}</p>' for text in paragraphs if text)
    return f'<header>{kicker}<h1>{first}</h1>{_figures(table)}{lede}<p class="note">{CAVEAT}</p></header>'


def _figures(table: TransferTable) -> str:
    change = main_change(table)
    rows = [(row, row.changes[change]) for row in table.tiers if change in row.changes] if change else []
    figures = "".join(
        f'<div class="{tables.tone(estimate)}"><b>{points(estimate).partition(" ")[0]}</b> '
        f"<span>{points(estimate).partition(' ')[2]} points</span>"
        f"<small>{row.tier}: {TIERS[row.tier]}; {estimate.n} problems</small></div>"
        for row, estimate in rows
    )
    return f'<div class="figures">{figures}</div>' if figures else ""


def _wrong(table: TransferTable, warnings: list[str]) -> str:
    listed = "".join(f"<li>{escape(warning, limit=300)}</li>" for warning in warnings)
    return (tables.faults(table) if table.domains else "") + (f"<ul>{listed}</ul>" if listed else "")


def _facts(run: Run) -> str:
    """What was trained and with what; the whole recipe folded away."""
    manifest, recipe = run.manifest, run.manifest.get("recipe")
    named = recipe if isinstance(recipe, dict) else {}
    facts = {
        "recipe": named.get("name", "" if named else recipe),
        "model": _model(named.get("model") or manifest.get("model")),
        "steps": ", ".join(
            f"{STAGES.get(stage, stage)} {len(rows)}" for stage, rows in by_stage(run.metrics()).items()
        ),
        **{name: _cost(run, name) for name in ("minutes", "peak_gb")},
        "status": manifest.get("status"),
        "seeds": _inline(manifest.get("seeds")),
        "machine": _inline(manifest.get("machine")),
        "versions": _inline(manifest.get("versions")),
        "commit": manifest.get("git_commit"),
    }
    rows = "".join(
        f"<dt>{name.replace('peak_gb', 'peak memory, GB')}</dt><dd>{escape(value, limit=600)}</dd>"
        for name, value in facts.items()
        if value not in (None, "")
    )
    return f"<dl>{rows}</dl>{_recipe(named)}"


def _model(model: Any) -> Any:
    return model.get("name", _inline(model)) if isinstance(model, dict) else model


def _cost(run: Run, name: str) -> str:
    number = run.result().get(f"cost.{name}")
    return "" if number is None or number.value is None else f"{number.value:.1f}"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_inline(inner)}" for key, inner in value.items() if inner is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _recipe(recipe: Mapping[str, Any]) -> str:
    lines = "".join(
        f"<tr><th>{escape(key)}</th><td>{escape(value, limit=400)}</td></tr>" for key, value in _flat(recipe)
    )
    return (
        f'<details><summary>The whole recipe</summary><table class="recipe">{lines}</table></details>' if lines else ""
    )


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, inner in value.items():
        found += _flat(inner, f"{prefix}{key}.") if isinstance(inner, dict) else [(f"{prefix}{key}", _inline(inner))]
    return found
