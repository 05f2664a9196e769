"""What was run: recipe, model, steps, time, seeds, machine and versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ponder.report.metrics import STAGES, by_stage
from ponder.report.text import escape
from ponder.runs.folder import Run


def facts(run: Run) -> str:
    """What was trained and with what; the whole recipe folded away."""
    manifest, recipe = run.manifest, run.manifest.get("recipe")
    named = recipe if isinstance(recipe, dict) else {}
    told = {
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
        for name, value in told.items()
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
