"""What an answer is worth by a rubric."""

from __future__ import annotations

from collections.abc import Mapping

from ponder.specs.records import Spec
from ponder.types import PonderError


def score(rubric: Spec, met: Mapping[str, bool | float]) -> float:
    """sum_i w_i m_i / sum_i max(w_i, 0), clipped to [0, 1] (arXiv:2507.17746, explicit aggregation).

    `met` says of every criterion how far the answer meets it, in [0, 1]; to meet a pitfall is to fall into it.
    Raises PonderError for a spec that is no rubric, and for a criterion that is missing, unknown or out of bounds.
    """
    best = sum(max(clause.weight, 0.0) for clause in rubric.clauses)
    if not best:
        remedy = "take a rubric with a criterion that is essential, important or optional"
        raise PonderError(f"{rubric.name}: no weight is above 0; {remedy}")
    for id in met:
        rubric.clause(id)
    earned = sum(clause.weight * _share(rubric, met, clause.id) for clause in rubric.clauses)
    return min(max(earned / best, 0.0), 1.0)


def _share(rubric: Spec, met: Mapping[str, bool | float], id: str) -> float:
    if id not in met:
        raise PonderError(f"met has no {id!r}: {rubric.name} has this criterion; give it a number from 0 to 1")
    share = float(met[id])
    if not 0.0 <= share <= 1.0:
        raise PonderError(f"met[{id!r}] = {share}: must be from 0 to 1")
    return share
