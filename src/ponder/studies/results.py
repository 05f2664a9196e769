"""What a study comes to: means over seeds, claims decided, `results.json` and a README."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ponder.measure.statistics import Estimate, difference_over_seeds, over_seeds, share_over_seeds
from ponder.runs.files import write_atomic
from ponder.runs.lines import to_json
from ponder.runs.query import connect
from ponder.runs.result import Number, read_result
from ponder.studies.figures import Found, drawn
from ponder.studies.kept import Values
from ponder.studies.run import Run
from ponder.studies.schema import Claim, Share, Study
from ponder.types import PonderError

RESULTS = "results.json"
README = "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
"""What is between them is written anew; the rest of a README is whoever's wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of a claim."""

    claim: Claim
    """As it was stated."""
    difference: Estimate | None
    """Over the seeds that both arms have; None where there are none."""
    by_model: Mapping[str, float]
    """Its mean over the seeds that begin with each of the study's models; empty where they begin alike."""

    @property
    def word(self) -> str:
        """`held`: surely more; `not held`: surely less than what would matter; else `undecided`."""
        if self.difference is None:
            return "undecided"
        if self.difference.low > 0:
            return "held"
        return "not held" if self.difference.high < self.claim.least else "undecided"


def told(study: Study, runs: Iterable[Run]) -> Values:
    """The study's numbers of every run that has them."""
    found: dict[tuple[str, int], dict[str, dict[str, float]]] = {}
    for run in runs:
        own = found.setdefault((run.arm, run.seed), {})
        for arm, number, value in _values(study, run):
            own.setdefault(arm, {})[number] = value
    return found


def collect(study: Study, values: Values) -> Found:
    """The same by arm, number and seed; a gain is what an arm has more than the baseline's same seed."""
    found: dict[str, dict[str, dict[int, float]]] = {arm: {name: {} for name in study.numbers} for arm in study.arms}
    for (_, seed), own in values.items():
        for arm, numbers in own.items():
            for number, value in numbers.items():
                found[arm][number][seed] = value
    return _gained(found, study.baseline) if study.baseline else found


def is_query(asked: str) -> bool:
    """Whether a number is asked of the rollouts, and not of `result.json`."""
    return asked.lstrip().lower().startswith("select ")


def _values(study: Study, run: Run) -> Iterator[tuple[str, str, float]]:
    """Arm, number and value of all that a run tells, to its own arm and to those that look at it."""
    own = read_result(run.folder)
    with _rollouts(run) if any(map(is_query, study.numbers.values())) else nullcontext() as connection:
        for name, arm in study.arms.items():
            for number, asked in study.numbers.items() if run.arm == (arm.looks_at or name) else ():
                if connection and is_query(asked):
                    value = _queried(connection, run, number, asked, study.parameters | arm.parameters)
                else:  # what a run tells of itself is told of the arm that ran, and of one that asks for it
                    value = own[asked].value if asked in own and (arm.told or not arm.looks_at) else None
                if value is not None:
                    yield name, number, value


def _rollouts(run: Run) -> duckdb.DuckDBPyConnection:
    """What a run measured, all of it: a number of what is left would be another number."""
    connection, damaged = connect(*(task.folder for task in run.tasks))
    if damaged:
        connection.close()
        raise PonderError(f"{damaged[0]}; remove its folder and run the study again")
    return connection


def _queried(
    connection: duckdb.DuckDBPyConnection, run: Run, name: str, query: str, parameters: Mapping[str, str]
) -> float | None:
    """What a query comes to; None where nothing it asks for was measured."""
    used = {key: value for key, value in parameters.items() if re.search(rf"\${re.escape(key)}\b", query)}
    try:
        rows = connection.execute(query, used).fetchall()
        value = rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else "no single number"
        return None if value is None else float(value)
    except (duckdb.Error, ValueError) as error:
        why = str(error).strip().splitlines()[0]
        raise PonderError(f"numbers.{name}: the query fails on {run.folder}: {why}") from None


def _gained(found: Found, baseline: str) -> Found:
    """The same with gains counted from the baseline."""

    def less(name: str, values: Mapping[int, float]) -> Mapping[int, float]:
        start = found[baseline][name]
        return {seed: value - start[seed] for seed, value in values.items() if seed in start}

    return {
        arm: {name: less(name, values) if name.endswith("gain") else values for name, values in each.items()}
        for arm, each in found.items()
    }


def numbers(study: Study, found: Found) -> dict[str, Number]:
    """`ARM.NUMBER` over its seeds, and how many seeds every arm has."""
    made = {
        f"{arm}.{name}": _number(over_seeds(values), f"mean over seeds of {study.numbers[name]}")
        for arm, each in found.items()
        for name, values in each.items()
        if values
    }
    made |= {name: _number(share, _of(study.shares[name])) for name, (share, _) in shares(study, found).items()}
    least = min((max(map(len, each.values())) for each in found.values()), default=0)
    return made | {"seeds": Number(least, least, least, least, "seeds", "seeds that every arm has")}


def shares(study: Study, found: Found) -> dict[str, tuple[Estimate, Mapping[str, float]]]:
    """Every share whose arms have a seed in common, and what it is of the seeds that begin with each model."""
    made = {}
    for name, share in study.shares.items():
        of, to = found[share.of][share.number], found[share.to][share.number]
        if shared := of.keys() & to.keys():
            sums = {
                model: (sum(of[seed] for seed in seeds), sum(to[seed] for seed in seeds))
                for model, seeds in _by_model(study, shared).items()
            }
            by_model = {model: part / whole for model, (part, whole) in sums.items() if whole}
            made[name] = share_over_seeds(of, to), by_model
    return made


def _by_model(study: Study, seeds: Set[int]) -> dict[str, list[int]]:
    """Those that begin with each of the study's models, where it names more than one."""
    found = {
        model: [seed for seed in study.seeds if seed in seeds and study.model_of(seed) == model]
        for model in study.beginnings
    }
    return {model: own for model, own in found.items() if own} if len(found) > 1 else {}


def _of(share: Share) -> str:
    return f"{share.number}, {share.of} over {share.to}"


def decide(study: Study, found: Found) -> list[Decision]:
    """Every claim, by the differences of its arms seed by seed."""
    decisions = []
    for claim in study.claims:
        more, than = found[claim.more][claim.number], found[claim.than][claim.against or claim.number]
        shared = more.keys() & than.keys()
        difference = difference_over_seeds(than, more) if shared else None
        by_model = {
            model: sum(more[seed] - than[seed] for seed in seeds) / len(seeds)
            for model, seeds in _by_model(study, shared).items()
        }
        decisions.append(Decision(claim=claim, difference=difference, by_model=by_model))
    return decisions


def check_own(study: Study, path: Path) -> None:
    """Raise PonderError where a file beside a study is another study's."""
    try:
        other = json.loads(path.read_text()).get("study", study.name) if path.exists() else study.name
    except (ValueError, AttributeError):
        raise PonderError(f"{path}: not what ponder writes beside a study; move it away") from None
    if other != study.name:
        raise PonderError(f"{path}: holds the results of study {other!r}; give each study a folder of its own")


def write(study: Study, found: Found, folder: Path) -> list[Decision]:
    """Write both files beside the study; returns its decisions."""
    decisions = decide(study, found)
    records = {name: _record(number) for name, number in sorted(numbers(study, found).items())}
    claims = [{"says": d.claim.says, "word": d.word, **_figure(d)} for d in decisions]
    write_atomic(folder / RESULTS, to_json({"study": study.name, "numbers": records, "claims": claims}, indent=1))
    for figure in study.figures:
        write_atomic(folder / figure.file, drawn(figure, study.each, found))
    path = folder / README
    before = path.read_text() if path.exists() else f"# {study.name}\n\n{study.asks}\n\n{BEGIN}\n{END}\n"
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    write_atomic(path, f"{head.rstrip()}\n\n{BEGIN}\n\n{page(study, found, decisions)}\n\n{END}{tail or chr(10)}")
    return decisions


def page(study: Study, found: Found, decisions: Iterable[Decision]) -> str:
    """Claims, figures, then arms by numbers: the longer of the two goes down."""
    claims = "\n".join(f"- **{d.word}**: {d.claim.says} ({_told(study, d)})" for d in decisions)
    told = "\n".join(
        f"- {name}: {_interval(e)} ({_of(study.shares[name])}, n = {e.n}{_models(study, by_model)})"
        for name, (e, by_model) in shares(study, found).items()
    )
    figures = [f"![{figure.says}]({figure.file})" for figure in study.figures]
    cells = {arm: {name: _cell(each[name]) for name in study.numbers} for arm, each in found.items()}
    if len(study.numbers) > len(cells):
        rows, corner = {name: {arm: each[name] for arm, each in cells.items()} for name in study.numbers}, "number"
    else:
        rows, corner = cells, "arm"
    head = next(iter(rows.values()))
    table = [f"| {corner} | {' | '.join(head)} |", "| --- |" + " --- |" * len(head)]
    table += [f"| {label} | {' | '.join(row.values())} |" for label, row in rows.items()]
    note = "Means over seeds, with 95% t intervals; n is the number of seeds."
    if "; by model " in claims + told:
        note += f" By model: means of the seeds that begin with each of {', '.join(dict.fromkeys(study.beginnings))}."
    return "\n\n".join(filter(None, [claims, told, *figures, note, "\n".join(table)]))


def _told(study: Study, decision: Decision) -> str:
    claim, d = decision.claim, decision.difference
    than = f"{claim.than}'s {claim.against}" if claim.against else claim.than
    what = f"{claim.number}, {claim.more} less {than}"
    if d is None:
        return f"{what}: no seed has both"
    return f"{what}: {_interval(d)}, n = {d.n}{_models(study, decision.by_model)}"


def _models(study: Study, by_model: Mapping[str, float]) -> str:
    told = (f"{by_model[model]:.3f}" if model in by_model else "·" for model in dict.fromkeys(study.beginnings))
    return f"; by model {', '.join(told)}" if by_model else ""


def _cell(values: Mapping[int, float]) -> str:
    return f"{_interval(over_seeds(values))}, n = {len(values)}" if values else "·"


def _interval(estimate: Estimate) -> str:
    bounds = f" [{estimate.low:.3f}, {estimate.high:.3f}]" if estimate.n > 1 else ""
    return f"{estimate.value:.3f}{bounds}"


def _number(estimate: Estimate, query: str) -> Number:
    bounds = _bounds(estimate)
    return Number(estimate.value, bounds["low"], bounds["high"], estimate.n, "", query)


def _figure(decision: Decision) -> dict[str, object]:
    """Value, interval and n of a claim, and what each model's seeds come to; nothing where no seed has both arms."""
    if (difference := decision.difference) is None:
        return {}
    told = {**_bounds(difference), "n": difference.n}
    return {**told, "by_model": decision.by_model} if decision.by_model else told


def _bounds(estimate: Estimate) -> dict[str, float | None]:
    """Value and interval; one seed alone sets no bound."""
    low, high = (None, None) if estimate.n < 2 else (estimate.low, estimate.high)
    return {"value": estimate.value, "low": low, "high": high}


def _record(number: Number) -> dict[str, object]:
    return {key: getattr(number, key) for key in ("value", "low", "high", "n", "unit", "query")}
