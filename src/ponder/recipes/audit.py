"""Auditing a verifier by name: what it is, what it is asked about, and the run folder that keeps what it said."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponder import verifiers
from ponder.measure import audit, labelled, trust
from ponder.measure.audit import Asked
from ponder.measure.labelled import Found, Labelled
from ponder.options import nearest
from ponder.recipes.judges import ITSELF, backwards, build_verifier, check_verifier, digests, sections, specs_of
from ponder.recipes.load import load_recipe
from ponder.recipes.measure import recipe_of
from ponder.recipes.record import settled
from ponder.recipes.schema import Recipe
from ponder.runs import manifests
from ponder.runs.files import sha256
from ponder.runs.folder import Run
from ponder.runs.machine import git_commit, machine, versions
from ponder.runs.query import connect
from ponder.runs.result import Number
from ponder.runs.table import damage, write_rollouts
from ponder.specs import Spec
from ponder.specs.asking import FORMS
from ponder.types import PonderError, Verifier
from ponder.verifiers import VERIFIERS

COMPARING = ("exact", "number", "choice", "maths", "gym")
"""Verifiers that compare with the reference."""
REORDERED = "reordered"
"""The part that a verifier is asked about with its spec backwards."""
ORDERED = "backwards too"
"""What the manifest says of a spec that is asked about in two orders."""
UNORDERED = "one only: a rubric is asked criterion by criterion, and a single clause has no other"
"""What it says of one that is not."""
Heard = Callable[[str, int], None]
"""Called with the part that begins and how many answers it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What VERIFIER names."""

    name: str
    """Key of the recipe's `[verifiers]`, or of `ponder.verifiers.VERIFIERS`."""
    recipe: Recipe | None = None
    """Where it is described; None for one that needs no configuration."""

    @property
    def reads_reference(self) -> bool:
        """Whether it can do nothing without a right answer to compare with."""
        if not self.recipe:
            return self.name in COMPARING
        configs = [self.recipe.verifiers[name] for name in sections(self.recipe, self.name)]
        return any(each.rule in COMPARING or "{reference}" in FORMS[each.form or "alone"].ask for each in configs)

    @property
    def specs(self) -> dict[str, Spec]:
        """What it is shown, by section of the recipe."""
        return specs_of(self.recipe, self.name) if self.recipe else {}

    def build(self, out: Path) -> Verifier:
        """The verifier, which is given its model here; `out`: the folder that remembers a dtype of `auto`."""
        if not self.recipe:
            return verifiers.build(self.name)
        for name in sections(self.recipe, self.name):
            if self.recipe.verifiers[name].model == ITSELF:
                raise PonderError(f"verifiers.{name}.model: there is no policy in an audit; name another model")
            check_verifier(self.recipe, name)
        return build_verifier(settled(self.recipe, out), self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An audit."""

    audited: Audited
    """Who is audited."""
    found: Found
    """On what."""
    tries: int = audit.TRIES
    """Wrong answers that each trick is tried with."""
    seed: int = 0
    """Of whatever is chosen."""

    def parts(self) -> dict[str, list[Asked]]:
        """What is asked, by the name of the file that keeps it."""
        known: Sequence[Labelled] = self.found.answers
        return {
            "answers": audit.answers(known),
            "rephrased": audit.rephrased(known, seed=self.seed),
            REORDERED: audit.reordered(known, seed=self.seed),
            "tricks": audit.tricked(known, seed=self.seed, tries=self.tries),
        }


def plan(verifier: str, on: str, *, problems: int | None = None, tries: int | None = None) -> Plan:
    """What `ponder audit VERIFIER --on ON` asks for; PonderError for what cannot be audited."""
    for option, value in (("problems", problems), ("tries", tries)):
        if value is not None and value < 2:
            raise PonderError(f"--{option} = {value}: give at least 2")
    audited = find_audited(verifier)
    found = labelled.find(on, problems=problems)
    if audited.reads_reference and not all(each.problem.reference for each in found.answers):
        raise PonderError(
            f"--on = {on!r}: {audited.name} compares with a right answer, and some rows have none; "
            "fill the column 'reference'"
        )
    return Plan(audited=audited, found=found, tries=tries or audit.TRIES)


def find_audited(target: str) -> Audited:
    """`WHERE:NAME`, `WHERE` where there is one verifier only, or the name of one that needs no configuration.

    Where: a recipe, or the folder of a run, in which a judge that is the policy is its newest checkpoint.
    """
    if target in VERIFIERS:
        return Audited(name=target)
    whole = target.endswith(".toml") or is_run(Path(target))
    path, colon, name = (target, "", "") if whole else target.rpartition(":")
    if not path.endswith(".toml") and not is_run(Path(path)):
        raise PonderError(
            f"VERIFIER = {target!r}: neither RECIPE.toml:NAME nor RUN:NAME nor a verifier that needs no "
            f"configuration; {nearest(target, VERIFIERS)}"
        )
    recipe = trained(Run.open(Path(path))) if is_run(Path(path)) else load_recipe(Path(path))
    known = list(recipe.verifiers)
    if not known:
        raise PonderError(f"{path}: describes no verifier; add a section [verifiers.NAME]")
    if not colon and len(known) > 1:
        raise PonderError(f"{path}: describes {', '.join(known)}; say which: {path}:{known[0]}")
    if colon and name not in known:
        raise PonderError(f"{path}:{name}: there is no [verifiers.{name}]; {nearest(name, known)}")
    return Audited(name=name or known[0], recipe=recipe)


def is_run(path: Path) -> bool:
    """Whether a run lies there."""
    return (path / manifests.NAME).exists()


def trained(run: Run) -> Recipe:
    """The recipe of a run, with the newest checkpoint for every judge that is the policy."""
    recipe, newest = recipe_of(run), run.latest_checkpoint()[0]
    mine = {"model": str(newest.path), "system": recipe.model.system} if newest else {}
    judges = {
        name: config.model_copy(update=mine if config.model == ITSELF else {})
        for name, config in recipe.verifiers.items()
    }
    return recipe.model_copy(update={"verifiers": judges})


def default_out(asked: Plan) -> Path:
    """`runs/audit-VERIFIER-ON`."""
    return Path("runs") / f"audit-{asked.audited.name}-{asked.found.name}"


def run_audit(asked: Plan, out: Path, *, resume: bool = False, heard: Heard | None = None) -> Path:
    """Ask the verifier about everything, and write rollouts and numbers; a part that is there is not asked again."""
    known = asked.audited.specs
    verifier = asked.audited.build(out)
    turned = backwards(verifier, known)
    with Run.create(out, _manifest(asked, out, known, ordered=turned is not None), resume=resume) as run:
        for name, part in asked.parts().items():
            path, judge = run.measured_file(name), turned if name == REORDERED else verifier
            if judge and part and (not path.exists() or damage(path)):
                _ask(judge, name, part, run, heard)
        run.write_result(numbers(run))
    return out


def numbers(run: Run) -> dict[str, Number]:
    """What an audit comes to: the card, and what a verdict takes."""
    connection, _ = connect(run.path)
    with connection:
        found = trust.numbers(connection)
    rows = [row for row in run.timings() if row["stage"] == "audit"]
    asked = sum(row["verdicts"] for row in rows)
    each = sum(row["seconds"] for row in rows) / max(1, asked)
    query = "timings.jsonl: sum of seconds / sum of verdicts"
    return found | {"audit.seconds": Number(each, None, None, asked, "seconds", query)}


def _ask(verifier: Verifier, name: str, part: Sequence[Asked], run: Run, heard: Heard | None) -> None:
    if heard:
        heard(name, len(part))
    began = time.monotonic()
    rollouts = audit.ask(verifier, part)
    seconds = time.monotonic() - began
    write_rollouts(run.measured_file(name), rollouts, run=run.name)
    run.log_timing("audit", 0, {"part": name, "verdicts": len(part), "seconds": seconds})


def _manifest(asked: Plan, out: Path, known: Mapping[str, Spec], *, ordered: bool) -> Mapping[str, Any]:
    recipe, found = asked.audited.recipe, asked.found
    texts = digests(known)
    return {
        "recipe": settled(recipe, out).model_dump(mode="json") if recipe else None,
        "suite": {
            "name": "audit",
            "verifier": asked.audited.name,
            "on": found.name,
            "answers": len(found.answers),
            "tries": asked.tries,
            **({"order": ORDERED if ordered else UNORDERED} if known else {}),
        },
        "seeds": {"audit": asked.seed},
        "data": ({found.name: sha256(found.path)} if found.path else {}) | texts,
        "versions": versions(),
        "git_commit": git_commit(),
        "machine": machine(),
    }
