"""How many samples a question takes, by how deep it is: one sample, the solver, and the vote of all 32.

python examples/solve_by_depth.py MODEL FAMILY PROBLEMS [--think]
"""

import sys

from ponder import domains
from ponder.measure.solving import Solved, solve_domain
from ponder.measure.statistics import Estimate
from ponder.recipes.ask import AskConfig, solver_of
from ponder.types import Domain

MOST, LONGEST = 32, 192
"""Samples of a question, and tokens of a sample."""
NEVER = 1e-12
"""An error at which 32 votes never agree, so that all are drawn unless the rest cannot change the vote."""


def main(model: str, family: str, problems: int, *, think: bool) -> None:
    """Print accuracy, samples and tokens a problem for depths 1 to 5."""
    print("depth  single             tokens  solver             samples tokens agreed  vote               tokens")
    found = {depth: domains.build(family, f"lab-{family}", {"depth": depth}) for depth in range(1, 6)}
    solvers = [
        solver_of(model, AskConfig(error=error, samples=MOST, longest=LONGEST, think=think), list(found.values()))
        for error in (0.05, NEVER)
    ]
    for depth, domain in found.items():
        once, vote = (solve_domain(solver, domain, split="test", seed=8, n=problems) for solver in solvers)
        print(f"{depth:5}  {row(once, vote, domain)}", flush=True)


def row(once: Solved, vote: Solved, domain: Domain) -> str:
    """The solver beside its first sample, and beside a vote of all samples, each of which is as long as its mean."""
    e, v = once.estimates(), vote.estimates()
    each = v["tokens"].value / v["samples"].value
    cells = [
        f"{share(e['single'])} {e['tokens.single'].value:6.0f}",
        f"{share(e['accuracy'])} {e['samples'].value:7.1f} {e['tokens'].value:6.0f} {e['agreed'].value:6.2f}",
        f"{share(v['accuracy'])} {MOST * each:6.0f}",
    ]
    return "  ".join(cells)


def share(e: Estimate) -> str:
    """With its 95% interval."""
    return f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}]"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), think="--think" in sys.argv)
