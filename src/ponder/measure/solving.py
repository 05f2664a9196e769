"""The solver as something that is measured: what it gets right over the problems of a domain, and what that takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ponder import verifiers
from ponder.measure import statistics
from ponder.measure.statistics import Estimate
from ponder.runs.result import Number
from ponder.solve.solution import Solution
from ponder.solve.solver import Solver
from ponder.solve.tries import Try
from ponder.types import Domain, Outcome, Problem, Rollout, Submission, Verifier
from ponder.verifiers.extract import Kind
from ponder.verifiers.votes import KINDS

UNITS = {"accuracy": "share", "single": "share", "agreed": "share", "samples": "samples"}
"""Of each number; the others are tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """Solutions of a domain's problems, and how good they are."""

    domain: str
    """Name."""
    solutions: tuple[Solution, ...]
    """In the order of the problems."""
    right: tuple[float, ...]
    """What the domain's own verifier says of each answer that was given; 0 where none was."""
    single: tuple[float, ...]
    """What it says of the first sample of each: the same problems, solved with one."""

    @property
    def rollouts(self) -> list[Rollout]:
        """Every sample that was drawn, in the form of all rollouts; empty where a server drew them."""
        return [one.rollout for solution in self.solutions for one in solution.tries if one.rollout]

    @property
    def why(self) -> dict[str, int]:
        """Problems by why no more samples were drawn."""
        return dict(Counter(solution.why.value for solution in self.solutions).most_common())

    def estimates(self) -> dict[str, Estimate]:
        """Means over problems with 95% intervals.

        `accuracy`, and `single` with the first sample alone; `samples`; `tokens` that were written, `tokens.single`
        of the first sample, `tokens.thinking` where that is known, `tokens.verifier`; `agreed`: share that agreed.
        """
        ids = [solution.problem.id for solution in self.solutions]
        shares = {"accuracy": self.right, "single": self.single}
        shares["agreed"] = tuple(float(solution.why == "agreed") for solution in self.solutions)
        found = {name: statistics.proportion(values, ids) for name, values in shares.items()}
        return found | {name: statistics.mean(values, ids) for name, values in self._counts()}

    def numbers(self) -> dict[str, Number]:
        """`solve.DOMAIN.NAME` for `result.json`."""
        return {
            f"solve.{self.domain}.{name}": Number(
                e.value, e.low, e.high, e.n, UNITS.get(name, "tokens"), f"ponder.measure.solving: {name}"
            )
            for name, e in self.estimates().items()
        }

    def _counts(self) -> Iterator[tuple[str, list[int]]]:
        yield "samples", [len(solution.tries) for solution in self.solutions]
        yield "tokens", [solution.tokens for solution in self.solutions]
        yield "tokens.single", [solution.tries[0].tokens for solution in self.solutions]
        yield "tokens.verifier", [solution.verifier_tokens for solution in self.solutions]
        thinking = [solution.thinking_tokens for solution in self.solutions]
        if None not in thinking:
            yield "tokens.thinking", [count or 0 for count in thinking]


def solve_domain(solver: Solver, domain: Domain, *, split: str, seed: int, n: int, start: int = 0) -> Solved:
    """Let a solver answer problems of a domain, and check what it gives by the domain's own verifier."""
    problems = domain.problems(split, seed=seed, n=n, start=start)
    kind = KINDS.get(domain.verifier.name, Kind.TEXT)
    solutions = replace(solver, kind=kind).solve(problems)
    verifier = verifiers.build(domain.verifier.name, dict(domain.verifier.options))
    given = [None if one.chosen is None else one.tries[one.chosen] for one in solutions]
    return Solved(
        domain=domain.name,
        solutions=tuple(solutions),
        right=worth(verifier, problems, given),
        single=worth(verifier, problems, [one.tries[0] for one in solutions]),
    )


def worth(verifier: Verifier, problems: Sequence[Problem], tries: Sequence[Try | None]) -> tuple[float, ...]:
    """What a verifier says of one try at each problem; 0 where there is no answer."""
    rows = [i for i, one in enumerate(tries) if one is not None and one.outcome is Outcome.ANSWERED]
    verdicts = verifier.verify([_submission(problems[i], tries[i]) for i in rows]) if rows else []
    found = {i: verdict.value or 0.0 for i, verdict in zip(rows, verdicts, strict=True)}
    return tuple(found.get(i, 0.0) for i in range(len(problems)))


def _submission(problem: Problem, one: Try | None) -> Submission:
    assert one, "only what was answered is submitted"
    return Submission(problem=problem, answer=one.answer)
